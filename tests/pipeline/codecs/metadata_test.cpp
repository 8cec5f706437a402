#include "pipeline/codecs/jpeg_metadata.hpp"
#include "pipeline/codecs/png_chunks.hpp"

#include "tests/pipeline/codecs/jpeg_files.hpp"
#include "tests/pipeline/codecs/png_files.hpp"
#include "tests/pipeline/codecs/test_images.hpp"
#include "tests/support/metadata_blocks.hpp"

#include <gtest/gtest.h>
#include <spng.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace pixmill::pipeline {
namespace {

using tests::camera_exif;
using tests::icc_profile;

Metadata read(Bytes file, const DecodeRequest& request = {}) {
  const auto decoder = recognise(file.first(std::min(file.size(), kSniffBytes)))->make_decoder();
  static_cast<void>(decode(*decoder, file, request));
  Metadata metadata;
  decoder->read_metadata(metadata);
  return metadata;
}

Metadata everything(std::size_t icc_bytes = 400) {
  Metadata metadata;
  metadata.icc = icc_profile("RGB ", icc_bytes);
  metadata.exif = camera_exif({});
  metadata.pixels_per_metre_x = 11800;
  metadata.pixels_per_metre_y = 5900;
  return metadata;
}

struct Written {
  CodecStatus status;
  std::vector<std::byte> file;
};
Written write(std::string_view format, const cv::Mat& image, const Metadata* metadata, int compression = 1) {
  Written written;
  EncodeSource source{&image};
  source.metadata = metadata;
  written.status = find_codec(format)->make_encoder()->encode(source, {.compression = compression}, written.file);
  return written;
}

void expect_same(const Metadata& got, const Metadata& want) {
  EXPECT_EQ(got.icc, want.icc);
  EXPECT_EQ(got.exif, want.exif);
  EXPECT_DOUBLE_EQ(got.pixels_per_metre_x, want.pixels_per_metre_x);
  EXPECT_DOUBLE_EQ(got.pixels_per_metre_y, want.pixels_per_metre_y);
  EXPECT_EQ(got.left_out, "");
}

std::vector<std::byte> segment(int marker, std::string_view prefix, Bytes data) {
  const std::size_t length = 2 + prefix.size() + data.size();
  std::vector<std::byte> out = to_bytes({0xFF, marker, static_cast<int>(length >> 8), static_cast<int>(length & 0xFF)});
  append(out, std::as_bytes(std::span(prefix)));
  append(out, data);
  return out;
}

std::vector<std::byte> icc_piece(int number, int count, Bytes data) {
  std::string prefix(kJpegIccPrefix);
  prefix.push_back(static_cast<char>(number));
  prefix.push_back(static_cast<char>(count));
  return segment(0xE2, prefix, data);
}

/// A small JPEG with those segments right behind its start.
std::vector<std::byte> jpeg_with(Bytes segments) {
  return with_bytes_at(make_jpeg(make_image(16, 16, CV_8UC3)), 2, segments);
}

TEST(CodecMetadata, ComesBackAsItWasWritten) {
  for (const std::string_view format : {"png", "jpg"}) {
    for (const int type : {CV_8UC1, CV_8UC3}) {
      const cv::Mat image = make_image(45, 31, type);
      const Metadata metadata = everything();
      const Written written = write(format, image, &metadata);
      EXPECT_EQ(written.status.verdict, Verdict::ok);
      EXPECT_EQ(written.status.detail, "");
      expect_same(read(written.file), metadata);
      // The pixels are those of a file without.
      const Written plain = write(format, image, nullptr);
      EXPECT_TRUE(same_pixels(decode(written.file).frame, decode(plain.file).frame));
      EXPECT_TRUE(read(plain.file).empty());
    }
  }
}

TEST(CodecMetadata, LeavesNothingBehindInTheEncoder) {
  const cv::Mat image = make_image(45, 31, CV_8UC3);
  const Metadata metadata = everything(200000);
  for (const std::string_view format : {"png", "jpg"}) {
    const auto encoder = find_codec(format)->make_encoder();
    std::vector<std::byte> out;
    EncodeSource source{&image};
    source.metadata = &metadata;
    ASSERT_TRUE(encoder->encode(source, {}, out).usable());
    EXPECT_EQ(out, write(format, image, &metadata).file);
    source.metadata = nullptr;
    ASSERT_TRUE(encoder->encode(source, {}, out).usable());
    EXPECT_EQ(out, write(format, image, nullptr).file);
  }
}

TEST(CodecMetadata, OfAnySizeGoesThrough) {
  const cv::Mat image = make_image(8, 8, CV_8UC3);
  for (const std::size_t bytes : {164U, 65518U, 65519U, 65520U, 131038U, 131039U, 1U << 20U, 4U << 20U}) {
    const Metadata metadata = everything(bytes);
    for (const std::string_view format : {"png", "jpg"}) {
      for (const int compression : {0, 1, 9}) {
        const Written written = write(format, image, &metadata, compression);
        ASSERT_EQ(written.status.detail, "");
        expect_same(read(written.file), metadata);
        const auto need = find_codec(format)->make_encoder()->need(kernels::shape_of(image), false);
        const std::size_t most = metadata.icc.size() + metadata.exif.size();
        EXPECT_LE(written.file.size(), need.output_bytes + most + most / 64 + (64U << 10U));
        if (format == "jpg") break;
      }
    }
  }
}

TEST(CodecMetadata, GrowsTheOutputWithinWhatIsReckoned) {
  const cv::Mat image = make_image(8, 8, CV_8UC3);
  Metadata metadata = everything(4U << 20U);
  // A maker note of the largest size that is read.
  tests::ExifWriter exif(true);
  exif.directory(4, 1);
  exif.directory(exif.number(0x8769, tests::ExifWriter::kLong, 0), 1);
  const std::string note(kMostMetadataBytes - 64, 'n');
  exif.value(0x927C, tests::ExifWriter::kUndefined, static_cast<std::uint32_t>(note.size()), note);
  for (const std::string_view format : {"png", "jpg", "tiff"}) {
    if (format != "jpg") metadata.exif = exif.block();
    const std::size_t held = metadata.icc.size() + metadata.exif.size();
    const Written written = write(format, image, &metadata, 0);
    const auto need = find_codec(format)->make_encoder()->need(kernels::shape_of(image), false);
    EXPECT_LE(written.file.capacity(), need.output_bytes + need.scratch_bytes + held + held / 64 + (64U << 10U));
  }
}

TEST(PngMetadata, IsWhatLibspngSees) {
  const cv::Mat image = make_image(20, 10, CV_8UC3);
  const Metadata metadata = everything();
  const Written written = write("png", image, &metadata);
  spng_ctx* context = spng_ctx_new(0);
  spng_set_png_buffer(context, written.file.data(), written.file.size());
  spng_iccp profile{};
  ASSERT_EQ(spng_get_iccp(context, &profile), 0);
  ASSERT_EQ(profile.profile_len, metadata.icc.size());
  EXPECT_EQ(std::memcmp(profile.profile, metadata.icc.data(), metadata.icc.size()), 0);
  spng_phys density{};
  ASSERT_EQ(spng_get_phys(context, &density), 0);
  EXPECT_EQ(density.ppu_x, 11800U);
  EXPECT_EQ(density.ppu_y, 5900U);
  EXPECT_EQ(density.unit_specifier, 1);
  spng_exif exif{};
  ASSERT_EQ(spng_get_exif(context, &exif), 0);
  ASSERT_EQ(exif.length, metadata.exif.size());
  EXPECT_EQ(std::memcmp(exif.data, metadata.exif.data(), metadata.exif.size()), 0);
  spng_ctx_free(context);
}

TEST(PngMetadata, IsReadInEveryOrderButNotOutOfPlace) {
  const std::vector<std::byte> icc = icc_profile("GRAY");
  std::vector<std::byte> data = to_bytes({'n', 'a', 'm', 'e', 0, 0});
  append(data, deflated({reinterpret_cast<const std::uint8_t*>(icc.data()), icc.size()}));
  const std::vector<std::byte> profile = png_chunk("iCCP", data);
  const std::vector<std::byte> density = png_chunk("pHYs", to_bytes({0, 0, 0, 9, 0, 0, 0, 7, 1}));
  const std::vector<std::byte> exif = png_chunk("eXIf", camera_exif({}));
  const std::vector<std::uint8_t> lines{0, 1, 2};
  const PngSpec spec{.width = 2, .height = 1};
  std::array<const std::vector<std::byte>*, 3> order{&profile, &density, &exif};
  std::sort(order.begin(), order.end());
  do {
    std::vector<std::byte> chunks;
    for (const auto* chunk : order) append(chunks, *chunk);
    const Metadata got = read(make_png(spec, lines, chunks));
    EXPECT_EQ(got.icc, icc);
    EXPECT_EQ(got.exif, camera_exif({}));
    EXPECT_EQ(got.pixels_per_metre_x, 9);
    EXPECT_EQ(got.pixels_per_metre_y, 7);
  } while (std::next_permutation(order.begin(), order.end()));

  const std::vector<std::byte> plain = make_png(spec, lines);
  std::vector<std::byte> all;
  for (const auto* chunk : order) append(all, *chunk);
  const Metadata late = read(with_bytes_at(plain, plain.size() - 12, all));
  EXPECT_TRUE(late.icc.empty());
  EXPECT_EQ(late.pixels_per_metre_x, 0);
  EXPECT_EQ(late.exif, camera_exif({}));
}

TEST(PngMetadata, ThatIsDamagedIsLeftOutAndNamed) {
  const std::vector<std::uint8_t> lines{0, 1, 2};
  const PngSpec spec{.width = 2, .height = 1};
  const std::vector<std::uint8_t> zeros(std::size_t{64} << 20U);
  std::vector<std::byte> bomb = to_bytes({'b', 0, 0});
  append(bomb, deflated(zeros));
  const std::vector<std::vector<std::byte>> contents{to_bytes({}),
                                                     to_bytes({'n'}),
                                                     to_bytes({'n', 0}),
                                                     to_bytes({'n', 0, 0}),
                                                     to_bytes({'n', 0, 1, 2, 3}),
                                                     to_bytes({'n', 0, 0, 0x78, 0x9C, 1}),
                                                     std::vector<std::byte>(100, std::byte{'n'}),
                                                     bomb};
  for (const std::vector<std::byte>& content : contents) {
    const Metadata got = read(make_png(spec, lines, png_chunk("iCCP", content)));
    EXPECT_TRUE(got.icc.empty());
    EXPECT_LE(got.icc.capacity(), kMostMetadataBytes);
    EXPECT_NE(got.left_out.find(&content == &contents.back() ? "too large" : "damaged"), std::string::npos);
  }
  for (const auto& density : {to_bytes({0, 0, 0, 9, 0, 0, 0, 7, 0}), to_bytes({0, 0, 0, 0, 0, 0, 0, 7, 1}),
                              to_bytes({0, 0, 0, 9, 0, 0, 0, 7})}) {
    EXPECT_TRUE(read(make_png(spec, lines, png_chunk("pHYs", density))).empty());
  }
  for (const char* name : {"iCCP", "pHYs", "eXIf"}) {
    std::vector<std::byte> wrong_sum = png_chunk(name, to_bytes({0, 0, 0, 9, 0, 0, 0, 7, 1}));
    wrong_sum.back() ^= std::byte{1};
    EXPECT_TRUE(read(make_png(spec, lines, wrong_sum)).empty());
  }
  const std::vector<std::byte> large(kMostMetadataBytes + 1);
  const Metadata got = read(make_png(spec, lines, png_chunk("eXIf", large)));
  EXPECT_TRUE(got.exif.empty());
  EXPECT_NE(got.left_out.find("EXIF"), std::string::npos);
}

TEST(PngMetadata, SaysWhenAResolutionIsNoneItCanState) {
  Metadata metadata;
  metadata.pixels_per_metre_x = metadata.pixels_per_metre_y = 0.2;
  const Written written = write("png", make_image(4, 4, CV_8UC1), &metadata);
  EXPECT_EQ(written.status.verdict, Verdict::ok);
  EXPECT_NE(written.status.detail.find("resolution"), std::string::npos);
  EXPECT_TRUE(read(written.file).empty());
}

TEST(JpegMetadata, PutsAProfileTogetherInItsOwnOrder) {
  const std::vector<std::byte> icc = icc_profile("RGB ", 300);
  const Bytes all(icc);
  std::vector<std::byte> segments;
  append(segments, icc_piece(3, 3, all.subspan(200)));
  append(segments, icc_piece(1, 3, all.first(100)));
  append(segments, segment(0xE2, "MPF\0", all.first(9)));  // another use of APP2
  append(segments, icc_piece(2, 3, all.subspan(100, 100)));
  EXPECT_EQ(read(jpeg_with(segments)).icc, icc);
}

TEST(JpegMetadata, LeavesAProfileInWrongPiecesOut) {
  const std::vector<std::byte> icc = icc_profile("RGB ", 300);
  const Bytes first = Bytes(icc).first(150);
  const Bytes second = Bytes(icc).subspan(150);
  const std::vector<std::vector<std::vector<std::byte>>> wrong{
      {icc_piece(1, 2, first)},
      {icc_piece(2, 2, second)},
      {icc_piece(1, 2, first), icc_piece(1, 2, second)},
      {icc_piece(1, 2, first), icc_piece(2, 3, second)},
      {icc_piece(0, 1, first)},
      {icc_piece(0, 0, first)},
      {icc_piece(2, 1, first)},
      {icc_piece(1, 2, first), icc_piece(2, 2, second), icc_piece(2, 2, second)},
      {segment(0xE2, kJpegIccPrefix, Bytes{})},
  };
  for (std::size_t i = 0; i < wrong.size(); ++i) {
    std::vector<std::byte> segments;
    for (const auto& piece : wrong[i]) append(segments, piece);
    const Metadata got = read(jpeg_with(segments));
    EXPECT_TRUE(got.icc.empty()) << i;
    EXPECT_NE(got.left_out.find("ICC"), std::string::npos) << i;
  }
}

TEST(JpegMetadata, LeavesAProfileOutThatIsTooLarge) {
  std::vector<std::byte> segments;
  const std::vector<std::byte> piece(kMostJpegIccPiece);
  for (int i = 1; i <= 70; ++i) append(segments, icc_piece(i, 70, piece));
  const Metadata got = read(jpeg_with(segments));
  EXPECT_TRUE(got.icc.empty());
  EXPECT_NE(got.left_out.find("too large"), std::string::npos);
}

TEST(JpegMetadata, TakesTheExifThatTheOrientationIsFrom) {
  const std::vector<std::byte> plain = make_jpeg(make_image(16, 16, CV_8UC3));
  const std::vector<std::byte> twice = with_orientation(with_orientation(plain, 3, true), 6, false);
  EXPECT_EQ(read(twice).exif, exif_block(6, false));
  // Fill bytes and strays before a marker, as libjpeg skips them.
  const std::vector<std::byte> filled =
      with_bytes_at(with_orientation(plain, 6, true), 2, to_bytes({0xFF, 0xFF, 0xFF}));
  EXPECT_EQ(read(filled).exif, exif_block(6, true));
  // What comes after the first scan's header is not looked at.
  EXPECT_TRUE(
      read(with_bytes_at(plain, plain.size() - 2, segment(0xE1, kJpegExifPrefix, exif_block(6, true)))).empty());
}

TEST(JpegMetadata, ReadsDensityInInchesAndCentimetresOnly) {
  std::vector<std::byte> file = make_jpeg(make_image(16, 16, CV_8UC3));
  constexpr std::size_t kUnit = 13;
  const std::vector<std::byte> density = to_bytes({1, 44, 0, 150});
  std::copy(density.begin(), density.end(), file.begin() + kUnit + 1);
  const std::array<std::pair<double, double>, 4> want{{{0, 0}, {300 / 0.0254, 150 / 0.0254}, {30000, 15000}, {0, 0}}};
  for (std::size_t unit = 0; unit < want.size(); ++unit) {
    file[kUnit] = static_cast<std::byte>(unit);
    EXPECT_DOUBLE_EQ(read(file).pixels_per_metre_x, want[unit].first);
    EXPECT_DOUBLE_EQ(read(file).pixels_per_metre_y, want[unit].second);
  }
}

TEST(JpegMetadata, StatesADensityInTheUnitThatFitsBest) {
  const auto said = [](double x, double y) {
    const JpegDensity density = jpeg_density(x, y);
    return std::array{density.unit, density.x, density.y};
  };
  EXPECT_EQ(said(300 / 0.0254, 600 / 0.0254), (std::array{1, 300, 600}));
  EXPECT_EQ(said(11811, 11811), (std::array{1, 300, 300}));  // what a PNG makes of 300
  EXPECT_EQ(said(2835, 2835), (std::array{1, 72, 72}));
  EXPECT_EQ(said(11800, 5900), (std::array{2, 118, 59}));
  EXPECT_EQ(said(6553500, 6553500), (std::array{2, 65535, 65535}));
  EXPECT_EQ(jpeg_density(1e9, 11811).unit, 0);
  EXPECT_EQ(jpeg_density(0.1, 0.1).unit, 0);
  EXPECT_EQ(jpeg_density(0, 0).unit, 0);
}

TEST(JpegMetadata, ThatItCannotHoldIsLeftOutAndNamed) {
  Metadata metadata;
  metadata.exif = camera_exif({});
  metadata.exif.resize(kMostJpegExif);
  const cv::Mat image = make_image(8, 8, CV_8UC1);
  Written written = write("jpg", image, &metadata);
  EXPECT_EQ(written.status.detail, "");
  EXPECT_EQ(read(written.file).exif, metadata.exif);
  metadata.exif.resize(kMostJpegExif + 1);
  metadata.pixels_per_metre_x = metadata.pixels_per_metre_y = 1e9;
  written = write("jpg", image, &metadata);
  EXPECT_EQ(written.status.verdict, Verdict::ok);
  EXPECT_NE(written.status.detail.find("64 KB"), std::string::npos);
  EXPECT_NE(written.status.detail.find("resolution"), std::string::npos);
  EXPECT_TRUE(read(written.file).empty());
}

TEST(JpegMetadata, IsSafeToReadFromEveryCut) {
  const Metadata metadata = everything(70000);
  const std::vector<std::byte> file = write("jpg", make_image(16, 16, CV_8UC3), &metadata).file;
  for (std::size_t size = 0; size < 400; ++size) {
    Metadata got;
    read_jpeg_metadata(Bytes(file).first(size), got);
    EXPECT_TRUE(got.icc.empty());
  }
}

}  // namespace
}  // namespace pixmill::pipeline
