#include "tests/pipeline/codecs/jpeg_files.hpp"
#include "tests/pipeline/codecs/png_files.hpp"
#include "tests/pipeline/codecs/test_images.hpp"

#include "pipeline/codecs/jpeg_markers.hpp"

#include <gtest/gtest.h>

namespace pixmill::pipeline {
namespace {

TEST(Limits, RefuseSidesAndPixelsFromTheHeader) {
  const cv::Mat image = make_image(300, 200, CV_8UC3);
  for (const std::string_view format : {"jpg", "png"}) {
    const std::vector<std::byte> file = encode(format, {&image});
    const Decoded wide = decode(file, {}, {.max_side = 299});
    EXPECT_EQ(wide.status.verdict, Verdict::too_large);
    EXPECT_NE(wide.status.detail.find("300 x 200"), std::string::npos) << wide.status.detail;
    const Decoded many = decode(file, {}, {.max_pixels = 59999});
    EXPECT_EQ(many.status.verdict, Verdict::too_large);
    EXPECT_NE(many.status.detail.find("60000"), std::string::npos) << many.status.detail;
    EXPECT_EQ(decode(file, {}, {.max_pixels = 60000, .max_side = 300}).status.verdict, Verdict::ok);
  }
}

TEST(Limits, CountTheCoefficientsOfAProgressiveJpeg) {
  const cv::Mat image = make_image(640, 480, CV_8UC3);
  const std::vector<std::byte> baseline = make_jpeg(image);
  const std::vector<std::byte> progressive = make_jpeg(image, {.progressive = true});
  ImageHeader header;
  const Codec* jpeg = find_codec("jpg");
  ASSERT_TRUE(jpeg->make_decoder()->read_header(progressive, {}, header).usable());
  // 4:2:0: one and a half samples of two bytes a pixel.
  EXPECT_GE(header.decoder_bytes, 640U * 480U * 3U);
  EXPECT_LE(header.decoder_bytes, 640U * 480U * 3U + (1U << 20));
  const DecodeLimits small{.max_memory = 640 * 480 * 2};
  EXPECT_EQ(decode(progressive, {}, small).status.verdict, Verdict::too_large);
  EXPECT_EQ(decode(baseline, {}, small).status.verdict, Verdict::ok);
}

TEST(Limits, RefuseAJpegOfThousandsOfScans) {
  const std::vector<std::byte> file =
      make_jpeg(make_image(64, 64, CV_8UC3), {.progressive = true, .repeated_scans = 2000});
  for (const bool lenient : {false, true}) {
    const Decoded read = decode(file, {.lenient = lenient});
    EXPECT_EQ(read.status.verdict, Verdict::too_large);
    EXPECT_NE(read.status.detail.find("200 scans"), std::string::npos) << read.status.detail;
  }
}

TEST(Limits, CountScansOfWholeAndCutFiles) {
  const std::vector<std::byte> file = make_jpeg(make_image(64, 64, CV_8UC3), {.progressive = true});
  const int scans = count_jpeg_scans(file, 200);
  EXPECT_EQ(scans, 10);  // libjpeg's own script for three components
  EXPECT_EQ(count_jpeg_scans(file, 4), 5);
  for (std::size_t size = 0; size < file.size(); ++size) {
    const std::vector<std::byte> cut(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_LE(count_jpeg_scans(cut, 200), scans);
  }
}

TEST(Limits, RefuseAPngBombFromItsHeader) {
  for (const PngSpec& spec : {PngSpec{.width = 65535, .height = 65535, .bit_depth = 16, .colour_type = 6},
                              PngSpec{.width = 30000, .height = 30000, .bit_depth = 8, .colour_type = 2},
                              PngSpec{.width = 65535, .height = 65535, .bit_depth = 1, .interlaced = true}}) {
    const std::vector<std::byte> file = make_png(spec, std::vector<std::uint8_t>(100000));
    EXPECT_EQ(decode(file).status.verdict, Verdict::too_large);
  }
}

TEST(Limits, AllowAPngOfFewPixelsAndHugeClaimsOnlyItsOwnMemory) {
  ImageHeader header;
  const std::unique_ptr<Decoder> decoder = find_codec("png")->make_decoder();
  const std::vector<std::byte> file =
      make_png({.width = 16384, .height = 16384, .bit_depth = 8, .colour_type = 2}, {0});
  ASSERT_TRUE(decoder->read_header(file, {}, header).usable());
  EXPECT_LT(header.decoder_bytes, 4U << 20);  // bands of rows, not the image
  const std::vector<std::byte> passes =
      make_png({.width = 16384, .height = 16384, .bit_depth = 8, .colour_type = 2, .interlaced = true}, {0});
  ASSERT_TRUE(decoder->read_header(passes, {}, header).usable());
  EXPECT_GE(header.decoder_bytes, std::uint64_t{16384} * 16384 * 3);
}

}  // namespace
}  // namespace pixmill::pipeline
