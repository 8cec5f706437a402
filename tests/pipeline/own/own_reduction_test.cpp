#include "tests/pipeline/batch_fixture.hpp"

#include <pixmill/batch.hpp>
#include <pixmill/error.hpp>
#include <pixmill/reduction.hpp>

#include <gtest/gtest.h>

#include <opencv2/core.hpp>

#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace pixmill {
namespace {

/// The sum of all levels of all channels, and how many images it is of.
struct Total {
  std::uint64_t sum = 0;
  std::uint64_t images = 0;
};

void add_levels(const cv::Mat& image, Total& total) {
  for (int y = 0; y < image.rows; ++y) {
    for (int i = 0; i < image.cols * image.channels(); ++i) {
      total.sum += image.depth() == CV_16U ? image.ptr<std::uint16_t>(y)[i] : image.ptr<std::uint8_t>(y)[i];
    }
  }
  total.images = 1;
}

ReductionDefinition total_named(std::string_view name) {
  return reduction_of<Total>(
      {.name = name, .summary = "Sum of all levels"}, add_levels,
      [](const Total& from, Total& into) {
        into.sum += from.sum;
        into.images += from.images;
      },
      [](const Total& total, std::uint64_t images) {
        return std::vector<double>{static_cast<double>(total.sum), static_cast<double>(total.images),
                                   static_cast<double>(images)};
      });
}

class OwnReduction : public tests::BatchFixture {
 protected:
  [[nodiscard]] BatchOptions wanting(const std::vector<std::string>& reductions,
                                     const std::string& chain = "gray") const {
    BatchOptions wanted = options(chain);
    wanted.output.reset();
    wanted.reductions = reductions;
    return wanted;
  }
  [[nodiscard]] static std::string refusal(const ReductionDefinition& definition) {
    try {
      register_reduction(definition);
      return "registered";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::usage);
      return error.what();
    }
  }
};

// As docs/own-kernels.md has it.
TEST_F(OwnReduction, TheOneOfTheDocumentationTakesColours) {
  struct Bright {
    std::uint64_t samples;
  };
  register_reduction(reduction_of<Bright>(
      {.name = "bright-samples", .summary = "Samples brighter than 200"},
      [](const cv::Mat& image, Bright& state) {
        state.samples = static_cast<std::uint64_t>(cv::countNonZero(image.reshape(1) > 200));
      },
      [](const Bright& from, Bright& into) { into.samples += from.samples; },
      [](const Bright& state, std::uint64_t /*images*/) {
        return std::vector<double>{static_cast<double>(state.samples)};
      }));
  cv::Mat image(4, 5, CV_8UC3, cv::Scalar(10, 201, 255));
  tests::write_file(in("bright.png"), tests::encoded(image, "png"));
  BatchOptions wanted = wanting({"bright-samples"}, "");
  wanted.inputs.paths = {in("bright.png")};
  const BatchReport report = run_batch(wanted);
  ASSERT_TRUE(report.all_well()) << report.reduction_trouble;
  EXPECT_NE(report.reductions->json().find("\"bright-samples\": [40]"), std::string::npos) << report.reductions->json();
}

TEST_F(OwnReduction, GivesTheSameBitsOnEveryBackend) {
  for (int i = 0; i < 30; ++i) {
    const int type = i % 4 == 0 ? CV_8UC4 : i % 3 == 0 ? CV_8UC3 : CV_8UC1;
    tests::write_file(
        in("many/" + std::to_string(i) + ".png"),
        tests::encoded(tests::noise_frame(5 + i, 60 - i, type, 100U + static_cast<std::uint64_t>(i)), "png"));
  }
  std::filesystem::remove(in("10.png"));  // of 16 bits: sum counts all levels as 16 then, and the total does not
  register_reduction(total_named("same-total"));
  for (const char* chain : {"", "gray", "gray,threshold=otsu", "blur=2,invert"}) {
    std::string want;
    for (const BackendDescriptor& backend : tests::checkable_backends()) {
      for (const int jobs : {1, 3}) {
        BatchOptions wanted = wanting({"sum", "same-total"}, chain);
        wanted.inputs.recursive = true;
        wanted.backend = backend.name;
        wanted.jobs = jobs;
        wanted.per_image = true;
        const BatchReport report = run_batch(wanted);
        ASSERT_TRUE(report.reductions);
        EXPECT_EQ(report.reduction_trouble, "");
        if (want.empty()) want = report.reductions->json();
        EXPECT_EQ(report.reductions->json(), want) << backend.name << " " << chain;
        const std::vector<double> total = report.reductions->values("same-total");
        ASSERT_EQ(total.size(), 3U);
        EXPECT_EQ(total[1], 33);
        EXPECT_EQ(total[2], 33);
        // Where there is one channel, pixmill's own sum is the oracle.
        if (chain[0] == 'g') {
          EXPECT_EQ(total[0], report.reductions->values("sum").at(0));
        }
      }
    }
  }
}

