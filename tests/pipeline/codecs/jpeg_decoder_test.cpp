#include "pipeline/codecs/jpeg_decoder.hpp"

#include "tests/pipeline/codecs/jpeg_files.hpp"
#include "tests/pipeline/codecs/test_images.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace pixmill::pipeline {
namespace {

std::vector<JpegKind> colour_kinds() {
  return {{},
          {.progressive = true},
          {.arithmetic = true},
          {.progressive = true, .arithmetic = true},
          {.scan_each_component = true},
          {.restart_rows = 1},
          {.stored = JCS_RGB},
          {.stored = JCS_RGB, .progressive = true}};
}

TEST(JpegDecoder, ReadsEveryKindOfColourLikeLibjpeg) {
  for (const cv::Size size : {cv::Size(1, 1), cv::Size(17, 33), cv::Size(131, 97)}) {
    for (const JpegKind& kind : colour_kinds()) {
      const std::vector<std::byte> file = make_jpeg(make_image(size.width, size.height, CV_8UC3), kind);
      const Decoded colour = decode(file);
      ASSERT_EQ(colour.status.verdict, Verdict::ok) << colour.status.detail;
      EXPECT_TRUE(same_pixels(colour.frame, read_with_libjpeg(file, JCS_EXT_BGR)));
      const Decoded luma = decode(file, {.luma = true});
      ASSERT_EQ(luma.status.verdict, Verdict::ok) << luma.status.detail;
      EXPECT_TRUE(same_pixels(luma.frame, read_with_libjpeg(file, JCS_GRAYSCALE)));
    }
  }
}

TEST(JpegDecoder, GivesGrayAsOneChannel) {
  const std::vector<std::byte> file = make_jpeg(make_image(40, 30, CV_8UC1), {.stored = JCS_GRAYSCALE});
  const Decoded gray = decode(file);
  ASSERT_EQ(gray.status.verdict, Verdict::ok);
  EXPECT_TRUE(gray.header.stores_luma);
  EXPECT_EQ(gray.header.shape, (kernels::FrameShape{40, 30, 1, kernels::Depth::eight}));
  EXPECT_TRUE(same_pixels(gray.frame, read_with_libjpeg(file, JCS_GRAYSCALE)));
}

TEST(JpegDecoder, TurnsInksIntoColoursByTheirFormula) {
  for (const J_COLOR_SPACE stored : {JCS_CMYK, JCS_YCCK}) {
    const std::vector<std::byte> file = make_jpeg(make_image(37, 21, CV_8UC4), {.stored = stored});
    const cv::Mat inks = read_with_libjpeg(file, JCS_CMYK);
    const Decoded colour = decode(file);
    const Decoded luma = decode(file, {.luma = true});
    ASSERT_EQ(colour.status.verdict, Verdict::ok) << colour.status.detail;
    ASSERT_EQ(luma.status.verdict, Verdict::ok);
    for (int y = 0; y < inks.rows; ++y) {
      for (int x = 0; x < inks.cols; ++x) {
        const cv::Vec4b ink = inks.at<cv::Vec4b>(y, x);
        const int r = ink[3] - ((255 - ink[0]) * ink[3] >> 8);
        const int g = ink[3] - ((255 - ink[1]) * ink[3] >> 8);
        const int b = ink[3] - ((255 - ink[2]) * ink[3] >> 8);
        ASSERT_EQ(colour.frame.at<cv::Vec3b>(y, x),
                  cv::Vec3b(cv::saturate_cast<uchar>(b), cv::saturate_cast<uchar>(g), cv::saturate_cast<uchar>(r)));
        ASSERT_EQ(luma.frame.at<uchar>(y, x), (r * 4899 + g * 9617 + b * 1868 + 8192) >> 14);
      }
    }
  }
}

TEST(JpegDecoder, ShowsEveryRowOnceAndFinal) {
  const std::vector<std::byte> file = make_jpeg(make_image(50, 101, CV_8UC3));
  for (const bool luma : {false, true}) {
    const Decoded read = decode(file, {.luma = luma});
    EXPECT_EQ(read.observed_pixels, 50U * 101U);
    EXPECT_TRUE(read.observed_final);
  }
}

TEST(JpegDecoder, FindsTheOrientation) {
  const std::vector<std::byte> plain = make_jpeg(make_image(16, 8, CV_8UC3));
  EXPECT_EQ(decode(plain).header.orientation, 1);
  for (int orientation = 1; orientation <= 8; ++orientation) {
    for (const bool little : {false, true}) {
      const Decoded read = decode(with_orientation(plain, orientation, little));
      EXPECT_EQ(read.status.verdict, Verdict::ok);
      EXPECT_EQ(read.header.orientation, orientation);
    }
  }
}

TEST(JpegDecoder, BelievesTheFirstExifBlock) {
  const std::vector<std::byte> plain = make_jpeg(make_image(16, 8, CV_8UC3));
  const std::vector<std::byte> twice = with_orientation(with_orientation(plain, 3, true), 6, false);
  EXPECT_EQ(decode(twice).header.orientation, 6);
}

TEST(JpegDecoder, CallsAFileCutAnywhereTruncated) {
  const cv::Mat image = make_image(40, 56, CV_8UC3);
  for (const JpegKind& kind : colour_kinds()) {
    const std::vector<std::byte> file = make_jpeg(image, kind);
    const std::unique_ptr<Decoder> decoder = make_jpeg_decoder();
    // With fewer than three bytes it is not known to be a JPEG.
    for (std::size_t size = 3; size < file.size(); ++size) {
      const std::vector<std::byte> cut(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size));
      const Decoded strict = decode(*decoder, cut);
      ASSERT_EQ(strict.status.verdict, Verdict::truncated)
          << size << " of " << file.size() << ": " << strict.status.detail;
      ASSERT_FALSE(strict.status.detail.empty());
      const Decoded lenient = decode(*decoder, cut, {.lenient = true});
      ASSERT_TRUE(lenient.status.verdict == Verdict::repaired || lenient.status.verdict == Verdict::truncated ||
                  lenient.status.verdict == Verdict::corrupt)
          << size;
    }
  }
}

