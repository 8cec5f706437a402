#include "tests/pipeline/codecs/test_images.hpp"

#include <gtest/gtest.h>
#include <opencv2/imgproc.hpp>

#include <string>

using namespace std::string_literals;

namespace pixmill::pipeline {
namespace {

std::string text_of(const std::vector<std::byte>& file, std::size_t bytes) {
  return {reinterpret_cast<const char*>(file.data()), std::min(bytes, file.size())};
}

TEST(PnmEncoder, WritesWhatItsReaderReads) {
  for (const int type : {CV_8UC1, CV_8UC2, CV_8UC3, CV_8UC4, CV_16UC1, CV_16UC2, CV_16UC3, CV_16UC4}) {
    for (const cv::Size size : {cv::Size(1, 1), cv::Size(2, 3), cv::Size(7, 33), cv::Size(129, 70)}) {
      const cv::Mat image = make_padded_image(size.width, size.height, type);
      const std::vector<std::byte> file = encode("pgm", {.frame = &image});
      EXPECT_EQ(text_of(file, 2), image.channels() <= 2 ? "P5" : "P6");
      const Decoded read = decode(file);
      ASSERT_EQ(read.status.verdict, Verdict::ok) << read.status.detail;
      cv::Mat expected = image;
      if (image.channels() == 2) cv::extractChannel(image, expected, 0);
      if (image.channels() == 4) cv::cvtColor(image, expected, cv::COLOR_BGRA2BGR);
      EXPECT_TRUE(same_pixels(read.frame, expected)) << type << " " << size;
      EXPECT_LE(file.size(), find_codec("pgm")->make_encoder()->need(kernels::shape_of(image), false).output_bytes);
    }
  }
}

TEST(PnmEncoder, WritesBytesInTheOrderOfTheFormat) {
  const cv::Mat wide = (cv::Mat_<std::uint16_t>(1, 2) << 0x1234, 0xABCD);
  EXPECT_EQ(text_of(encode("pgm", {.frame = &wide}), 99), "P5\n2 1\n65535\n\x12\x34\xAB\xCD");
  const cv::Mat colour(1, 1, CV_8UC3, cv::Scalar('b', 'g', 'r'));
  EXPECT_EQ(text_of(encode("pgm", {.frame = &colour}), 99), "P6\n1 1\n255\nrgb");
}

TEST(PnmEncoder, StaysAGrayMapWhereTwoLevelsAreLeft) {
  const cv::Mat image = (cv::Mat_<std::uint8_t>(1, 3) << 255, 0, 255);
  EXPECT_EQ(text_of(encode("pgm", {.frame = &image, .two_level = true}), 99), "P5\n3 1\n255\n\xFF\0\xFF"s);
  ImageHeader gray;
  EXPECT_EQ(text_of(encode("pgm", {.frame = &image, .two_level = true, .like = &gray}), 2), "P5");
}

TEST(PnmEncoder, StaysABitmapWhereTheInputWasOne) {
  ImageHeader bits;
  bits.two_level = true;
  for (const int width : {1, 7, 8, 9, 40}) {
    const cv::Mat image = make_image(width, 6, CV_8UC1) > 120;
    const std::vector<std::byte> file = encode("pgm", {.frame = &image, .two_level = true, .like = &bits});
    EXPECT_EQ(text_of(file, 2), "P4");
    const Decoded read = decode(file);
    EXPECT_TRUE(read.header.two_level);
    EXPECT_TRUE(same_pixels(read.frame, image));
  }
  const cv::Mat gray = make_image(9, 6, CV_8UC1);
  EXPECT_EQ(text_of(encode("pgm", {.frame = &gray, .like = &bits}), 2), "P5");
}

TEST(PnmEncoder, SaysThatAFileNamedPgmHasColours) {
  const cv::Mat colour = make_image(4, 4, CV_8UC3);
  const cv::Mat gray = make_image(4, 4, CV_8UC1);
  const ImageHeader input;
  const std::unique_ptr<Encoder> encoder = find_codec("pgm")->make_encoder();
  std::vector<std::byte> out;
  const CodecStatus told = encoder->encode({.frame = &colour}, {}, out);
  EXPECT_EQ(told.verdict, Verdict::ok);
  EXPECT_NE(told.detail.find("PPM"), std::string::npos);
  EXPECT_EQ(encoder->encode({.frame = &colour, .like = &input}, {}, out).detail, "");
  EXPECT_EQ(encoder->encode({.frame = &gray}, {}, out).detail, "");
}

TEST(PnmEncoder, WritesColoursAloneAsPpm) {
  for (const int type : {CV_8UC1, CV_8UC2, CV_8UC3, CV_8UC4, CV_16UC1, CV_16UC2, CV_16UC3, CV_16UC4}) {
    const cv::Mat image = make_padded_image(37, 70, type);
    const std::vector<std::byte> file = encode("ppm", {.frame = &image, .two_level = image.channels() == 1});
    EXPECT_EQ(text_of(file, 2), "P6");
    cv::Mat gray;
    cv::extractChannel(image, gray, 0);
    cv::Mat expected = image;
    if (image.channels() <= 2) cv::cvtColor(gray, expected, cv::COLOR_GRAY2BGR);
    if (image.channels() == 4) cv::cvtColor(image, expected, cv::COLOR_BGRA2BGR);
    EXPECT_TRUE(same_pixels(decode(file).frame, expected)) << type;
    const Encoder::Need need = find_codec("ppm")->make_encoder()->need(kernels::shape_of(image), true);
    EXPECT_LE(file.size(), need.output_bytes);
    std::vector<std::byte> out;
    EXPECT_EQ(find_codec("ppm")->make_encoder()->encode({.frame = &image}, {}, out).detail, "");
  }
  EXPECT_EQ(recognise(std::as_bytes(std::span("P6\n1 1\n255\n", 11)))->name, "pgm");
}

TEST(PnmEncoder, WritesThroughATableAndUsesItsBuffersAgain) {
  const std::unique_ptr<Encoder> encoder = find_codec("pgm")->make_encoder();
  std::vector<std::byte> out;
  for (const int type : {CV_16UC3, CV_16UC1, CV_16UC4}) {
    const cv::Mat image = make_image(40, 50, type);
    kernels::LevelTable table(kernels::Depth::sixteen);
    table.then([](int level) { return 65535 - level; });
    ASSERT_TRUE(encoder->encode({.frame = &image, .table = &table}, {}, out).usable());
    cv::Mat expected = ~image;
    if (type == CV_16UC4) cv::cvtColor(expected, expected, cv::COLOR_BGRA2BGR);
    EXPECT_TRUE(same_pixels(decode(out).frame, expected));
    encoder->trim(0);
  }
}

}  // namespace
}  // namespace pixmill::pipeline
