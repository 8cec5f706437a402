#include "pipeline/reduction_report.hpp"

#include <pixmill/error.hpp>

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <opencv2/core.hpp>

namespace pixmill::pipeline {
namespace {

using kernels::Accumulator;

kernels::Partial flat_partial(int type, const cv::Scalar& level) {
  const cv::Mat frame(2, 3, type, level);
  kernels::Histogram histogram;
  histogram.reset(kernels::depth_of(frame), frame.channels());
  histogram.add(frame);
  return kernels::make_partial(histogram, true);
}

ReportWish wish_for(const std::vector<std::string_view>& names, bool per_image = false) {
  ReportWish wish{{}, per_image};
  for (const std::string_view name : names) wish.rows.push_back({kernels::find_reduction(name), "", true});
  return wish;
}

const std::vector<std::string_view> kAllValues = {"count", "min", "max", "sum", "mean", "std", "histogram"};

InputList two_inputs() {
  InputList inputs;
  inputs.append("dir/a,\"x\".jpg", 9, 1);
  inputs.append("b\xff.jpg", 6, 1);
  return inputs;
}

TEST(ReductionReport, JsonHasTheKeysOfTheContract) {
  Accumulator accumulator(true);
  accumulator.add(flat_partial(CV_8UC3, {10, 20, 30}));
  const auto report = make_reduction_report(wish_for(kAllValues), accumulator, {}, two_inputs());
  const auto json = nlohmann::json::parse(report->json());
  EXPECT_EQ(json["images"], 1);
  EXPECT_EQ(json["pixels"], 6);
  EXPECT_EQ(json["depth"], 8);
  EXPECT_EQ(json["channels"], (std::vector<std::string>{"R", "G", "B"}));
  EXPECT_EQ(json["min"], (std::vector<int>{30, 20, 10}));
  EXPECT_EQ(json["sum"], (std::vector<int>{180, 120, 60}));
  EXPECT_EQ(json["mean"], (std::vector<double>{30, 20, 10}));
  EXPECT_EQ(json["std"], (std::vector<double>{0, 0, 0}));
  EXPECT_EQ(json["histogram"][0].size(), 256U);
  EXPECT_EQ(json["histogram"][0][30], 6);
  EXPECT_FALSE(json.contains("per_image"));
}

TEST(ReductionReport, NumbersAreThoseOfTheJson) {
  Accumulator accumulator(true);
  accumulator.add(flat_partial(CV_8UC3, {10, 20, 30}));
  const auto report =
      make_reduction_report(wish_for({"count", "mean", "sum", "histogram"}), accumulator, {}, two_inputs());
  EXPECT_EQ(report->images(), 1U);
  EXPECT_EQ(report->pixels(), 6U);
  EXPECT_EQ(report->depth(), 8);
  EXPECT_EQ(report->channels(), (std::vector<std::string>{"R", "G", "B"}));
  EXPECT_EQ(report->values("mean"), (std::vector<double>{30, 20, 10}));
  EXPECT_EQ(report->values("sum"), (std::vector<double>{180, 120, 60}));
  const std::vector<double> counts = report->values("histogram");
  ASSERT_EQ(counts.size(), 3U * 256U);
  EXPECT_EQ(counts[30], 6);
  EXPECT_EQ(counts[256 + 20], 6);
  EXPECT_THROW(static_cast<void>(report->values("std")), Error);    // not asked for
  EXPECT_THROW(static_cast<void>(report->values("maen")), Error);   // is none
  EXPECT_THROW(static_cast<void>(report->values("count")), Error);  // images() and pixels() say it
  const auto nothing = make_reduction_report(wish_for({"mean"}), Accumulator(true), {}, two_inputs());
  EXPECT_EQ(nothing->depth(), 0);
  EXPECT_TRUE(nothing->channels().empty());
  EXPECT_TRUE(nothing->values("mean").empty());
}

TEST(ReductionReport, NothingIsNull) {
  const auto report = make_reduction_report(wish_for(kAllValues), Accumulator(true), {}, two_inputs());
  const auto json = nlohmann::json::parse(report->json());
  EXPECT_EQ(json["images"], 0);
  EXPECT_EQ(json["pixels"], 0);
  for (const char* key : {"depth", "channels", "min", "max", "sum", "mean", "std", "histogram"})
    EXPECT_TRUE(json[key].is_null()) << key;
}

TEST(ReductionReport, HasARowAnImageInOrderOfTheInputs) {
  Accumulator accumulator(false);
  std::vector<std::pair<std::uint64_t, Accumulator::Result>> rows;
  for (const std::uint64_t index : {1U, 0U}) {
    const auto partial = flat_partial(CV_8UC1, 10.0 * static_cast<double>(index));
    accumulator.add(partial);
    Accumulator alone(false);
    alone.add(partial);
    rows.emplace_back(index, alone.finish());
  }
  const auto report = make_reduction_report(wish_for({"mean"}, true), accumulator, rows, two_inputs());
  const auto json = nlohmann::json::parse(report->json());
  ASSERT_EQ(json["per_image"].size(), 2U);
  EXPECT_EQ(json["per_image"][0]["input"], "dir/a,\"x\".jpg");
  EXPECT_EQ(json["per_image"][1]["mean"][0], 10);
  EXPECT_EQ(report->csv().substr(0, report->csv().find('\n')), "input,images,pixels,depth,channel,mean");
  EXPECT_NE(report->csv().find("\"dir/a,\"\"x\"\".jpg\",1,6,8,gray,0"), std::string::npos) << report->csv();
}

TEST(ReductionReport, WritesSumsBeyondSixtyFourBits) {
  Accumulator accumulator(false);
  kernels::Partial partial = flat_partial(CV_16UC1, 65535);
  partial.pixels = UINT32_MAX;
  partial.channels[0].sum = UINT64_MAX;
  for (int i = 0; i < 3; ++i) accumulator.add(partial);
  const auto report = make_reduction_report(wish_for({"sum"}), accumulator, {}, two_inputs());
  EXPECT_NE(report->json().find("\"sum\": [55340232221128654845]"), std::string::npos) << report->json();
}

}  // namespace
}  // namespace pixmill::pipeline