TEST(JpegDecoder, KeepsTheRowsBeforeACutWhenLenient) {
  const std::vector<std::byte> file = make_jpeg(make_image(64, 200, CV_8UC3));
  const std::vector<std::byte> cut(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(file.size() / 2));
  const cv::Mat whole = read_with_libjpeg(file, JCS_GRAYSCALE);

  const Decoded read = decode(cut, {.luma = true, .lenient = true});

  ASSERT_EQ(read.status.verdict, Verdict::repaired);
  EXPECT_NE(read.status.detail.find("to 199 are missing"), std::string::npos) << read.status.detail;
  const int first_missing = std::stoi(read.status.detail.substr(read.status.detail.find("lines ") + 6));
  ASSERT_GT(first_missing, 50);
  EXPECT_TRUE(same_pixels(read.frame.rowRange(0, first_missing), whole.rowRange(0, first_missing)));
  EXPECT_EQ(cv::countNonZero(read.frame.rowRange(first_missing + 16, 200)), 0);
  EXPECT_EQ(read.observed_pixels, 64U * 200U);
  EXPECT_TRUE(read.observed_final);
}

TEST(JpegDecoder, SaysThatOnlyTheEndMarkerIsMissing) {
  std::vector<std::byte> file = make_jpeg(make_image(40, 30, CV_8UC3));
  const cv::Mat whole = read_with_libjpeg(file, JCS_EXT_BGR);
  file.erase(file.end() - 2, file.end());
  EXPECT_EQ(decode(file).status.verdict, Verdict::truncated);
  const Decoded lenient = decode(file, {.lenient = true});
  EXPECT_EQ(lenient.status.verdict, Verdict::repaired);
  EXPECT_TRUE(same_pixels(lenient.frame, whole));
}

TEST(JpegDecoder, AcceptsWhatComesAfterTheImage) {
  std::vector<std::byte> file = make_jpeg(make_image(40, 30, CV_8UC3));
  for (int i = 0; i < 1000; ++i) file.push_back(static_cast<std::byte>(i * 37 & 0xFF));
  EXPECT_EQ(decode(file).status.verdict, Verdict::ok);
}

