// Own kernels and reductions in batches whose workers the program pixmill-worker makes.
#include "ipc/sandbox.hpp"
#include "pipeline/worker_job.hpp"
#include "tests/pipeline/batch_fixture.hpp"
#include "tests/pipeline/own/kernels_for_tests.hpp"

#include <pixmill/batch.hpp>
#include <pixmill/error.hpp>
#include <pixmill/kernel.hpp>
#include <pixmill/plugin.hpp>
#include <pixmill/reduction.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace pixmill {
namespace {

class OwnStart : public tests::BatchFixture {
 protected:
  OwnStart() {
    load_plugin(PIXMILL_PLUGIN_FAULTS);
    tests::write_file(in("wide.png"), tests::encoded(tests::noise_frame(110, 10, CV_8UC1, 5), "png"));
  }
  [[nodiscard]] BatchOptions with(StartMethod start, const std::string& chain) const {
    BatchOptions wanted = options(chain);
    wanted.supervision.start = start;
    wanted.supervision.worker_program = PIXMILL_WORKER_PROGRAM;
    wanted.supervision.retries = 0;
    wanted.output->overwrite = true;
    return wanted;
  }
  [[nodiscard]] std::string refusal(const BatchOptions& wanted) const {
    try {
      static_cast<void>(run_batch(wanted));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::usage);
      EXPECT_FALSE(std::filesystem::exists(out()));
      return error.what();
    }
    return "it ran";
  }
};

TEST_F(OwnStart, PluginsDoTheSameBothWays) {
  std::map<std::string, std::string> want;
  std::string report;
  for (const StartMethod start : {StartMethod::fork, StartMethod::program}) {
    std::filesystem::remove_all(out());
    BatchOptions wanted = with(start, "gray,darker,threshold=mean:type=tozero:scope=batch,misbehaves,flip=h");
    wanted.reductions = {"mean", "bright"};
    const BatchReport made = run_batch(wanted);
    EXPECT_TRUE(made.all_well());
    ASSERT_TRUE(made.reductions);
    if (want.empty()) {
      want = outputs();
      report = made.reductions->json();
    }
    EXPECT_EQ(want.size(), 5U);
    EXPECT_EQ(outputs(), want);
    EXPECT_EQ(made.reductions->json(), report);
  }
}

TEST_F(OwnStart, WhatAPluginDoesToAnImageCostsNoOther) {
  tests::write_file(in("throws.png"), tests::encoded(tests::noise_frame(101, 10, CV_8UC1, 5), "png"));
  tests::write_file(in("aborts.png"), tests::encoded(tests::noise_frame(102, 10, CV_8UC1, 5), "png"));
  const BatchReport report = run_batch(with(StartMethod::program, "misbehaves"));
  EXPECT_EQ(report.count(Verdict::ok), 5U);
  EXPECT_EQ(report.count(Verdict::kernel_failed), 1U);
  EXPECT_EQ(report.count(Verdict::crashed), 1U);
}

// Without a sandbox nothing is asked.
TEST_F(OwnStart, CallsThatAPluginNamesAreAllowed) {
  EXPECT_EQ(run_batch(with(StartMethod::program, "asks")).count(Verdict::ok), 5U);
  const std::uint64_t crashed = run_batch(with(StartMethod::program, "asks-unasked")).count(Verdict::crashed);
  EXPECT_EQ(crashed, ipc::kSandboxInThisBuild ? 1U : 0U);
}

TEST_F(OwnStart, WhatThisProgramRegisteredIsRefusedBeforeAnythingIsBegun) {
  KernelDefinition kernel = tests::named("start-only-here");
  kernel.level = [](int level, int largest, const KernelArguments&) { return largest - level; };
  register_kernel(kernel);
  struct Count {
    std::uint64_t images;
  };
  register_reduction(reduction_of<Count>(
      {.name = "start-count", .summary = "Images"}, [](const cv::Mat&, Count& state) { state.images = 1; },
      [](const Count& from, Count& into) { into.images += from.images; },
      [](const Count& state, std::uint64_t) { return std::vector<double>{static_cast<double>(state.images)}; }));
  // Also behind a kernel that the batch decides, where the first pass does not come.
  for (const char* chain : {"gray,start-only-here", "gray,threshold=otsu:scope=batch,start-only-here"}) {
    const std::string why = refusal(with(StartMethod::program, chain));
    EXPECT_NE(why.find("the kernel 'start-only-here'"), std::string::npos) << why;
    EXPECT_NE(why.find("plug-in"), std::string::npos) << why;
    EXPECT_NE(why.find("StartMethod::fork"), std::string::npos) << why;
  }
  BatchOptions counted = with(StartMethod::program, "gray");
  counted.reductions = {"start-count"};
  const std::string why = refusal(counted);
  EXPECT_NE(why.find("the reduction 'start-count'"), std::string::npos) << why;
  counted.plan = Plan::parse("gray,start-only-here");
  counted.supervision.start = StartMethod::fork;
  EXPECT_TRUE(run_batch(counted).all_well());
}

TEST_F(OwnStart, CodeThatIsNotWhatItWasIsRefused) {
  const pipeline::Program program(Plan::parse("gray,darker"), {});
  pipeline::WorkerJob job = pipeline::frame_job(program, {});
  std::optional<pipeline::Program> made;
  EXPECT_NO_THROW(pipeline::compile(job, made));
  job.identities.front() += " of yesterday";
  try {
    pipeline::compile(job, made);
    FAIL() << "it was taken";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("'darker'"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace pixmill
