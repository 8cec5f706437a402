#include "pipeline/codecs/jpeg_encoder.hpp"

#include "tests/pipeline/codecs/jpeg_files.hpp"
#include "tests/pipeline/codecs/test_images.hpp"
#include "tests/support/allocations.hpp"

#include <gtest/gtest.h>

namespace pixmill::pipeline {
namespace {

TEST(JpegEncoder, WritesPixelsCloseToTheOriginal) {
  for (const int type : {CV_8UC1, CV_8UC3}) {
    for (const cv::Size size : {cv::Size(1, 1), cv::Size(33, 17), cv::Size(200, 120)}) {
      const cv::Mat image = make_padded_image(size.width, size.height, type);
      const Decoded read = decode(encode("jpg", {&image}, {.quality = 100}));
      ASSERT_EQ(read.status.verdict, Verdict::ok) << read.status.detail;
      ASSERT_EQ(read.frame.type(), type);
      EXPECT_LT(cv::norm(read.frame, image, cv::NORM_L1) / static_cast<double>(image.total()), 12.0);
    }
  }
}

TEST(JpegEncoder, SeesTheFrameThroughTheTable) {
  const cv::Mat image = make_image(50, 40, CV_8UC3);
  kernels::LevelTable inverted(kernels::Depth::eight);
  inverted.then([](int level) { return 255 - level; });
  const cv::Mat negative = cv::Scalar::all(255) - image;
  EXPECT_EQ(encode("jpg", {&image, &inverted}), encode("jpg", {&negative}));
}

TEST(JpegEncoder, ReducesSixteenBitsAndDropsAlpha) {
  for (const int channels : {1, 2, 3, 4}) {
    const cv::Mat deep = make_image(41, 23, CV_16UC(channels));
    cv::Mat plain(deep.size(), CV_8UC(channels <= 2 ? 1 : 3));
    for (int y = 0; y < deep.rows; ++y) {
      for (int x = 0; x < deep.cols; ++x) {
        for (int c = 0; c < plain.channels(); ++c) {
          plain.ptr<uchar>(y)[x * plain.channels() + c] =
              static_cast<uchar>((deep.ptr<std::uint16_t>(y)[x * channels + c] + 128) / 257);
        }
      }
    }
    EXPECT_EQ(encode("jpg", {&deep}), encode("jpg", {&plain})) << channels;
  }
}

TEST(JpegEncoder, GrowsItsOutputAndStaysWithinItsNeed) {
  cv::Mat noise(300, 300, CV_8UC3);
  cv::RNG random(3);
  random.fill(noise, cv::RNG::UNIFORM, 0, 256);
  const std::vector<std::byte> file = encode("jpg", {&noise}, {.quality = 100});
  EXPECT_GT(file.size(), noise.total());
  EXPECT_LE(file.size(), make_jpeg_encoder()->need(kernels::shape_of(noise), false).output_bytes);
  EXPECT_EQ(decode(file).status.verdict, Verdict::ok);
}

TEST(JpegEncoder, WritesTheSameBytesAgain) {
  const cv::Mat first = make_image(64, 48, CV_8UC3);
  const cv::Mat other = make_image(500, 10, CV_16UC4);
  const std::unique_ptr<Encoder> encoder = make_jpeg_encoder();
  std::vector<std::byte> out;
  ASSERT_TRUE(encoder->encode({&other}, {.quality = 3}, out).usable());
  encoder->trim(0);
  ASSERT_TRUE(encoder->encode({&first}, {}, out).usable());
  EXPECT_EQ(out, encode("jpg", {&first}));
}

TEST(JpegEncoder, WritesSmallerFilesForLessQuality) {
  const cv::Mat image = make_image(200, 200, CV_8UC3);
  EXPECT_LT(encode("jpg", {&image}, {.quality = 20}).size(), encode("jpg", {&image}, {.quality = 95}).size());
}

TEST(JpegEncoder, RefusesSidesThatJpegDoesNotHave) {
  const cv::Mat wide(1, 65501, CV_8UC1, cv::Scalar(7));
  std::vector<std::byte> out;
  const CodecStatus status = make_jpeg_encoder()->encode({&wide}, {}, out);
  EXPECT_EQ(status.verdict, Verdict::write_failed);
  EXPECT_NE(status.detail.find("65500"), std::string::npos) << status.detail;
}

TEST(JpegEncoder, TakesNoMoreMemoryThanItReckons) {
  cv::Mat noise(1000, 1000, CV_8UC3);
  cv::RNG random(3);
  random.fill(noise, cv::RNG::UNIFORM, 0, 256);
  const std::unique_ptr<Encoder> encoder = make_jpeg_encoder();
  const Encoder::Need need = encoder->need(kernels::shape_of(noise), false);
  std::vector<std::byte> out;
  std::vector<std::byte> again;
  {
    const tests::Allocations allocations;
    ASSERT_TRUE(encoder->encode({&noise}, {.quality = 100}, out).usable());
    EXPECT_LE(tests::Allocations::most(), need.output_bytes + need.scratch_bytes);
  }
  EXPECT_GT(out.size(), noise.total());  // it has grown several times
  again.resize(100);
  ASSERT_TRUE(encoder->encode({&noise}, {.quality = 100}, again).usable());
  ASSERT_TRUE(encoder->encode({&noise}, {.quality = 100}, again).usable());
  EXPECT_EQ(again, out);
}

}  // namespace
}  // namespace pixmill::pipeline
