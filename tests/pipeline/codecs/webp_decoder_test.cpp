#include "pipeline/codecs/webp_decoder.hpp"

#include "tests/pipeline/codecs/jpeg_files.hpp"
#include "tests/pipeline/codecs/png_files.hpp"
#include "tests/pipeline/codecs/test_images.hpp"
#include "tests/pipeline/codecs/webp_files.hpp"
#include "tests/support/allocations.hpp"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

namespace pixmill::pipeline {
namespace {

constexpr int kProfile = 0x20;
constexpr int kAlpha = 0x10;
constexpr int kExif = 0x08;
constexpr int kAnimation = 0x02;

std::vector<std::byte> joined(std::initializer_list<Bytes> parts) {
  std::vector<std::byte> all;
  for (const Bytes part : parts) append(all, part);
  return all;
}

std::vector<std::byte> first_bytes(Bytes file, std::size_t count) { return {file.begin(), file.begin() + count}; }

TEST(WebpDecoder, GivesThePixelsOfLibwebp) {
  for (const bool lossless : {false, true}) {
    for (const int type : {CV_8UC3, CV_8UC4}) {
      for (const cv::Size size : {cv::Size(1, 1), cv::Size(1, 13), cv::Size(17, 16), cv::Size(131, 67)}) {
        const cv::Mat image = make_image(size.width, size.height, type);
        const std::vector<std::byte> file = make_webp(image, {.lossless = lossless});
        for (const bool keep_alpha : {false, true}) {
          const Decoded read = decode(file, {.keep_alpha = keep_alpha});
          ASSERT_EQ(read.status.verdict, Verdict::ok) << read.status.detail;
          EXPECT_EQ(read.header.shape.channels, image.channels());
          EXPECT_TRUE(same_pixels(read.frame, read_with_libwebp(file, keep_alpha && type == CV_8UC4)));
          EXPECT_EQ(read.observed_pixels, read.frame.total());
          EXPECT_TRUE(read.observed_final);
          EXPECT_FALSE(read.header.stores_luma);
        }
        if (!lossless) continue;
        EXPECT_TRUE(same_pixels(decode(file, {.keep_alpha = true}).frame, image));
      }
    }
  }
}

TEST(WebpDecoder, ReadsAlphaThatIsNotCompressed) {
  const cv::Mat image = make_image(60, 41, CV_8UC4);
  const std::vector<std::byte> file = make_webp(image, {.compressed_alpha = false});
  const Decoded read = decode(file, {.keep_alpha = true});
  ASSERT_EQ(read.status.verdict, Verdict::ok) << read.status.detail;
  cv::Mat alpha;
  cv::Mat expected;
  cv::extractChannel(read.frame, alpha, 3);
  cv::extractChannel(image, expected, 3);
  EXPECT_TRUE(same_pixels(alpha, expected));
}

TEST(WebpDecoder, AppliesTheOrientationOfExifWithAndWithoutItsMark) {
  const cv::Mat image = make_image(20, 10, CV_8UC3);
  for (int orientation = 1; orientation <= 8; ++orientation) {
    for (const bool marked : {false, true}) {
      std::vector<std::byte> exif = marked ? to_bytes({'E', 'x', 'i', 'f', 0, 0}) : std::vector<std::byte>{};
      const std::vector<std::byte> block = exif_block(orientation, orientation % 2 == 0);
      append(exif, block);
      const std::vector<std::byte> profile = to_bytes({1, 2, 3, 4, 5});
      const std::vector<std::byte> file = webp_container(
          joined({webp_extended(kProfile | kExif, 20, 10), webp_chunk("ICCP", profile),
                  webp_chunk("what", to_bytes({9})), webp_picture(make_webp(image)), webp_chunk("EXIF", exif)}));
      const std::unique_ptr<Decoder> decoder = make_webp_decoder();
      const Decoded read = decode(*decoder, file);
      ASSERT_EQ(read.status.verdict, Verdict::ok) << read.status.detail;
      EXPECT_EQ(read.header.orientation, orientation);
      EXPECT_EQ(read.header.shape.channels, 3);
      Metadata metadata;
      decoder->read_metadata(metadata);
      EXPECT_EQ(metadata.icc, profile);
      EXPECT_EQ(metadata.exif, block);
      EXPECT_TRUE(same_pixels(read.frame, read_with_libwebp(make_webp(image), false)));
    }
  }
}

TEST(WebpDecoder, LeavesDamagedMetadataOut) {
  const std::vector<std::byte> picture = webp_picture(make_webp(make_image(8, 8, CV_8UC3)));
  std::vector<std::byte> exif = webp_chunk("EXIF", to_bytes({'n', 'o', 't', ' ', 'T', 'I', 'F', 'F'}));
  exif[4] = std::byte{200};  // and larger than the file
  const std::vector<std::byte> file = webp_container(joined({webp_extended(kExif, 8, 8), picture, exif}));
  const std::unique_ptr<Decoder> decoder = make_webp_decoder();
  EXPECT_EQ(decode(*decoder, file).status.verdict, Verdict::ok);
  Metadata metadata;
  decoder->read_metadata(metadata);
  EXPECT_TRUE(metadata.empty());
  EXPECT_EQ(metadata.left_out, "");  // cut as it is, the chunk is none

  const std::vector<std::byte> whole = webp_container(
      joined({webp_extended(kExif, 8, 8), picture, webp_chunk("EXIF", to_bytes({'n', 'o', 't', ' ', 'T', 'I'}))}));
  ASSERT_EQ(decode(*decoder, whole).status.verdict, Verdict::ok);
  decoder->read_metadata(metadata);
  EXPECT_TRUE(metadata.empty());
  EXPECT_EQ(metadata.left_out, "its EXIF block is damaged and was left out");
}

TEST(WebpDecoder, LeavesMetadataOutThatIsTooLarge) {
  const std::vector<std::byte> picture = webp_picture(make_webp(make_image(8, 8, CV_8UC3)));
  const std::vector<std::byte> large(kMostMetadataBytes + 2);
  const std::vector<std::byte> file = webp_container(
      joined({webp_extended(kProfile | kExif, 8, 8), webp_chunk("ICCP", large), picture, webp_chunk("EXIF", large)}));
  const std::unique_ptr<Decoder> decoder = make_webp_decoder();
  ASSERT_EQ(decode(*decoder, file).status.verdict, Verdict::ok);
  Metadata metadata;
  decoder->read_metadata(metadata);
  EXPECT_TRUE(metadata.empty());
  EXPECT_EQ(metadata.left_out,
            "its ICC profile is too large and was left out; its EXIF block is too large and was left out");
}

TEST(WebpDecoder, ReadsTheFirstFrameOfAnAnimationOnItsCanvas) {
  for (const bool lossless : {false, true}) {
    const cv::Mat image = make_image(21, 13, CV_8UC4);
    const std::vector<std::byte> still = make_webp(image, {.lossless = lossless});
    const std::vector<std::byte> other = webp_picture(make_webp(make_image(40, 30, CV_8UC3)));
    const std::vector<std::byte> file = webp_container(
        joined({webp_extended(kAnimation, 40, 30), webp_chunk("ANIM", to_bytes({255, 255, 255, 255, 0, 0})),
                webp_frame(6, 4, 21, 13, webp_picture(still)), webp_frame(0, 0, 40, 30, other)}));
    for (const bool keep_alpha : {false, true}) {
      const Decoded read = decode(file, {.keep_alpha = keep_alpha});
      ASSERT_EQ(read.status.verdict, Verdict::ok) << read.status.detail;
      cv::Mat expected(30, 40, keep_alpha ? CV_8UC4 : CV_8UC3, cv::Scalar::all(0));
      read_with_libwebp(still, keep_alpha).copyTo(expected(cv::Rect(6, 4, 21, 13)));
      EXPECT_TRUE(same_pixels(read.frame, expected));
      EXPECT_EQ(read.observed_pixels, read.frame.total());
    }
  }
}

TEST(WebpDecoder, FindsNoAlphaInAnOpaqueFrameThatFillsItsCanvas) {
  const std::vector<std::byte> picture = webp_picture(make_webp(make_image(40, 30, CV_8UC3)));
  const std::vector<std::byte> file =
      webp_container(joined({webp_extended(kAnimation, 40, 30), webp_frame(0, 0, 40, 30, picture)}));
  EXPECT_EQ(decode(file).header.shape.channels, 3);
}

TEST(WebpDecoder, PassesOverWhatFollowsTheContainer) {
  std::vector<std::byte> file = make_webp(make_image(30, 20, CV_8UC3));
  append(file, to_bytes({1, 2, 3, 4, 5, 6, 7, 8, 9}));
  EXPECT_EQ(decode(file).status.verdict, Verdict::ok);
}

/// Files of every kind, 96 x 80.
std::vector<std::vector<std::byte>> sound_files() {
  const cv::Mat colour = make_image(96, 80, CV_8UC3);
  const cv::Mat alpha = make_image(96, 80, CV_8UC4);
  std::vector<std::vector<std::byte>> files{make_webp(colour), make_webp(colour, {.lossless = true}), make_webp(alpha),
                                            make_webp(alpha, {.lossless = true})};
  files.push_back(webp_container(
      joined({webp_extended(kAnimation | kAlpha, 100, 90), webp_frame(2, 4, 96, 80, webp_picture(make_webp(alpha)))})));
  return files;
}

TEST(WebpDecoder, CallsEveryCutFileTruncatedAndKeepsWhatDecodes) {
  for (const std::vector<std::byte>& file : sound_files()) {
    const cv::Mat whole = decode(file, {.keep_alpha = true}).frame;
    int most_rows = 0;
    for (std::size_t size = 16; size < file.size(); size += 1 + size / 40) {
      const std::vector<std::byte> cut = first_bytes(file, size);
      const Decoded strict = decode(cut, {.keep_alpha = true});
      ASSERT_EQ(strict.status.verdict, Verdict::truncated) << size << ": " << strict.status.detail;
      EXPECT_FALSE(strict.status.detail.empty());
      const Decoded lenient = decode(cut, {.keep_alpha = true, .lenient = true});
      if (!lenient.status.usable()) {
        ASSERT_EQ(lenient.status.verdict, Verdict::truncated);
        continue;
      }
      ASSERT_EQ(lenient.status.verdict, Verdict::repaired);
      EXPECT_EQ(lenient.observed_pixels, lenient.frame.total());
      EXPECT_TRUE(lenient.observed_final);
      // From the top, colours as in the whole file; then black.
      int rows = 0;
      while (rows < whole.rows && cv::norm(whole.row(rows), lenient.frame.row(rows), cv::NORM_INF) == 0) ++rows;
      most_rows = std::max(most_rows, rows);
    }
    EXPECT_GE(most_rows, 48) << "of " << file.size() << " bytes";
  }
}

TEST(WebpDecoder, SaysWhichScanLinesAreMissing) {
  const std::vector<std::byte> file = make_webp(make_image(96, 80, CV_8UC3));
  const Decoded read = decode(first_bytes(file, file.size() * 3 / 4), {.lenient = true});
  ASSERT_EQ(read.status.verdict, Verdict::repaired);
  EXPECT_NE(read.status.detail.find("cut short inside the VP8 chunk at byte 12"), std::string::npos);
  EXPECT_NE(read.status.detail.find("to 79 are missing"), std::string::npos) << read.status.detail;
  EXPECT_EQ(cv::norm(read.frame.row(79), cv::NORM_INF), 0);
}

TEST(WebpDecoder, TellsALostEndFromALostPicture) {
  const std::vector<std::byte> picture = webp_picture(make_webp(make_image(30, 20, CV_8UC3)));
  const std::vector<std::byte> file =
      webp_container(joined({webp_extended(kExif, 30, 20), picture, webp_chunk("EXIF", exif_block(6, true))}));
  const std::vector<std::byte> cut = first_bytes(file, file.size() - 10);
  EXPECT_EQ(decode(cut).status.verdict, Verdict::truncated);
  const Decoded read = decode(cut, {.lenient = true});
  EXPECT_EQ(read.status.verdict, Verdict::repaired);
  EXPECT_EQ(read.status.detail.find("missing"), std::string::npos) << read.status.detail;
}

struct Broken {
  const char* what;
  std::vector<std::byte> file;
  Verdict verdict;
  const char* detail;
};

std::vector<std::byte> changed(std::vector<std::byte> file, std::size_t at, int value) {
  file.at(at) = static_cast<std::byte>(value);
  return file;
}

TEST(WebpDecoder, SaysWhatIsWrong) {
  const std::vector<std::byte> lossy = make_webp(make_image(30, 20, CV_8UC3));
  const std::vector<std::byte> lossless = make_webp(make_image(30, 20, CV_8UC3), {.lossless = true});
  const std::vector<std::byte> picture = webp_picture(lossy);
  const std::vector<Broken> all{
      {"RIFF size", changed(changed(lossy, 4, 8), 5, 0), Verdict::corrupt, "promises 16 bytes"},
      {"no picture", webp_container(webp_extended(0, 4, 4)), Verdict::corrupt, "no image data"},
      {"no frame", webp_container(webp_extended(kAnimation, 4, 4)), Verdict::corrupt, "without a frame"},
      {"empty frame",
       webp_container(joined({webp_extended(kAnimation, 4, 4), webp_frame(0, 0, 4, 4, webp_chunk("none", {}))})),
       Verdict::corrupt, "no image data"},
      {"short frame", webp_container(joined({webp_extended(kAnimation, 4, 4), webp_chunk("ANMF", to_bytes({0}))})),
       Verdict::corrupt, "(ANMF) has 1 bytes"},
      {"canvas", webp_container(joined({webp_extended(0, 31, 20), picture})), Verdict::corrupt,
       "claims 31 x 20 pixels, its image data 30 x 20"},
      {"frame size", webp_container(joined({webp_extended(kAnimation, 40, 40), webp_frame(0, 0, 30, 21, picture)})),
       Verdict::corrupt, "claims 30 x 21 pixels and has 30 x 20"},
      {"frame beyond", webp_container(joined({webp_extended(kAnimation, 40, 40), webp_frame(12, 0, 30, 20, picture)})),
       Verdict::corrupt, "reaches to 42 x 20"},
      {"short VP8X", webp_container(joined({webp_chunk("VP8X", to_bytes({0, 0, 0, 0})), picture})), Verdict::corrupt,
       "(VP8X) has 4 bytes"},
      {"start code", changed(lossy, 23, 0), Verdict::corrupt, "(VP8) does not begin"},
      {"not a key frame", changed(lossy, 20, std::to_integer<int>(lossy[20]) | 1), Verdict::corrupt, "of its own"},
      {"version", changed(lossy, 20, std::to_integer<int>(lossy[20]) | 14), Verdict::unsupported, "version"},
      {"no width", changed(changed(lossy, 26, 0), 27, 0), Verdict::corrupt, "claims 0 x 20"},
      {"no pixels", webp_container(webp_chunk("VP8 ", to_bytes({0, 0}))), Verdict::corrupt, "(VP8) has 2 bytes"},
      {"mark", changed(lossless, 20, 0), Verdict::corrupt, "(VP8L) does not begin"},
      {"lossless version", changed(lossless, 24, 0xE0), Verdict::unsupported, "version"},
      {"larger than its container", changed(lossy, 17, std::to_integer<int>(lossy[17]) + 1), Verdict::corrupt,
       "the VP8 chunk at byte 12 is larger"},
  };
  for (const Broken& broken : all) {
    const Decoded read = decode(broken.file);
    EXPECT_EQ(read.status.verdict, broken.verdict) << broken.what << ": " << read.status.detail;
    EXPECT_NE(read.status.detail.find(broken.detail), std::string::npos) << broken.what << ": " << read.status.detail;
  }
}

TEST(WebpDecoder, CallsADamagedStreamCorrupt) {
  const std::vector<std::byte> lossless = make_webp(make_image(96, 80, CV_8UC3), {.lossless = true});
  const std::vector<std::byte> picture = webp_picture(lossless);
  // The stream ends early in a container that is whole.
  const Bytes half = Bytes(picture).subspan(8, picture.size() / 2);
  const Decoded strict = decode(webp_container(webp_chunk("VP8L", half)));
  EXPECT_EQ(strict.status.verdict, Verdict::corrupt);
  EXPECT_NE(strict.status.detail.find("VP8L"), std::string::npos) << strict.status.detail;

  const std::vector<std::byte> lossy = webp_picture(make_webp(make_image(96, 80, CV_8UC3)));
  const Bytes part = Bytes(lossy).subspan(8, lossy.size() * 3 / 4);
  const std::vector<std::byte> file = webp_container(webp_chunk("VP8 ", part));
  EXPECT_EQ(decode(file).status.verdict, Verdict::corrupt);
  EXPECT_EQ(decode(file, {.lenient = true}).status.verdict, Verdict::repaired);
}

TEST(WebpDecoder, KeepsTheColoursWhereTheTransparencyIsDamaged) {
  std::vector<std::byte> file = make_webp(make_image(96, 80, CV_8UC4));
  const cv::Mat colours = read_with_libwebp(file, false);
  constexpr std::size_t kAlphaData = 12 + 18 + 8;
  for (std::size_t i = 0; i < 40; ++i) file.at(kAlphaData + 1 + i) = std::byte{0xFF};
  const Decoded strict = decode(file);
  EXPECT_EQ(strict.status.verdict, Verdict::corrupt);
  EXPECT_NE(strict.status.detail.find("ALPH"), std::string::npos) << strict.status.detail;
  const Decoded lenient = decode(file, {.keep_alpha = true, .lenient = true});
  ASSERT_EQ(lenient.status.verdict, Verdict::repaired);
  EXPECT_NE(lenient.status.detail.find("opaque from scan line 0"), std::string::npos) << lenient.status.detail;
  cv::Mat opaque;
  cv::extractChannel(lenient.frame, opaque, 3);
  EXPECT_EQ(cv::countNonZero(opaque != 255), 0);
  EXPECT_TRUE(same_pixels(decode(file, {.lenient = true}).frame, colours));
}

TEST(WebpDecoder, DoesNotRememberTheFileBefore) {
  const std::unique_ptr<Decoder> decoder = make_webp_decoder();
  const std::vector<std::vector<std::byte>> files = sound_files();
  for (const std::vector<std::byte>& file : files) {
    static_cast<void>(decode(*decoder, first_bytes(files.back(), files.back().size() / 2), {.lenient = true}));
    const Decoded again = decode(*decoder, file, {.keep_alpha = true});
    EXPECT_EQ(again.status.verdict, Verdict::ok);
    EXPECT_TRUE(same_pixels(again.frame, decode(file, {.keep_alpha = true}).frame));
  }
}

/// What header and pixels took beside file and frame.
std::size_t taken_by(Bytes file, const DecodeRequest& request, ImageHeader& header) {
  const std::unique_ptr<Decoder> warm = make_webp_decoder();
  static_cast<void>(decode(*warm, file, request));
  const std::unique_ptr<Decoder> decoder = make_webp_decoder();
  if (!decoder->read_header(file, {}, header).usable()) return 0;
  const kernels::FrameShape shape = Decoder::decoded_shape(header, request);
  cv::Mat frame(static_cast<int>(shape.height), static_cast<int>(shape.width), shape.type());
  const tests::Allocations allocations;
  static_cast<void>(decoder->read_header(file, {}, header));
  static_cast<void>(decoder->decode(request, frame, {}));
  return tests::Allocations::most();
}

TEST(WebpDecoder, TakesNoMoreMemoryThanItReckons) {
  for (const cv::Size size : {cv::Size(1, 1), cv::Size(300, 200), cv::Size(3000, 40), cv::Size(40, 3000)}) {
    for (const int type : {CV_8UC3, CV_8UC4}) {
      const cv::Mat image = make_image(size.width, size.height, type);
      for (const WebpKind& kind : {WebpKind{}, WebpKind{.lossless = true}, WebpKind{.compressed_alpha = false}}) {
        const std::vector<std::byte> file = make_webp(image, kind);
        for (const bool lenient : {false, true}) {
          ImageHeader header;
          const std::size_t taken = taken_by(file, {.keep_alpha = true, .lenient = lenient}, header);
          EXPECT_GT(taken, 0U);
          EXPECT_LE(taken, header.decoder_bytes) << size << " type " << type << " lossless " << kind.lossless;
          // And the bound is of use: within what the pixels themselves justify.
          EXPECT_LE(header.decoder_bytes, (std::uint64_t{1} << 20) + 8 * image.total() + image.total() * 16 / 10);
        }
      }
    }
  }
}

TEST(WebpDecoder, ReckonsTheGroupsOfCodesThatAFewBytesClaim) {
  for (const std::uint32_t groups : {2U, 1000U, 1001U, 1024U}) {
    const std::vector<std::byte> file = webp_of_many_groups(128, 128, groups);
    ImageHeader header;
    const std::size_t taken = taken_by(file, {}, header);
    EXPECT_LE(taken, header.decoder_bytes) << groups;
    EXPECT_GE(taken, groups * 19000) << "libwebp believes it";
    EXPECT_EQ(decode(file).status.verdict, Verdict::corrupt);
  }
  // 65,536 groups would take 1.3 GB, from 130 KB.
  const Decoded read = decode(webp_of_many_groups(1024, 1024, 65536));
  EXPECT_EQ(read.status.verdict, Verdict::too_large) << read.status.detail;
}

TEST(WebpDecoder, RefusesFromTheHeader) {
  const std::vector<std::byte> picture = webp_picture(make_webp(make_image(30, 20, CV_8UC3)));
  for (const auto& [width, height] : {std::pair{1U << 24, 1U << 24}, {65536U, 1U}, {65535U, 65535U}}) {
    const Decoded read = decode(webp_container(joined({webp_extended(0, width, height), picture})));
    EXPECT_EQ(read.status.verdict, Verdict::too_large) << read.status.detail;
    EXPECT_NE(read.status.detail.find(std::to_string(width)), std::string::npos) << read.status.detail;
  }
}

}  // namespace
}  // namespace pixmill::pipeline
