#include "kernels/opencv_call.hpp"

#include "tests/kernels/images.hpp"

namespace pixmill::kernels::testing {
namespace {

TEST(OpencvCall, WhatOpenCvRefusesIsAFailureOfTheKernelByName) {
  const cv::Mat image = noise(5, 7, CV_8UC1, 1);
  cv::Mat out;
  try {
    call_opencv("median", [&] { cv::medianBlur(image, out, 2); });  // an even window
    FAIL() << "nothing was thrown";
  } catch (const KernelFailure& failure) {
    EXPECT_EQ(std::string(failure.what()).rfind("median: ", 0), 0U) << failure.what();
    EXPECT_GT(std::string(failure.what()).size(), std::string("median: ").size());
  }
}

TEST(OpencvCall, WantOfMemoryIsNoFailureOfTheKernel) {
  const auto fails = [] { throw cv::Exception(cv::Error::StsNoMem, "no memory", "here", "file", 1); };
  EXPECT_THROW(call_opencv("median", fails), std::bad_alloc);
}

TEST(OpencvCall, AFrameAloneKnowsNothingAroundItAndSharesItsPixels) {
  cv::Mat inside = padded(noise(5, 7, CV_16UC3, 2));
  ASSERT_TRUE(inside.isSubmatrix());
  const cv::Mat picture = alone(inside);
  EXPECT_FALSE(picture.isSubmatrix());
  EXPECT_TRUE(same(picture, inside));
  EXPECT_EQ(picture.data, inside.data);
  EXPECT_EQ(picture.step[0], inside.step[0]);
}

}  // namespace
}  // namespace pixmill::kernels::testing