TEST_F(OwnReduction, SeesTheSameWithAndWithoutOutputs) {
  tests::write_file(in("alpha.png"), tests::encoded(tests::noise_frame(9, 9, CV_8UC4, 7), "png"));
  register_reduction(total_named("alpha-total"));
  BatchOptions without = wanting({"alpha-total"}, "invert");  // which keeps alpha
  const std::vector<double> want = run_batch(without).reductions->values("alpha-total");
  BatchOptions with = options("invert");
  const BatchReport plain = run_batch(with);
  EXPECT_TRUE(plain.all_well());
  const auto outputs_without = outputs();
  with.reductions = {"alpha-total"};
  with.output->overwrite = true;
  EXPECT_EQ(run_batch(with).reductions->values("alpha-total"), want);
  EXPECT_EQ(outputs(), outputs_without);
}

TEST_F(OwnReduction, ReportsStandBehindOurs) {
  register_reduction(total_named("late-total"));
  register_reduction(reduction_of<Total>(
      {.name = "odd-values"}, [](const cv::Mat&, Total&) {}, [](const Total&, Total&) {},
      [](const Total&, std::uint64_t) {
        return std::vector<double>{0.1, std::nan("")};
      }));
  EXPECT_EQ(reduction_descriptors().back()->name, "odd-values");
  BatchOptions wanted = wanting({"odd-values", "late-total", "max"});
  wanted.inputs.paths = {in("3.png")};
  wanted.per_image = true;
  const BatchReport report = run_batch(wanted);
  const std::string json = report.reductions->json();
  EXPECT_NE(json.find(R"("late-total": [)"), std::string::npos) << json;
  EXPECT_LT(json.find("\"max\""), json.find("late-total"));
  EXPECT_NE(json.find(R"("odd-values": [0.1, null])"), std::string::npos) << json;
  EXPECT_NE(json.rfind("late-total"), json.find("late-total"));  // of the image as well
  const std::string csv = report.reductions->csv();
  EXPECT_EQ(csv.substr(0, csv.find('\n')),
            "input,images,pixels,depth,channel,max,late-total_0,late-total_1,late-total_2,odd-values_0,odd-values_1");
}

TEST_F(OwnReduction, NoImageNoValues) {
  register_reduction(total_named("empty-total"));
  std::filesystem::create_directories(folder_ / "none");
  tests::write_file(folder_ / "none/bad.jpg", "\xff\xd8\xff\xe0 and no more");
  BatchOptions wanted = wanting({"empty-total"});
  wanted.inputs.paths = {folder_ / "none"};
  const BatchReport report = run_batch(wanted);
  EXPECT_NE(report.reductions->json().find("\"empty-total\": null"), std::string::npos);
  EXPECT_TRUE(report.reductions->values("empty-total").empty());
  EXPECT_EQ(report.reduction_trouble, "");
}

TEST_F(OwnReduction, WhatAddThrowsFailsTheImage) {
  ReductionDefinition definition = total_named("picky");
  definition.add = [](const cv::Mat& image, std::span<std::byte>) {
    if (image.cols == 17) throw std::runtime_error("seventeen is too wide");
  };
  register_reduction(definition);
  for (const BackendDescriptor& backend : tests::checkable_backends()) {
    BatchOptions wanted = wanting({"picky"});
    wanted.backend = backend.name;
    std::string detail;
    wanted.on_outcome = [&detail](const ImageOutcome& outcome) { detail += outcome.detail; };
    const BatchReport report = run_batch(wanted);
    EXPECT_EQ(report.count(Verdict::kernel_failed), 1U) << backend.name;
    EXPECT_EQ(report.reductions->images(), 3U);
    EXPECT_NE(detail.find("picky: seventeen is too wide"), std::string::npos) << detail;
  }
}

