#include "pipeline/codecs/tiff_encoder.hpp"

#include "kernels/level_table.hpp"
#include "tests/pipeline/codecs/test_images.hpp"
#include "tests/support/allocations.hpp"
#include "tests/support/metadata_blocks.hpp"

#include <gtest/gtest.h>
#include <tiffio.h>
#include <opencv2/imgproc.hpp>

#include <cstring>
#include <vector>

namespace pixmill::pipeline {
namespace {

cv::Mat two_levels(const cv::Mat& gray) {
  cv::Mat out;
  const double largest = gray.depth() == CV_16U ? 65535 : 255;
  cv::threshold(gray, out, largest / 2, largest, cv::THRESH_BINARY);
  return out;
}

TEST(TiffEncoder, WritesWhatIsReadBack) {
  for (const int depth : {CV_8U, CV_16U}) {
    for (int channels = 1; channels <= 4; ++channels) {
      for (const cv::Size size : {cv::Size(1, 1), cv::Size(7, 3), cv::Size(641, 700)}) {
        const cv::Mat image = make_padded_image(size.width, size.height, CV_MAKETYPE(depth, channels));
        const std::vector<std::byte> file = encode("tiff", {&image});
        const Decoded read = decode(file, {.keep_alpha = true});
        ASSERT_EQ(read.status.verdict, Verdict::ok) << read.status.detail;
        EXPECT_TRUE(same_pixels(read.frame, image)) << channels << " channels";
        EXPECT_TRUE(read.status.detail.empty());
        EXPECT_FALSE(read.header.two_level);
        EXPECT_EQ(file, encode("tiff", {&image}));
      }
    }
  }
}

TEST(TiffEncoder, WritesTwoLevelsAsGroup4) {
  for (const int type : {CV_8UC1, CV_16UC1}) {
    for (const cv::Size size : {cv::Size(1, 1), cv::Size(8, 2), cv::Size(333, 211), cv::Size(2000, 5000)}) {
      const cv::Mat image = two_levels(make_padded_image(size.width, size.height, type));
      const std::vector<std::byte> file = encode("tiff", {&image, nullptr, true});
      const Decoded read = decode(file);
      ASSERT_EQ(read.status.verdict, Verdict::ok) << read.status.detail;
      EXPECT_TRUE(read.header.two_level);
      cv::Mat eight;
      image.convertTo(eight, CV_8U, type == CV_16UC1 ? 1 / 257.0 : 1);
      EXPECT_TRUE(same_pixels(read.frame, eight));
      EXPECT_EQ(file, encode("tiff", {&image, nullptr, true}));
    }
  }
}

TEST(TiffEncoder, WritesThroughThePendingTable) {
  const cv::Mat image = make_image(500, 600, CV_8UC3);
  kernels::LevelTable table(kernels::Depth::eight);
  table.then([](int level) { return 255 - level; });
  cv::Mat inverted;
  cv::bitwise_not(image, inverted);
  EXPECT_TRUE(same_pixels(decode(encode("tiff", {&image, &table})).frame, inverted));

  const cv::Mat gray = make_image(500, 600, CV_8UC1);
  kernels::LevelTable step(kernels::Depth::eight);
  step.then([](int level) { return level > 99 ? 255 : 0; });
  cv::Mat split;
  cv::threshold(gray, split, 99, 255, cv::THRESH_BINARY);
  EXPECT_TRUE(same_pixels(decode(encode("tiff", {&gray, &step, true})).frame, split));
}

TEST(TiffEncoder, StaysWithinItsNeed) {
  const std::unique_ptr<Encoder> encoder = make_tiff_encoder();
  cv::RNG random(5);
  for (const cv::Size size : {cv::Size(1, 1), cv::Size(1, 4000), cv::Size(4000, 1), cv::Size(900, 900)}) {
    for (const int type : {CV_8UC1, CV_16UC4}) {
      cv::Mat noise(size, type);
      random.fill(noise, cv::RNG::UNIFORM, 0, type == CV_8UC1 ? 256 : 65536);
      std::vector<std::byte> out;
      ASSERT_TRUE(encoder->encode({&noise}, {}, out).usable());
      EXPECT_LE(out.size(), encoder->need(kernels::shape_of(noise), false).output_bytes);
    }
    // What is worst for a fax: noise, and lines of single pixels that differ from the line above.
    for (int kind = 0; kind < 3; ++kind) {
      cv::Mat dots(size, CV_8UC1);
      random.fill(dots, cv::RNG::UNIFORM, 0, 256);
      for (int y = 0; y < dots.rows; ++y) {
        for (int x = 0; x < dots.cols; ++x) {
          uchar& pixel = dots.at<uchar>(y, x);
          const bool white = kind == 0 ? pixel > 127 : kind == 1 ? (x + y) % 2 == 0 : (x / (1 + y % 3)) % 2 == 0;
          pixel = white ? 255 : 0;
        }
      }
      std::vector<std::byte> out;
      ASSERT_TRUE(encoder->encode({&dots, nullptr, true}, {}, out).usable());
      EXPECT_LE(out.size(), encoder->need(kernels::shape_of(dots), true).output_bytes);
      EXPECT_TRUE(same_pixels(decode(out).frame, dots));
    }
  }
}

TEST(TiffEncoder, TakesRoomForItsOutputAtOnce) {
  const std::unique_ptr<Encoder> encoder = make_tiff_encoder();
  cv::Mat noise(700, 800, CV_8UC3);
  cv::RNG(7).fill(noise, cv::RNG::UNIFORM, 0, 256);
  const std::uint64_t most = encoder->need(kernels::shape_of(noise), false).output_bytes;
  std::vector<std::byte> out(100);
  ASSERT_TRUE(encoder->encode({&noise}, {}, out).usable());
  EXPECT_GE(out.capacity(), most);
  EXPECT_LE(out.size(), most);
}

TEST(TiffEncoder, SaysThatAProfileIsTooLarge) {
  const cv::Mat image = make_image(20, 10, CV_8UC3);
  Metadata metadata;
  metadata.icc.resize(kMostMetadataBytes + 1);
  EncodeSource source{&image};
  source.metadata = &metadata;
  std::vector<std::byte> out;
  const CodecStatus status = make_tiff_encoder()->encode(source, {}, out);
  EXPECT_EQ(status.verdict, Verdict::ok);
  EXPECT_NE(status.detail.find("ICC profile is too large"), std::string::npos) << status.detail;
  EXPECT_TRUE(same_pixels(decode(out).frame, image));
  metadata.icc.resize(kMostMetadataBytes);
  EXPECT_EQ(make_tiff_encoder()->encode(source, {}, out).detail, "");
  EXPECT_GT(out.size(), kMostMetadataBytes);
}

TEST(TiffEncoder, TakesNoMoreForMetadataThanIsReckoned) {
  const cv::Mat image = make_image(300, 200, CV_8UC3);
  tests::ExifWriter exif(false);
  exif.directory(4, 2);
  const std::string text(1U << 20U, 't');
  const std::size_t sub = exif.number(0x8769, tests::ExifWriter::kLong, 0);
  exif.value(0x8298, tests::ExifWriter::kAscii, static_cast<std::uint32_t>(text.size()), text);
  exif.directory(sub, 1);
  exif.value(0x927C, tests::ExifWriter::kUndefined, static_cast<std::uint32_t>(text.size()), text);
  Metadata metadata;
  metadata.exif = exif.block();
  metadata.icc = tests::icc_profile("RGB ", kMostMetadataBytes);
  const std::size_t held = metadata.icc.size() + metadata.exif.size();
  const Encoder::Need need = make_tiff_encoder()->need(kernels::shape_of(image), false);
  EncodeSource source{&image};
  source.metadata = &metadata;
  std::vector<std::byte> out;
  const tests::Allocations allocations;
  ASSERT_EQ(make_tiff_encoder()->encode(source, {}, out).detail, "");
  EXPECT_LE(tests::Allocations::most(),
            need.output_bytes + need.scratch_bytes + 2 * held + held / 64 + (std::size_t{64} << 10));
  EXPECT_GT(out.size(), held);
}

TEST(TiffEncoder, SaysWhenAResolutionIsNoneItCanState) {
  const cv::Mat image = make_image(4, 4, CV_8UC1);
  for (const double other : {1e-9, 0.05, 1e12}) {
    Metadata metadata;
    metadata.pixels_per_metre_x = 2835;
    metadata.pixels_per_metre_y = other;
    EncodeSource source{&image};
    source.metadata = &metadata;
    std::vector<std::byte> file;
    const CodecStatus status = find_codec("tiff")->make_encoder()->encode(source, {}, file);
    EXPECT_EQ(status.verdict, Verdict::ok);
    EXPECT_NE(status.detail.find("resolution"), std::string::npos) << other;
    const auto decoder = find_codec("tiff")->make_decoder();
    ASSERT_EQ(decode(*decoder, file).status.verdict, Verdict::ok);
    Metadata back;
    decoder->read_metadata(back);
    EXPECT_TRUE(back.empty()) << other;
  }
}

TEST(TiffEncoder, KeepsTheProfileAndTheResolution) {
  const cv::Mat image = make_image(20, 10, CV_8UC3);
  for (const double per_metre : {300 / 0.0254, 12345.6}) {
    Metadata metadata;
    metadata.icc.assign(300, std::byte{42});
    metadata.pixels_per_metre_x = per_metre;
    metadata.pixels_per_metre_y = 2 * per_metre;
    EncodeSource source{&image};
    source.metadata = &metadata;
    const std::vector<std::byte> file = encode("tiff", source);
    const std::unique_ptr<Decoder> decoder = find_codec("tiff")->make_decoder();
    ImageHeader header;
    ASSERT_TRUE(decoder->read_header(file, {}, header).usable());
    Metadata read;
    decoder->read_metadata(read);
    EXPECT_EQ(read.icc, metadata.icc);
    EXPECT_NEAR(read.pixels_per_metre_x, per_metre, 1e-4 * per_metre);
    EXPECT_NEAR(read.pixels_per_metre_y, 2 * per_metre, 2e-4 * per_metre);
  }
}

}  // namespace
}  // namespace pixmill::pipeline
