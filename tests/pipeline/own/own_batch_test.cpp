#include "tests/pipeline/batch_fixture.hpp"
#include "tests/pipeline/own/kernels_for_tests.hpp"

#include <pixmill/batch.hpp>
#include <pixmill/kernel.hpp>

#include <gtest/gtest.h>

#include <opencv2/core.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace pixmill {
namespace {

using tests::named;
using tests::that_does;

class OwnBatch : public tests::BatchFixture {
 protected:
  void make_many() const {
    for (int i = 0; i < 30; ++i) {
      const std::uint64_t seed = 100U + static_cast<std::uint64_t>(i);
      const int type = i % 4 == 0 ? CV_16UC1 : i % 3 == 0 ? CV_8UC3 : CV_8UC1;
      tests::write_file(in("many/" + std::to_string(i) + ".png"),
                        tests::encoded(tests::noise_frame(5 + i, 60 - i, type, seed), "png"));
    }
  }
  [[nodiscard]] BatchOptions all(const std::string& chain, std::string_view backend, int jobs) const {
    BatchOptions wanted = options(chain);
    wanted.inputs.recursive = true;
    wanted.output->overwrite = true;
    wanted.backend = backend;
    wanted.jobs = jobs;
    return wanted;
  }
};

TEST_F(OwnBatch, GivesTheSameBitsOnEveryBackend) {
  make_many();
  KernelDefinition halves = named("batch-transpose");
  halves.bind = [](const KernelArguments&) { return std::make_unique<tests::Transpose>(); };
  register_kernel(halves);
  KernelDefinition noise = named("batch-noise");
  noise.image = [](const cv::Mat& in, cv::Mat& out, const KernelArguments&) {
    cv::Mat random(in.size(), in.type());
    cv::randu(random, 0, 9);  // of cv::theRNG()
    cv::add(in, random, out);
  };
  register_kernel(noise);
  std::map<std::string, std::string> want;
  for (const BackendDescriptor& backend : tests::checkable_backends()) {
    for (const int jobs : {1, 2, 5}) {
      std::filesystem::remove_all(out());
      const BatchReport report = run_batch(all("batch-noise,batch-transpose,median=3", backend.name, jobs));
      EXPECT_TRUE(report.all_well());
      EXPECT_EQ(report.images, 34U);
      if (want.empty()) want = outputs();
      EXPECT_EQ(outputs(), want) << backend.name << " -j" << jobs;
    }
  }
}

TEST_F(OwnBatch, ThrowingCostsOneImage) {
  register_kernel(that_does("batch-throws", [](const cv::Mat& in) {
    if (in.cols == 17) throw std::runtime_error("seventeen is too wide");
  }));
  for (const BackendDescriptor& backend : tests::checkable_backends()) {
    BatchOptions wanted = all("batch-throws", backend.name, 2);
    std::string detail;
    wanted.on_outcome = [&detail](const ImageOutcome& outcome) {
      if (outcome.verdict == Verdict::kernel_failed) detail += outcome.detail;
    };
    const BatchReport report = run_batch(wanted);
    EXPECT_EQ(report.count(Verdict::ok), 3U) << backend.name;
    EXPECT_EQ(detail, "batch-throws: seventeen is too wide") << backend.name;
  }
}

TEST_F(OwnBatch, MemoryThatItDeclaresCounts) {
  const auto copy = [](const cv::Mat& in, cv::Mat& out, const KernelArguments&) { in.copyTo(out); };
  KernelDefinition frugal = named("batch-frugal");
  frugal.image = copy;
  frugal.scratch_images = 0;
  register_kernel(frugal);
  KernelDefinition greedy = named("batch-greedy");
  greedy.image = copy;
  greedy.scratch_images = 1e6;  // far more than any decoder takes
  register_kernel(greedy);
  BatchOptions wanted = all("batch-frugal", "serial", 1);
  wanted.inputs.paths = {in("1.png")};  // 30 x 20 pixels of 3 bytes
  const std::uint64_t without = explain(wanted).images.at(0).memory_bytes;
  wanted.plan = Plan::parse("batch-greedy");
  const std::uint64_t with = explain(wanted).images.at(0).memory_bytes;
  EXPECT_GE(with, 1800000000U);
  EXPECT_LE(with, 1800000000U + without);
  wanted.limits.max_memory = with - 1;
  EXPECT_EQ(run_batch(wanted).count(Verdict::too_large), 1U);
  wanted.limits.max_memory = with;
  EXPECT_EQ(run_batch(wanted).count(Verdict::ok), 1U);
}

TEST_F(OwnBatch, IdentityDecidesWhatIsFinished) {
  std::string model = "one";
  class Modelled final : public tests::Transpose {
   public:
    explicit Modelled(std::string model) : model_(std::move(model)) {}
    [[nodiscard]] std::string identity() const override { return model_; }

   private:
    std::string model_;
  };
  KernelDefinition definition = named("batch-model");
  definition.bind = [&model](const KernelArguments&) { return std::make_unique<Modelled>(model); };
  register_kernel(definition);
  BatchOptions wanted = options("batch-model");
  EXPECT_EQ(run_batch(wanted).count(Verdict::ok), 4U);
  wanted.output->resume = true;
  EXPECT_EQ(run_batch(wanted).count(Verdict::skipped), 4U);
  model = "two";
  wanted.plan = Plan::parse("batch-model");
  const BatchReport again = run_batch(wanted);
  EXPECT_EQ(again.count(Verdict::ok), 4U);
  EXPECT_NE(again.plan.find("[batch-model 1 two]"), std::string::npos) << again.plan;
}

TEST_F(OwnBatch, IsExplained) {
  KernelDefinition level = named("explained-level");
  level.level = [](int v, int, const KernelArguments&) { return v / 2; };
  level.version = "7";
  register_kernel(level);
  KernelDefinition frame = that_does("explained-frame", [](const cv::Mat&) {});
  frame.system_calls = {0, 39};
  register_kernel(frame);
  BatchOptions wanted = options("explained-level,explained-frame");
  wanted.inputs.paths.clear();
  const Explanation explanation = explain(wanted);
  ASSERT_EQ(explanation.passes.size(), 2U);
  EXPECT_EQ(explanation.passes[0], "one table of levels (explained-level (own kernel, version 7)), in place");
  EXPECT_EQ(explanation.passes[1],
            "explained-frame (own kernel, version 1; workers may also call read, getpid): a pass over the frame");
}

}  // namespace
}  // namespace pixmill