TEST_F(OwnReduction, ThatDependsOnTheOrderHasNoResult) {
  const auto unfit = [](std::string_view name, auto merge) {
    ReductionDefinition definition = total_named(name);
    definition.merge = merge;
    register_reduction(definition);
  };
  using Bytes = std::span<const std::byte>;
  unfit("last-one", [](Bytes from, std::span<std::byte> into) { std::copy(from.begin(), from.end(), into.begin()); });
  unfit("floats", [](Bytes from, std::span<std::byte> into) {
    // Neither exact nor without an order: what the state must not be used for.
    double a = 0;
    double b = 0;
    std::memcpy(&a, from.data(), sizeof a);
    std::memcpy(&b, into.data(), sizeof b);
    b = b / 3 + a;
    std::memcpy(into.data(), &b, sizeof b);
  });
  unfit("throws-merging", [](Bytes, std::span<std::byte>) { throw std::runtime_error("cannot add these"); });
  const BatchReport report = run_batch(wanting({"count", "last-one", "floats", "throws-merging"}));
  EXPECT_FALSE(report.all_well());
  EXPECT_NE(report.reduction_trouble.find("own reduction last-one has no result: merging it with a state of zeros"),
            std::string::npos)
      << report.reduction_trouble;
  EXPECT_NE(report.reduction_trouble.find("own reduction floats has no result"), std::string::npos);
  EXPECT_NE(report.reduction_trouble.find("throws-merging: cannot add these"), std::string::npos);
  EXPECT_NE(report.reductions->json().find("\"last-one\": null"), std::string::npos);
  EXPECT_EQ(report.reductions->images(), 4U);
}

TEST_F(OwnReduction, IsKeptForResume) {
  register_reduction(total_named("kept-total"));
  register_reduction(total_named("other-total"));
  BatchOptions wanted = options("invert");
  wanted.reductions = {"kept-total"};
  const std::vector<double> want = run_batch(wanted).reductions->values("kept-total");
  wanted.output->resume = true;
  BatchReport report = run_batch(wanted);
  EXPECT_EQ(report.count(Verdict::skipped), 4U);
  EXPECT_EQ(report.reductions->values("kept-total"), want);
  // One that the earlier run did not have is made from the inputs.
  wanted.reductions = {"kept-total", "other-total"};
  report = run_batch(wanted);
  EXPECT_EQ(report.count(Verdict::skipped), 4U);
  EXPECT_EQ(report.reductions->values("kept-total"), want);
  EXPECT_EQ(report.reductions->values("other-total"), want);
}

TEST_F(OwnReduction, DefinitionsThatContradictThemselvesAreRefused) {
  EXPECT_NE(refusal(total_named("Total")).find("is no name"), std::string::npos);
  EXPECT_NE(refusal(total_named("mean")).find("which is pixmill's"), std::string::npos);
  register_reduction(total_named("there"));
  EXPECT_NE(refusal(total_named("there")).find("which is registered"), std::string::npos);
  ReductionDefinition wrong = total_named("wrong");
  wrong.state_bytes = 0;
  EXPECT_NE(refusal(wrong).find("state_bytes"), std::string::npos);
  wrong.state_bytes = 32769;
  EXPECT_NE(refusal(wrong).find("state_bytes"), std::string::npos);
  wrong = total_named("wrong");
  wrong.merge = nullptr;
  EXPECT_NE(refusal(wrong).find("all of add, merge and report"), std::string::npos);
  wrong = total_named("wrong");
  wrong.descriptor.makes_image = true;
  EXPECT_NE(refusal(wrong).find("makes_image"), std::string::npos);
  EXPECT_THROW(run_batch(wanting({"wrong"})), Error);
  EXPECT_THROW(run_batch(wanting({"there=file.png"})), Error);
}

TEST_F(OwnReduction, IsExplained) {
  ReductionDefinition definition = total_named("told-total");
  definition.version = "3";
  definition.system_calls = {39};
  register_reduction(definition);
  BatchOptions wanted = wanting({"told-total"}, "invert");
  wanted.inputs.paths.clear();
  const std::vector<std::string> passes = explain(wanted).passes;
  EXPECT_EQ(passes.at(1), "one table of levels (invert), in place");
  EXPECT_EQ(passes.at(2),
            "told-total (own reduction, version 3; workers may also call getpid): a look at the finished frame");
}

}  // namespace
}  // namespace pixmill
