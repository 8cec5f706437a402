#include "tests/kernels/images.hpp"

#include <limits>

namespace pixmill::kernels::testing {
namespace {

std::unique_ptr<const FrameOperation> crop(const RegionWish& region) {
  return frame_operation("crop", {{"region", Value{region}}});
}

std::string refusal(const RegionWish& region, std::int64_t width, std::int64_t height) {
  try {
    static_cast<void>(crop(region)->output_shape({width, height, 3, Depth::eight}));
  } catch (const KernelFailure& failure) {
    return failure.what();
  }
  return {};
}

TEST(Crop, IsThatPartOfTheImage) {
  for (const int depth : {CV_8U, CV_16U}) {
    for (int channels = 1; channels <= 4; ++channels) {
      const cv::Mat image = noise(23, 31, CV_MAKETYPE(depth, channels), 1);
      for (const cv::Rect part : {cv::Rect(0, 0, 31, 23), cv::Rect(0, 0, 1, 1), cv::Rect(30, 22, 1, 1),
                                  cv::Rect(5, 0, 7, 23), cv::Rect(3, 4, 20, 11)}) {
        const cv::Mat got = applied(*crop({part.width, part.height, part.x, part.y}), padded(image));
        ASSERT_TRUE(same(got, image(part))) << part;
      }
    }
  }
}

TEST(Crop, WhatLiesOutsideIsAFailureThatNamesBothSizes) {
  const std::string message = refusal({10, 10, 95, 0}, 100, 50);
  EXPECT_NE(message.find("10x10+95+0"), std::string::npos) << message;
  EXPECT_NE(message.find("100x50"), std::string::npos) << message;
  EXPECT_FALSE(refusal({101, 1, 0, 0}, 100, 50).empty());
  EXPECT_FALSE(refusal({1, 51, 0, 0}, 100, 50).empty());
  EXPECT_FALSE(refusal({1, 1, 100, 0}, 100, 50).empty());
  EXPECT_FALSE(refusal({1, 1, 0, 50}, 100, 50).empty());
  EXPECT_TRUE(refusal({1, 1, 99, 49}, 100, 50).empty());
}

TEST(Crop, NoRegionIsTooLargeForTheArithmetic) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  EXPECT_FALSE(refusal({kMost, kMost, kMost, kMost}, 100, 50).empty());
  EXPECT_FALSE(refusal({1, 1, kMost, kMost}, 100, 50).empty());
  EXPECT_FALSE(refusal({kMost, 1, 0, 0}, 100, 50).empty());
}

TEST(Crop, OfTheWholeImageIsNoWork) {
  EXPECT_TRUE(crop({31, 23, 0, 0})->leaves_unchanged({31, 23, 1, Depth::eight}));
  EXPECT_FALSE(crop({31, 22, 0, 0})->leaves_unchanged({31, 23, 1, Depth::eight}));
  EXPECT_FALSE(crop({31, 23, 0, 0})->leaves_unchanged({31, 24, 1, Depth::eight}));
}

}  // namespace
}  // namespace pixmill::kernels::testing