TEST(JpegDecoder, AcceptsPaddingBeforeAMarker) {
  const std::vector<std::byte> file = make_jpeg(make_image(40, 30, CV_8UC3));
  for (const std::byte filler : {std::byte{0x00}, std::byte{0xFF}, std::byte{0x20}}) {
    const std::vector<std::byte> padding(7, filler);
    const Decoded at_end = decode(with_bytes_at(file, file.size() - 2, padding));
    EXPECT_EQ(at_end.status.verdict, Verdict::ok) << at_end.status.detail;
    const Decoded in_header = decode(with_bytes_at(file, 20, padding));  // after APP0
    EXPECT_EQ(in_header.status.verdict, Verdict::ok) << in_header.status.detail;
    EXPECT_TRUE(same_pixels(in_header.frame, read_with_libjpeg(file, JCS_EXT_BGR)));
  }
}

TEST(JpegDecoder, CallsUndecodedImageDataCorrupt) {
  const std::vector<std::byte> file = make_jpeg(make_image(40, 30, CV_8UC3));
  std::vector<std::byte> rest;
  for (int i = 0; i < 40; ++i) rest.push_back(static_cast<std::byte>(i * 37 % 250));
  const std::vector<std::byte> longer = with_bytes_at(file, file.size() - 2, rest);
  const Decoded strict = decode(longer);
  EXPECT_EQ(strict.status.verdict, Verdict::corrupt);
  EXPECT_NE(strict.status.detail.find("extraneous bytes"), std::string::npos) << strict.status.detail;
  EXPECT_EQ(decode(longer, {.lenient = true}).status.verdict, Verdict::repaired);
}

TEST(JpegDecoder, CallsALostRestartMarkerCorrupt) {
  std::vector<std::byte> file = make_jpeg(make_image(64, 64, CV_8UC3), {.restart_rows = 1});
  const std::array<std::byte, 2> second{std::byte{0xFF}, std::byte{0xD1}};
  const auto at = std::search(file.begin(), file.end(), second.begin(), second.end());
  ASSERT_NE(at, file.end());
  *(at + 1) = std::byte{0xD5};
  EXPECT_EQ(decode(file).status.verdict, Verdict::corrupt);
}

TEST(JpegDecoder, NeverCrashesOnAFlippedByte) {
  const std::vector<std::byte> file = make_jpeg(make_image(24, 24, CV_8UC3), {.progressive = true});
  const std::unique_ptr<Decoder> decoder = make_jpeg_decoder();
  for (std::size_t i = 0; i < file.size(); ++i) {
    std::vector<std::byte> damaged = file;
    damaged[i] ^= std::byte{0x55};
    for (const bool lenient : {false, true}) {
      // A damaged header may claim sizes that the test would have to allocate.
      const Decoded read = decode(*decoder, damaged, {.lenient = lenient}, {.max_pixels = 1 << 20});
      ASSERT_EQ(read.status.detail.empty(), read.status.verdict == Verdict::ok) << i;
    }
  }
}

TEST(JpegDecoder, DecodesAFileWithoutTablesTheSameAfterAnyOther) {
  // The abbreviated format: tables left out. libjpeg would take those of the file before.
  const cv::Mat image = make_image(16, 16, CV_8UC1);
  std::vector<std::byte> file = make_jpeg(image, {.stored = JCS_GRAYSCALE});
  const std::array<std::byte, 2> table{std::byte{0xFF}, std::byte{0xDB}};
  const auto at = std::search(file.begin(), file.end(), table.begin(), table.end());
  ASSERT_NE(at, file.end());
  file.erase(at, at + 2 + 67);
  const Decoded alone = decode(file);
  const std::unique_ptr<Decoder> used = make_jpeg_decoder();
  ASSERT_EQ(decode(*used, make_jpeg(image, {.stored = JCS_GRAYSCALE})).status.verdict, Verdict::ok);

  const Decoded after = decode(*used, file);

  EXPECT_EQ(alone.status.verdict, Verdict::corrupt);
  EXPECT_EQ(after.status.verdict, alone.status.verdict);
  EXPECT_EQ(after.status.detail, alone.status.detail);
}

TEST(JpegDecoder, ReadsTheSameAgainAfterTrim) {
  const std::vector<std::byte> file = make_jpeg(make_image(64, 64, CV_8UC3));
  const std::unique_ptr<Decoder> decoder = make_jpeg_decoder();
  const Decoded before = decode(*decoder, file);
  decoder->trim(0);
  EXPECT_TRUE(same_pixels(decode(*decoder, file).frame, before.frame));
}

