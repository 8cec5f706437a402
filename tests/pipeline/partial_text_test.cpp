#include "pipeline/journal/partial_text.hpp"

#include <gtest/gtest.h>

#include <opencv2/core.hpp>

namespace pixmill::pipeline {
namespace {

kernels::Partial partial_of(int type, int side, bool with_histogram) {
  cv::Mat frame(side, side, type);
  cv::RNG random(7);
  random.fill(frame, cv::RNG::UNIFORM, 0, frame.depth() == CV_16U ? 65536 : 256);
  kernels::Histogram histogram;
  histogram.reset(kernels::depth_of(frame), frame.channels());
  histogram.add(frame);
  return kernels::make_partial(histogram, with_histogram);
}

void expect_same(const kernels::Partial& a, const kernels::Partial& b) {
  EXPECT_EQ(a.depth, b.depth);
  EXPECT_EQ(a.pixels, b.pixels);
  ASSERT_EQ(a.channels.size(), b.channels.size());
  for (std::size_t c = 0; c < a.channels.size(); ++c) {
    EXPECT_EQ(a.channels[c].min, b.channels[c].min);
    EXPECT_EQ(a.channels[c].max, b.channels[c].max);
    EXPECT_EQ(a.channels[c].sum, b.channels[c].sum);
    EXPECT_EQ(a.channels[c].sum_of_squares, b.channels[c].sum_of_squares);
    EXPECT_EQ(a.channels[c].histogram, b.channels[c].histogram);
  }
}

const PartialKey kKey{"dir/a\xff.jpg", 12, 34};

TEST(PartialText, ReadsBackAsItself) {
  for (const int type : {CV_8UC1, CV_8UC3, CV_16UC1, CV_16UC3}) {
    for (const bool with_histogram : {false, true}) {
      const kernels::Partial partial = partial_of(type, 9, with_histogram);
      const std::string line = partial_line(kKey, partial);
      EXPECT_EQ(parse_partial_key(line), kKey);
      const auto read = parse_partial(line, with_histogram);
      ASSERT_TRUE(read);
      EXPECT_EQ(read->key, kKey);
      expect_same(read->partial, partial);
    }
  }
}

TEST(PartialText, ALineWithoutHistogramIsNotEnoughWhereOneIsWanted) {
  EXPECT_FALSE(parse_partial(partial_line(kKey, partial_of(CV_8UC1, 5, false)), true));
}

TEST(PartialText, TooLongALineIsNotKept) { EXPECT_TRUE(partial_line(kKey, partial_of(CV_16UC3, 300, true)).empty()); }

TEST(PartialText, EveryCutIsNothing) {
  const std::string line = partial_line(kKey, partial_of(CV_8UC1, 3, true));
  for (std::size_t length = 0; length + 1 < line.size(); ++length) {
    EXPECT_FALSE(parse_partial_key(std::string_view(line).substr(0, length)));
    EXPECT_FALSE(parse_partial(std::string_view(line).substr(0, length), true));
  }
}

TEST(PartialText, ContradictionsAreNothing) {
  const std::string head = R"({"input_b64":"YQ==","input_xxh64":"0000000000000001","plan":"0000000000000002",)";
  for (const char* rest : {R"("depth":8,"pixels":4,"channels":[{"min":0,"max":256,"sum":1,"sum_of_squares":1}]})",
                           R"("depth":8,"pixels":4,"channels":[{"min":9,"max":3,"sum":1,"sum_of_squares":1}]})",
                           R"("depth":12,"pixels":4,"channels":[{"min":0,"max":3,"sum":1,"sum_of_squares":1}]})",
                           R"("depth":8,"pixels":4,"channels":[]})", R"("depth":8,"pixels":4,"channels":[1]})",
                           R"("depth":8,"pixels":-4,"channels":[{"min":0,"max":3,"sum":1,"sum_of_squares":1}]})"}) {
    EXPECT_FALSE(parse_partial(head + rest, false)) << rest;
  }
  const char* short_count =
      R"("depth":8,"pixels":4,"channels":[{"min":0,"max":3,"sum":1,"sum_of_squares":1,"histogram":[0,3]}]})";
  EXPECT_FALSE(parse_partial(head + short_count, true));
  const char* beyond =
      R"("depth":8,"pixels":4,"channels":[{"min":0,"max":3,"sum":1,"sum_of_squares":1,"histogram":[256,4]}]})";
  EXPECT_FALSE(parse_partial(head + beyond, true));
}

}  // namespace
}  // namespace pixmill::pipeline
