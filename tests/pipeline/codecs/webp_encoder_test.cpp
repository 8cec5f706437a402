#include "pipeline/codecs/webp_encoder.hpp"

#include "tests/pipeline/codecs/png_files.hpp"
#include "tests/pipeline/codecs/test_images.hpp"
#include "tests/pipeline/codecs/webp_files.hpp"
#include "tests/support/allocations.hpp"

#include "kernels/depth.hpp"

#include <gtest/gtest.h>

#include <opencv2/imgproc.hpp>

namespace pixmill::pipeline {
namespace {

/// What a decoder should find: 8 bits; colour, with alpha where there is some.
cv::Mat as_webp(const cv::Mat& image) {
  cv::Mat reduced = image;
  if (image.depth() == CV_16U) {
    reduced = cv::Mat(image.rows, image.cols, CV_8UC(image.channels()));
    kernels::reduce_depth(image, reduced);
  }
  std::vector<cv::Mat> planes;
  cv::split(reduced, planes);
  if (planes.size() == 1) planes = {planes[0], planes[0], planes[0]};
  if (planes.size() == 2) planes = {planes[0], planes[0], planes[0], planes[1]};
  cv::Mat merged;
  cv::merge(planes, merged);
  return merged;
}

TEST(WebpEncoder, WritesEveryKindNearlyAsItIs) {
  for (const int depth : {CV_8U, CV_16U}) {
    for (int channels = 1; channels <= 4; ++channels) {
      for (const cv::Size size : {cv::Size(1, 1), cv::Size(1, 40), cv::Size(53, 1), cv::Size(131, 67)}) {
        const cv::Mat image = make_padded_image(size.width, size.height, CV_MAKETYPE(depth, channels));
        const cv::Mat before = image.clone();
        const cv::Mat expected = as_webp(image);
        const std::vector<std::byte> file = encode("webp", {&image});
        const Decoded read = decode(file, {.keep_alpha = true});
        ASSERT_EQ(read.status.verdict, Verdict::ok) << read.status.detail;
        ASSERT_EQ(read.frame.size(), expected.size());
        ASSERT_EQ(read.frame.type(), expected.type());
        const double error = cv::norm(read.frame, expected, cv::NORM_L1) /
                             static_cast<double>(expected.total() * static_cast<std::size_t>(expected.channels()));
        EXPECT_LE(error, 6.0) << channels << " channels, " << size;
        if (expected.channels() == 4) {
          std::vector<cv::Mat> planes;
          std::vector<cv::Mat> wanted;
          cv::split(read.frame, planes);
          cv::split(expected, wanted);
          EXPECT_TRUE(same_pixels(planes[3], wanted[3]));
        }
        EXPECT_TRUE(same_pixels(image, before));
      }
    }
  }
}

TEST(WebpEncoder, WritesTwoLevelsExactly) {
  for (const int type : {CV_8UC1, CV_16UC1}) {
    const cv::Mat image = make_padded_image(203, 131, type);
    const int largest = kernels::max_level(kernels::depth_of(image));
    kernels::LevelTable table(kernels::depth_of(image));
    table.then([&](int level) { return level > largest / 3 ? largest : 0; });
    cv::Mat mapped;
    kernels::apply_table(table, image, mapped);
    const cv::Mat expected = as_webp(mapped);
    const std::vector<std::byte> file = encode("webp", {&image, &table, true});
    EXPECT_TRUE(same_pixels(decode(file).frame, expected));
    EXPECT_TRUE(same_pixels(decode(encode("webp", {&mapped, nullptr, true})).frame, expected));
    EXPECT_LT(file.size() * 2, encode("webp", {&image, &table, false}).size());
  }
}

TEST(WebpEncoder, SeesTheFrameThroughTheTable) {
  for (int channels = 1; channels <= 4; ++channels) {
    const cv::Mat image = make_image(40, 35, CV_8UC(channels));
    kernels::LevelTable table(kernels::Depth::eight);
    table.then([](int level) { return 255 - level / 2; });
    cv::Mat mapped;
    kernels::apply_table(table, image, mapped);
    EXPECT_EQ(encode("webp", {&image, &table}), encode("webp", {&mapped}));
  }
}

TEST(WebpEncoder, WritesTheSameBytesAgain) {
  const cv::Mat first = make_image(64, 48, CV_8UC3);
  const cv::Mat other = make_image(301, 77, CV_16UC4);
  const std::unique_ptr<Encoder> encoder = make_webp_encoder();
  std::vector<std::byte> out;
  ASSERT_TRUE(encoder->encode({&other}, {.quality = 20}, out).usable());
  encoder->trim(0);
  ASSERT_TRUE(encoder->encode({&first}, {}, out).usable());
  EXPECT_EQ(out, encode("webp", {&first}));
}

TEST(WebpEncoder, FollowsTheQuality) {
  const cv::Mat image = make_image(160, 120, CV_8UC3);
  EXPECT_LT(encode("webp", {&image}, {.quality = 30}).size(), encode("webp", {&image}, {.quality = 80}).size());
  EXPECT_LT(encode("webp", {&image}, {.quality = 80}).size(), encode("webp", {&image}).size());
}

TEST(WebpEncoder, RefusesSidesThatAWebpHasNot) {
  for (const cv::Size size : {cv::Size(16384, 1), cv::Size(1, 16384)}) {
    const cv::Mat image(size, CV_8UC1, cv::Scalar(9));
    std::vector<std::byte> out(10);
    const CodecStatus status = make_webp_encoder()->encode({&image}, {}, out);
    EXPECT_EQ(status.verdict, Verdict::write_failed);
    EXPECT_NE(status.detail.find("16383"), std::string::npos) << status.detail;
    EXPECT_TRUE(out.empty());
  }
  const cv::Mat widest(1, 16383, CV_8UC1, cv::Scalar(9));
  EXPECT_EQ(decode(encode("webp", {&widest})).status.verdict, Verdict::ok);
}

TEST(WebpEncoder, CarriesMetadata) {
  const cv::Mat colour = make_image(31, 20, CV_8UC3);
  const cv::Mat alpha = make_image(31, 20, CV_8UC4);
  const cv::Mat bits = make_image(31, 20, CV_8UC1) > 99;
  for (const EncodeSource& plain : {EncodeSource{&colour}, EncodeSource{&alpha}, EncodeSource{&bits, nullptr, true}}) {
    for (int wanted = 1; wanted <= 3; ++wanted) {
      Metadata metadata;
      if ((wanted & 1) != 0) metadata.icc = to_bytes({1, 2, 3, 4, 5, 6, 7});
      if ((wanted & 2) != 0) metadata.exif = to_bytes({'I', 'I', '*', 0, 8, 0, 0, 0, 0, 0});
      EncodeSource source = plain;
      source.metadata = &metadata;
      const std::vector<std::byte> file = encode("webp", source);
      const std::unique_ptr<Decoder> decoder = find_codec("webp")->make_decoder();
      const Decoded read = decode(*decoder, file, {.keep_alpha = true});
      ASSERT_EQ(read.status.verdict, Verdict::ok) << read.status.detail;
      Metadata found;
      decoder->read_metadata(found);
      EXPECT_EQ(found.icc, metadata.icc);
      EXPECT_EQ(found.exif, metadata.exif);
      const bool has_alpha = read.header.shape.channels == 4;
      EXPECT_EQ(has_alpha, plain.frame == &alpha);
      EXPECT_TRUE(same_pixels(read.frame, decode(encode("webp", plain), {.keep_alpha = true}).frame));
      EXPECT_TRUE(same_pixels(read.frame, read_with_libwebp(file, has_alpha)));
    }
  }
  const Metadata none;
  EncodeSource source{&colour};
  source.metadata = &none;
  EXPECT_EQ(encode("webp", source), encode("webp", {&colour}));
}

TEST(WebpEncoder, TakesNoMoreThanItNeeds) {
  for (const cv::Size size : {cv::Size(1, 1), cv::Size(100, 100), cv::Size(2000, 30), cv::Size(16, 2000)}) {
    for (const int channels : {1, 2, 3, 4}) {
      cv::Mat noise(size, CV_8UC(channels));
      cv::RNG random(5);
      random.fill(noise, cv::RNG::UNIFORM, 0, 256);
      for (const bool two_level : {false, true}) {
        if (two_level && channels > 1) continue;
        const cv::Mat image = two_level ? cv::Mat(noise > 127) : noise;
        const Encoder::Need need = make_webp_encoder()->need(kernels::shape_of(image), false);
        std::vector<std::byte> out;
        out.reserve(need.output_bytes);
        const std::unique_ptr<Encoder> encoder = make_webp_encoder();
        const tests::Allocations allocations;
        ASSERT_TRUE(encoder->encode({&image, nullptr, two_level}, {.quality = 100}, out).usable());
        EXPECT_LE(tests::Allocations::most(), need.scratch_bytes) << size << ", " << channels << " channels";
        EXPECT_LE(out.size(), need.output_bytes);
      }
    }
  }
}

}  // namespace
}  // namespace pixmill::pipeline
