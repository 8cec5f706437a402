#include "tests/pipeline/codecs/test_images.hpp"

#include "pipeline/codecs/byte_order.hpp"

#include <gtest/gtest.h>
#include <opencv2/imgproc.hpp>

namespace pixmill::pipeline {
namespace {

cv::Mat eight_bits(const cv::Mat& image) {
  if (image.depth() == CV_8U) return image;
  cv::Mat out(image.size(), CV_8UC(image.channels()));
  for (int y = 0; y < image.rows; ++y) {
    for (int i = 0; i < image.cols * image.channels(); ++i) {
      out.ptr(y)[i] = static_cast<std::uint8_t>((image.ptr<std::uint16_t>(y)[i] + 128U) / 257U);
    }
  }
  return out;
}

TEST(BmpEncoder, WritesWhatItsReaderReads) {
  for (const int type : {CV_8UC1, CV_8UC2, CV_8UC3, CV_8UC4, CV_16UC1, CV_16UC2, CV_16UC3, CV_16UC4}) {
    for (const cv::Size size : {cv::Size(1, 1), cv::Size(2, 3), cv::Size(7, 33), cv::Size(129, 70)}) {
      const cv::Mat image = make_padded_image(size.width, size.height, type);
      const std::vector<std::byte> file = encode("bmp", {.frame = &image});
      const Decoded read = decode(file, {.keep_alpha = true});
      ASSERT_EQ(read.status.verdict, Verdict::ok) << read.status.detail;
      cv::Mat expected = eight_bits(image);
      if (image.channels() == 2) {
        // Gray with alpha is written as colours with alpha.
        cv::Mat colours(image.size(), CV_8UC4);
        cv::mixChannels({expected}, {colours}, std::vector<int>{0, 0, 0, 1, 0, 2, 1, 3});
        expected = colours;
      }
      EXPECT_TRUE(same_pixels(read.frame, expected)) << type << " " << size;
      const Encoder::Need need = find_codec("bmp")->make_encoder()->need(kernels::shape_of(image), false);
      EXPECT_LE(file.size(), need.output_bytes);
    }
  }
}

TEST(BmpEncoder, WritesBlackAndWhiteAsBits) {
  for (const int width : {1, 8, 31, 100}) {
    const cv::Mat image = make_image(width, 5, CV_8UC1);
    kernels::LevelTable table(kernels::Depth::eight);
    table.then([](int level) { return level > 127 ? 255 : 0; });
    const std::vector<std::byte> file = encode("bmp", {.frame = &image, .table = &table, .two_level = true});
    EXPECT_EQ(file.size(), 14U + 40U + 8U + 5U * ((static_cast<std::size_t>(width) + 31) / 32 * 4));
    const Decoded read = decode(file);
    EXPECT_TRUE(read.header.two_level);
    EXPECT_TRUE(same_pixels(read.frame, image > 127));
    const cv::Mat split = image > 127;
    EXPECT_EQ(encode("bmp", {.frame = &split, .two_level = true}), file);
  }
}

TEST(BmpEncoder, WritesThroughATable) {
  const cv::Mat image = make_image(40, 50, CV_8UC3);
  kernels::LevelTable table(kernels::Depth::eight);
  table.then([](int level) { return 255 - level; });
  EXPECT_TRUE(same_pixels(decode(encode("bmp", {.frame = &image, .table = &table})).frame, ~image));
}

TEST(BmpEncoder, KeepsResolutionAndProfile) {
  for (const int type : {CV_8UC1, CV_8UC3, CV_8UC4}) {
    const cv::Mat image = make_image(9, 4, type);
    Metadata metadata;
    metadata.pixels_per_metre_x = 11811;
    metadata.pixels_per_metre_y = 5905.4;
    for (int i = 0; i < 300; ++i) metadata.icc.push_back(static_cast<std::byte>(i));
    const std::vector<std::byte> file = encode("bmp", {.frame = &image, .metadata = &metadata});
    const std::unique_ptr<Decoder> decoder = find_codec("bmp")->make_decoder();
    const Decoded read = decode(*decoder, file, {.keep_alpha = true});
    ASSERT_EQ(read.status.verdict, Verdict::ok) << read.status.detail;
    EXPECT_TRUE(same_pixels(read.frame, image));
    Metadata back;
    decoder->read_metadata(back);
    EXPECT_EQ(back.pixels_per_metre_x, 11811);
    EXPECT_EQ(back.pixels_per_metre_y, 5905);
    EXPECT_EQ(back.icc, metadata.icc);
  }
}

TEST(BmpEncoder, WritesWhatEveryReaderKnowsWherePossible) {
  const cv::Mat image = make_image(3, 2, CV_8UC3);
  const std::vector<std::byte> file = encode("bmp", {.frame = &image});
  ASSERT_EQ(file.size(), 54U + 2 * 12);
  EXPECT_EQ(read_little32(file, 2), file.size());
  EXPECT_EQ(read_little32(file, 10), 54U);
  EXPECT_EQ(read_little32(file, 14), 40U);
  EXPECT_EQ(read_little32(file, 22), 2U);  // from the lowest line up
  EXPECT_EQ(std::to_integer<int>(file[54]), image.at<cv::Vec3b>(1, 0)[0]);
  EXPECT_EQ(std::to_integer<int>(file[54 + 9]), 0);  // padding
}

TEST(BmpEncoder, UsesItsBuffersAgain) {
  const std::unique_ptr<Encoder> encoder = find_codec("bmp")->make_encoder();
  std::vector<std::byte> out;
  for (const cv::Size size : {cv::Size(90, 80), cv::Size(3, 3), cv::Size(200, 10)}) {
    const cv::Mat image = make_image(size.width, size.height, CV_16UC3);
    ASSERT_TRUE(encoder->encode({.frame = &image}, {}, out).usable());
    EXPECT_EQ(out, encode("bmp", {.frame = &image}));
    encoder->trim(0);
  }
}

}  // namespace
}  // namespace pixmill::pipeline
