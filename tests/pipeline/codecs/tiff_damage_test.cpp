#include "tests/pipeline/codecs/test_images.hpp"
#include "tests/pipeline/codecs/tiff_files.hpp"

#include "pipeline/codecs/tiff_decoder.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <limits>
#include <vector>

/// Damaged files and bombs.
namespace pixmill::pipeline {
namespace {

std::vector<std::byte> first_bytes(const std::vector<std::byte>& file, std::size_t size) {
  return {file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size)};
}

/// libtiff writes pixels first and the directory last.
std::vector<std::byte> sample_tiff(int compression, std::uint32_t tile = 0) {
  TiffSpec spec{.width = 48, .height = 40, .bits = 8, .samples = 3, .photometric = 2};
  spec.compression = compression;
  spec.tile = tile;
  spec.rows_per_strip = 8;
  return make_tiff(spec, make_tiff_samples(spec));
}

/// A gray image whose directory comes first, then its one strip, as cameras and scanners write.
std::vector<std::byte> strip_last(std::uint32_t width, std::uint32_t height, int compression, Bytes strip) {
  const auto build = [&](std::uint64_t at) {
    TiffBuilder builder;
    builder.tag(256, 4, {width}).tag(257, 4, {height}).tag(258, 3, {8});
    builder.tag(259, 3, {static_cast<std::uint64_t>(compression)}).tag(262, 3, {1}).tag(273, 4, {at});
    return builder.tag(277, 3, {1}).tag(278, 4, {height}).tag(279, 4, {strip.size()}).file({});
  };
  std::vector<std::byte> file = build(build(0).size());
  file.insert(file.end(), strip.begin(), strip.end());
  return file;
}

/// The strip of a file that make_tiff made, which lies at byte 8.
std::vector<std::byte> strip_of(const TiffSpec& spec, const std::vector<std::uint64_t>& samples) {
  const std::vector<std::byte> file = make_tiff(spec, samples);
  const std::uint32_t directory = std::to_integer<std::uint32_t>(file[4]) |
                                  std::to_integer<std::uint32_t>(file[5]) << 8 |
                                  std::to_integer<std::uint32_t>(file[6]) << 16;
  return {file.begin() + 8, file.begin() + static_cast<std::ptrdiff_t>(directory)};
}

TEST(TiffDamage, CallsAFileCutAnywhereTruncated) {
  for (const int compression : {1, 5, 8, 32773}) {
    for (const std::uint32_t tile : {0U, 16U}) {
      const std::vector<std::byte> file = sample_tiff(compression, tile);
      const std::unique_ptr<Decoder> decoder = make_tiff_decoder();
      for (std::size_t size = 8; size < file.size(); size += 7) {
        for (const bool lenient : {false, true}) {
          const Decoded read = decode(*decoder, first_bytes(file, size), {.lenient = lenient});
          ASSERT_NE(read.status.verdict, Verdict::ok) << size;
          ASSERT_TRUE(lenient || read.status.verdict == Verdict::truncated) << size << ": " << read.status.detail;
        }
      }
    }
  }
}

TEST(TiffDamage, KeepsTheRowsBeforeACutWhenLenient) {
  for (const int compression : {1, 5, 8, 32773}) {
    TiffSpec spec{.width = 64, .height = 64};
    spec.compression = compression;
    const std::vector<std::uint64_t> samples = make_tiff_samples(spec);
    const std::vector<std::byte> strip = strip_of(spec, samples);
    const std::vector<std::byte> file = strip_last(64, 64, compression, strip);
    const cv::Mat whole = decode(file).frame;
    ASSERT_EQ(whole.rows, 64);
    const std::vector<std::byte> cut = first_bytes(file, file.size() - strip.size() / 2);
    const Decoded strict = decode(cut);
    EXPECT_EQ(strict.status.verdict, Verdict::truncated) << strict.status.detail;
    EXPECT_NE(strict.status.detail.find("strip 1 of 1"), std::string::npos) << strict.status.detail;
    const Decoded lenient = decode(cut, {.lenient = true});
    ASSERT_EQ(lenient.status.verdict, Verdict::repaired) << compression << lenient.status.detail;
    EXPECT_NE(lenient.status.detail.find("1 of 1 strips"), std::string::npos) << lenient.status.detail;
    EXPECT_TRUE(same_pixels(lenient.frame.rowRange(0, 20), whole.rowRange(0, 20))) << compression;
    EXPECT_EQ(cv::norm(lenient.frame.rowRange(50, 64), cv::NORM_INF), 0) << compression;
    EXPECT_EQ(lenient.observed_pixels, 64U * 64U);
    EXPECT_TRUE(lenient.observed_final);
  }
}

TEST(TiffDamage, KeepsTheOtherStripsAndTilesWhenLenient) {
  for (const std::uint32_t tile : {0U, 16U}) {
    std::vector<std::byte> file = sample_tiff(8, tile);
    const cv::Mat whole = decode(file).frame;
    for (std::size_t i = 8; i < 40; ++i) file[i] = std::byte{0xFF};  // the first block
    const Decoded strict = decode(file);
    EXPECT_EQ(strict.status.verdict, Verdict::corrupt);
    EXPECT_NE(strict.status.detail.find(tile == 0 ? "strip 1 of 5" : "tile 1 of 9"), std::string::npos)
        << strict.status.detail;
    const Decoded lenient = decode(file, {.lenient = true});
    ASSERT_EQ(lenient.status.verdict, Verdict::repaired) << lenient.status.detail;
    EXPECT_NE(lenient.status.detail.find(tile == 0 ? "1 of 5 strips" : "1 of 9 tiles"), std::string::npos)
        << lenient.status.detail;
    EXPECT_TRUE(same_pixels(lenient.frame.rowRange(16, 40), whole.rowRange(16, 40)));
    if (tile != 0) {
      EXPECT_TRUE(same_pixels(lenient.frame.colRange(16, 48), whole.colRange(16, 48)));
    }
    EXPECT_EQ(cv::norm(lenient.frame(cv::Rect(0, 0, 16, 8)), cv::NORM_INF), 0);
    EXPECT_EQ(lenient.observed_pixels, 48U * 40U);
    EXPECT_TRUE(lenient.observed_final);
  }
}

TEST(TiffDamage, SurvivesEveryFlippedBit) {
  const DecodeLimits limits{.max_pixels = 1 << 16, .max_memory = 256 << 20};
  for (const int compression : {1, 5, 7, 8, 32773, 50000}) {
    const std::vector<std::byte> file = sample_tiff(compression, 16);
    const std::unique_ptr<Decoder> decoder = make_tiff_decoder();
    for (std::size_t i = 4; i < file.size(); i += 3) {
      std::vector<std::byte> damaged = file;
      damaged[i] ^= static_cast<std::byte>(1 << i % 8);
      for (const bool lenient : {false, true}) {
        const Decoded read = decode(*decoder, damaged, {.lenient = lenient}, limits);
        ASSERT_TRUE(read.status.verdict == Verdict::ok || !read.status.detail.empty()) << i;
        if (read.status.usable()) {
          ASSERT_EQ(read.observed_pixels, read.frame.total()) << i;
        }
      }
    }
  }
}

TEST(TiffDamage, CallsFaxWithBadCodesCorruptAndKeepsItWhenLenient) {
  TiffSpec spec{.width = 200, .height = 40, .bits = 1, .photometric = 0, .compression = 3};
  std::vector<std::byte> file = make_tiff(spec, make_tiff_samples(spec));
  const cv::Mat whole = decode(file).frame;
  for (std::size_t i = 300; i < 303; ++i) file[i] = std::byte{0};
  EXPECT_EQ(decode(file).status.verdict, Verdict::corrupt);
  const Decoded lenient = decode(file, {.lenient = true});
  ASSERT_EQ(lenient.status.verdict, Verdict::repaired);
  EXPECT_TRUE(same_pixels(lenient.frame.rowRange(0, 5), whole.rowRange(0, 5)));
}

TEST(TiffDamage, CallsAPaletteThatIsTooShortCorrupt) {
  for (const std::size_t values : {std::size_t{10}, std::size_t{767}, std::size_t{768}}) {
    TiffBuilder builder;
    builder.tag(256, 4, {8}).tag(257, 4, {8}).tag(258, 3, {8}).tag(262, 3, {3}).tag(273, 4, {8}).tag(279, 4, {64});
    const std::vector<std::uint64_t> map(values, 5);
    const Decoded read = decode(builder.tag(320, 3, map).file(std::vector<std::byte>(64)));
    EXPECT_EQ(read.status.verdict, values == 768 ? Verdict::ok : Verdict::corrupt);
    if (values == 10) {
      EXPECT_EQ(read.status.detail, "its palette has 10 of 768 values");
    }
  }
}

TEST(TiffDamage, RepairsNothingOfWhichNoRowCouldBeDecoded) {
  for (const int compression : {32773, 32766, 32809}) {
    const std::uint64_t bits = compression == 32773 ? 8 : compression == 32766 ? 2 : 4;
    TiffBuilder builder;
    builder.tag(256, 4, {16}).tag(257, 4, {16}).tag(258, 3, {bits}).tag(262, 3, {1}).tag(273, 4, {8}).tag(279, 4, {1});
    builder.tag(259, 3, {static_cast<std::uint64_t>(compression)});
    const std::byte code = compression == 32773 ? std::byte{127} : std::byte{0};  // bytes should follow
    const Decoded read = decode(builder.file(std::vector<std::byte>(1, code)), {.lenient = true});
    EXPECT_EQ(read.status.verdict, Verdict::corrupt) << compression << read.status.detail;
  }
}

TEST(TiffDamage, KeepsRowsOfZerosOfPackBitsBeforeTheDamage) {
  // Runs of 16 zeros, which are white here, for 5 of 16 rows; then one that lacks its byte.
  std::vector<std::byte> data(11, std::byte{0});
  for (std::size_t i = 0; i < data.size(); i += 2) data[i] = std::byte{241};
  TiffBuilder builder;
  builder.tag(256, 4, {16}).tag(257, 4, {16}).tag(258, 3, {8}).tag(259, 3, {32773}).tag(262, 3, {0});
  builder.tag(273, 4, {8}).tag(279, 4, {data.size()});
  const Decoded read = decode(builder.file(data), {.lenient = true});
  ASSERT_EQ(read.status.verdict, Verdict::repaired) << read.status.detail;
  EXPECT_EQ(cv::countNonZero(read.frame.rowRange(0, 5) == 255), 5 * 16);
  EXPECT_EQ(cv::countNonZero(read.frame.rowRange(5, 16)), 0);
}

// From here on: bombs. Each is refused from its header, so without memory; "at once" is a matter of the decoder's
// reckoning, which the verdict shows.

CodecStatus header_of(const std::vector<std::byte>& file, ImageHeader* header = nullptr) {
  ImageHeader own;
  return make_tiff_decoder()->read_header(file, {}, header != nullptr ? *header : own);
}

TEST(TiffBombs, RefuseSidesAndPixels) {
  const std::vector<std::byte> data(100);
  EXPECT_EQ(header_of(gray_tiff(65535, 65535, 100).file(data)).verdict, Verdict::too_large);
  EXPECT_EQ(header_of(gray_tiff(4294967295, 1, 100).file(data)).verdict, Verdict::too_large);
  EXPECT_EQ(header_of(gray_tiff(70000, 10, 100).file(data)).verdict, Verdict::too_large);
  EXPECT_EQ(header_of(gray_tiff(0, 10, 100).file(data)).verdict, Verdict::corrupt);
}

TEST(TiffBombs, RefuseAMillionTags) {
  TiffBuilder classic = gray_tiff(4, 4, 16);
  for (int i = 0; i < 65000; ++i) classic.lie(40000 + i % 20000, 4, 0xFFFFFFFF, 8);
  EXPECT_EQ(header_of(classic.file(std::vector<std::byte>(16))).verdict, Verdict::ok);
  TiffBuilder big(false, true);
  big.tag(256, 4, {4}).tag(257, 4, {4});
  const std::vector<std::byte> data(20000000);
  const CodecStatus status = header_of(big.file(data, 1000000));
  EXPECT_EQ(status.verdict, Verdict::too_large);
  EXPECT_NE(status.detail.find("1000000 tags"), std::string::npos) << status.detail;
  EXPECT_EQ(header_of(big.file({}, std::numeric_limits<std::int64_t>::max())).verdict, Verdict::too_large);
}

TEST(TiffBombs, RefuseStripsThatAreAllTheSameBytes) {
  for (const int compression : {1, 5, 8}) {
    TiffBuilder builder;
    builder.tag(256, 4, {1000}).tag(257, 4, {60000}).tag(258, 3, {8}).tag(262, 3, {1}).tag(277, 3, {1});
    builder.tag(259, 3, {static_cast<std::uint64_t>(compression)}).tag(278, 4, {1});
    builder.tag(273, 4, std::vector<std::uint64_t>(60000, 8)).tag(279, 4, std::vector<std::uint64_t>(60000, 100000));
    const CodecStatus status = header_of(builder.file(std::vector<std::byte>(100000)));
    EXPECT_EQ(status.verdict, Verdict::too_large);
    EXPECT_NE(status.detail.find("overlap"), std::string::npos) << status.detail;
  }
}

TEST(TiffBombs, RefuseHugeTilesAndCounts) {
  const std::vector<std::byte> data(100);
  const auto tiled = [](std::uint64_t width, std::uint64_t height, int compression) {
    TiffBuilder builder;
    builder.tag(256, 4, {100}).tag(257, 4, {100}).tag(258, 3, {8}).tag(262, 3, {1}).tag(277, 3, {1});
    builder.tag(259, 3, {static_cast<std::uint64_t>(compression)}).tag(322, 4, {width}).tag(323, 4, {height});
    return builder.tag(324, 4, {8}).tag(325, 4, {100});
  };
  for (const int compression : {1, 5, 8, 7, 32773, 50000}) {
    EXPECT_EQ(header_of(tiled(std::uint64_t{1} << 31, std::uint64_t{1} << 31, compression).file(data)).verdict,
              Verdict::too_large);
  }
  for (const int compression : {7, 32773}) {  // the others are decoded row by row
    EXPECT_EQ(header_of(tiled(1 << 20, 1 << 20, compression).file(data)).verdict, Verdict::too_large);
  }
  EXPECT_EQ(header_of(tiled(0, 16, 1).file(data)).verdict, Verdict::corrupt);

  TiffBuilder counts(false, true);
  counts.tag(256, 4, {100}).tag(257, 4, {60000}).tag(258, 3, {8}).tag(262, 3, {1}).tag(278, 4, {1});
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  for (const std::uint64_t count : {kMost, kMost / 8, std::uint64_t{1} << 32}) {
    for (const std::uint64_t at : {std::uint64_t{16}, kMost, kMost - 8}) {
      TiffBuilder lying = counts;
      lying.lie(273, 16, count, at).lie(279, 16, count, at);
      EXPECT_FALSE(decode(lying.file(data)).status.usable());
    }
  }
}

TEST(TiffBombs, RefuseTilesThatAreOutOfProportion) {
  const std::vector<std::byte> data(100000);
  const auto tiled = [&](std::uint64_t width, std::uint64_t height, std::uint64_t tile_width, std::uint64_t tile_height,
                         int compression) {
    TiffBuilder builder;
    builder.tag(256, 4, {width}).tag(257, 4, {height}).tag(258, 3, {compression == 4 ? 1U : 8U}).tag(262, 3, {1});
    builder.tag(259, 3, {static_cast<std::uint64_t>(compression)}).tag(322, 4, {tile_width}).tag(323, 4, {tile_height});
    return header_of(builder.tag(324, 4, {8, 8}).tag(325, 4, {100, 100}).file(data)).verdict;
  };
  EXPECT_EQ(tiled(1, 65535, 1 << 21, 8, 8), Verdict::too_large);
  EXPECT_EQ(tiled(1, 65535, 1 << 22, 16, 4), Verdict::too_large);
  EXPECT_EQ(tiled(1, 65535, 1 << 22, 1, 4), Verdict::too_large);
  for (const int compression : {1, 8}) {
    EXPECT_EQ(tiled(16000, 16000, 1, 1, compression), Verdict::too_large);
    EXPECT_EQ(tiled(1024, 1024, 1, 1, compression), Verdict::too_large);
    // What writers do: tiles beyond a small or narrow picture, and the smallest that TIFF allows.
    EXPECT_EQ(tiled(100, 100, 4096, 4096, compression), Verdict::ok);
    EXPECT_EQ(tiled(10, 65535, 256, 256, compression), Verdict::ok);
    EXPECT_EQ(tiled(16000, 16000, 16, 16, compression), Verdict::ok);
    EXPECT_EQ(tiled(1, 65535, 16, 16, compression), Verdict::ok);
    EXPECT_EQ(tiled(200, 200, 1, 1, compression), Verdict::ok);
  }
}

TEST(TiffBombs, AllowStripsOfOneRow) {
  TiffBuilder builder;
  builder.tag(256, 4, {1}).tag(257, 4, {65535}).tag(258, 3, {8, 8, 8}).tag(259, 3, {8}).tag(262, 3, {2});
  builder.tag(273, 4, {8, 8}).tag(277, 3, {3}).tag(278, 4, {1}).tag(279, 4, {9, 9}).tag(284, 3, {2});
  EXPECT_EQ(header_of(builder.file(std::vector<std::byte>(64))).verdict, Verdict::ok);
}

TEST(TiffBombs, TakeNoMemoryForWhatIsNotThere) {
  // 100 bytes that claim 16384 x 16384 pixels: truncated, and nothing was reckoned or taken for them.
  ImageHeader header;
  const std::vector<std::byte> plain = gray_tiff(16384, 16384, 268435456).file(std::vector<std::byte>(100));
  ASSERT_EQ(header_of(plain, &header).verdict, Verdict::ok);
  EXPECT_LT(header.decoder_bytes, 2U << 20);
  const std::unique_ptr<Decoder> decoder = make_tiff_decoder();
  ASSERT_TRUE(decoder->read_header(plain, {}, header).usable());
  cv::Mat none;  // decode() may not even look at it
  EXPECT_EQ(decoder->decode({}, none, {}).verdict, Verdict::truncated);

  std::vector<std::byte> nowhere = gray_tiff(16384, 16384, 1).file({});
  TiffBuilder beyond;
  beyond.tag(256, 4, {16384}).tag(257, 4, {16384}).tag(258, 3, {8}).tag(273, 4, {1 << 30}).tag(279, 4, {1 << 28});
  EXPECT_EQ(header_of(beyond.file({})).verdict, Verdict::truncated);
}

TEST(TiffBombs, StopADeflateBombAtTheSizeOfItsStrip) {
  // 16 MiB of zeros in some 16 KiB, in a strip of 4 KiB of pixels.
  TiffSpec zeros{.width = 4096, .height = 4096, .compression = 8};
  const std::vector<std::byte> strip = strip_of(zeros, std::vector<std::uint64_t>(std::size_t{4096} * 4096, 0));
  ASSERT_LT(strip.size(), 100000U);
  ImageHeader header;
  const std::vector<std::byte> file = strip_last(64, 64, 8, strip);
  ASSERT_EQ(header_of(file, &header).verdict, Verdict::ok);
  EXPECT_LT(header.decoder_bytes, 4U << 20);
  const Decoded read = decode(file);
  EXPECT_EQ(read.status.verdict, Verdict::ok) << read.status.detail;  // more than a strip's pixels: readers stop there
  EXPECT_EQ(cv::norm(read.frame, cv::NORM_INF), 0);
}

TEST(TiffBombs, DoNotFollowDirectoriesInACircle) {
  std::vector<std::byte> file = gray_tiff(4, 4, 16).file(std::vector<std::byte>(16));
  // The next directory is this one.
  const std::size_t next = 24 + 2 + std::size_t{9} * 12;
  file[next] = std::byte{24};
  EXPECT_EQ(decode(file).status.verdict, Verdict::ok);
  TiffBuilder none;
  std::vector<std::byte> header_itself = none.file({});
  header_itself[4] = std::byte{0};
  EXPECT_EQ(decode(header_itself).status.verdict, Verdict::corrupt);
}

TEST(TiffBombs, RefuseJpegDataOfHundredsOfScans) {
  // A JPEG whose header is sound and whose scans never end; libjpeg must not even begin.
  TiffSpec spec{.width = 64, .height = 64, .compression = 7};
  std::vector<std::byte> strip = strip_of(spec, make_tiff_samples(spec));
  std::size_t frame = 0;
  std::size_t scan = 0;
  for (std::size_t i = 0; i + 1 < strip.size() && scan == 0; ++i) {
    if (strip[i] != std::byte{0xFF}) continue;
    if (strip[i + 1] == std::byte{0xC0}) frame = i;
    if (strip[i + 1] == std::byte{0xDA}) scan = i;
  }
  ASSERT_GT(scan, frame);
  strip[frame + 1] = std::byte{0xC2};  // progressive
  const std::vector<std::byte> one(strip.begin() + static_cast<std::ptrdiff_t>(scan), strip.end() - 2);
  strip.erase(strip.end() - 2, strip.end());  // the end of the image
  for (int i = 0; i < 150; ++i) strip.insert(strip.end(), one.begin(), one.end());
  const Decoded read = decode(strip_last(64, 64, 7, strip), {.lenient = true});
  EXPECT_EQ(read.status.verdict, Verdict::too_large);
  EXPECT_NE(read.status.detail.find("scans"), std::string::npos) << read.status.detail;
}

}  // namespace
}  // namespace pixmill::pipeline