TEST(JpegDecoder, NamesProcessesThatItDoesNotRead) {
  std::vector<std::byte> file = make_jpeg(make_image(16, 16, CV_8UC3));
  const std::array<std::byte, 2> frame{std::byte{0xFF}, std::byte{0xC0}};
  const auto at = std::search(file.begin(), file.end(), frame.begin(), frame.end());
  ASSERT_NE(at, file.end());
  std::vector<std::byte> lossless = file;
  lossless[static_cast<std::size_t>(at - file.begin()) + 1] = std::byte{0xC3};
  EXPECT_EQ(decode(lossless).status.verdict, Verdict::unsupported);
  std::vector<std::byte> twelve_bits = file;
  twelve_bits[static_cast<std::size_t>(at - file.begin()) + 4] = std::byte{12};
  const Decoded read = decode(twelve_bits);
  EXPECT_EQ(read.status.verdict, Verdict::unsupported);
  EXPECT_NE(read.status.detail.find("12"), std::string::npos) << read.status.detail;
}

TEST(JpegDecoder, LeavesExifOutThatIsNone) {
  const std::vector<std::byte> plain = make_jpeg(make_image(16, 16, CV_8UC3));
  // APP1 with the prefix, and behind it nothing, too little, or something else.
  for (const std::string_view block : {"", "II*", "JUNKJUNK", "II+\0\10\0\0\0"}) {
    const std::string text = "Exif" + std::string(2, '\0') + std::string(block);
    std::vector<std::byte> segment{std::byte{0xFF}, std::byte{0xE1}, std::byte{0},
                                   static_cast<std::byte>(text.size() + 2)};
    for (const char c : text) segment.push_back(static_cast<std::byte>(c));
    const std::vector<std::byte> file = with_bytes_at(plain, 2, segment);
    const std::unique_ptr<Decoder> decoder = make_jpeg_decoder();
    ASSERT_EQ(decode(*decoder, file).status.verdict, Verdict::ok);
    Metadata metadata;
    decoder->read_metadata(metadata);
    EXPECT_TRUE(metadata.exif.empty()) << block;
    EXPECT_EQ(metadata.left_out, "its EXIF block is damaged and was left out");
  }
}

TEST(JpegDecoder, DoesNotCallRepairedWhatHasNoRow) {
  const cv::Mat image = make_image(64, 48, CV_8UC3);
  for (const JpegKind& kind : {JpegKind{}, JpegKind{.progressive = true}, JpegKind{.scan_each_component = true},
                               JpegKind{.arithmetic = true}, JpegKind{.restart_rows = 1}}) {
    const std::vector<std::byte> file = make_jpeg(image, kind);
    // The first start-of-scan marker; its image data follow the segment.
    std::size_t scan = 2;
    while (file[scan] != std::byte{0xFF} || file[scan + 1] != std::byte{0xDA}) ++scan;
    const std::size_t data = scan + 2 + std::to_integer<std::size_t>(file[scan + 3]);
    const Bytes head = Bytes(file).first(data);
    EXPECT_EQ(decode(head).status.verdict, Verdict::truncated);
    EXPECT_EQ(decode(head, {.lenient = true}).status.verdict, Verdict::truncated);
    if (kind.arithmetic) continue;  // takes what is not there for zeros
    EXPECT_EQ(decode(Bytes(file).first(data + 4), {.lenient = true}).status.verdict, Verdict::truncated);
    const std::vector<std::byte> end{std::byte{0xFF}, std::byte{0xD9}};
    const std::vector<std::byte> ended = with_bytes_at(head, data, end);
    EXPECT_EQ(decode(ended, {.lenient = true}).status.verdict, Verdict::corrupt);
    EXPECT_EQ(decode(Bytes(file).first(file.size() - 2), {.lenient = true}).status.verdict, Verdict::repaired);
  }
  // All is there but the end-of-image marker: the only row of blocks too.
  const std::vector<std::byte> small = make_jpeg(make_image(16, 16, CV_8UC3));
  EXPECT_EQ(decode(Bytes(small).first(small.size() - 2), {.lenient = true}).status.verdict, Verdict::repaired);
}

}  // namespace
}  // namespace pixmill::pipeline
