#include "pipeline/codecs/png_inflater.hpp"

#include "tests/pipeline/codecs/png_files.hpp"
#include "tests/pipeline/codecs/test_images.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace pixmill::pipeline {
namespace {

PngSpec gray(std::uint32_t width, std::uint32_t height) { return {.width = width, .height = height}; }

/// Scan lines of it, with all of PNG's filters.
std::vector<std::uint8_t> lines_of(const PngSpec& spec) {
  std::vector<std::uint8_t> lines;
  std::uint32_t state = 5;
  for (std::uint32_t y = 0; y < spec.height; ++y) {
    lines.push_back(static_cast<std::uint8_t>(y % 5));
    for (std::uint32_t x = 0; x < spec.width; ++x) {
      state = state * 1664525U + 1013904223U;
      lines.push_back(static_cast<std::uint8_t>(state >> 28));
    }
  }
  return lines;
}

Bytes inflate(PngInflater& inflater, Bytes file, std::size_t bytes) {
  PngLayout layout;
  EXPECT_TRUE(read_png_layout(file, layout).usable());
  return inflater.run(file, layout, bytes);
}

TEST(PngInflater, GivesTheLinesOfOneChunkAndOfMany) {
  PngInflater inflater;
  for (const PngSpec& spec : {gray(99, 1), gray(399, 500), gray(2, 1)}) {
    const std::vector<std::uint8_t> lines = lines_of(spec);
    for (const std::size_t split : {0U, 1000U}) {
      const Bytes read = inflate(inflater, make_png(spec, lines, {}, split), lines.size());
      EXPECT_TRUE(std::ranges::equal(read, std::as_bytes(std::span(lines)))) << spec.width << " by " << split;
    }
    inflater.trim(0);
  }
}

TEST(PngInflater, LeavesToOthersWhatIsNotSound) {
  PngInflater inflater;
  const PngSpec spec = gray(99, 50);
  const std::vector<std::uint8_t> lines = lines_of(spec);
  const std::vector<std::byte> file = make_png(spec, lines);
  EXPECT_EQ(inflate(inflater, file, 5000).size(), 5000U);
  EXPECT_TRUE(inflate(inflater, file, 4999).empty());
  EXPECT_TRUE(inflate(inflater, file, 5001).empty());
  EXPECT_TRUE(inflate(inflater, file, PngInflater::kMostBytes).empty());  // nothing so small is so long
  std::vector<std::byte> wrong_sum = deflated(lines);
  wrong_sum.back() ^= std::byte{1};
  std::vector<std::byte> other = png_start(spec);
  append(other, png_chunk("IDAT", wrong_sum));
  append(other, png_chunk("IEND", {}));
  EXPECT_TRUE(inflate(inflater, other, 5000).empty());
}

/// Where libspng's memory alone may be taken, it inflates by itself. A stored block has up to 65535 bytes.
TEST(PngInflater, ChangesNoPixel) {
  for (const PngSpec& spec :
       {gray(1, 1), gray(65533, 1), gray(65534, 1), gray(65535, 1), gray(65534, 2), gray(43690, 3), gray(500, 700)}) {
    const std::vector<std::uint8_t> lines = lines_of(spec);
    const std::vector<std::byte> file = make_png(spec, lines, {}, lines.size() / 4);
    ImageHeader header;
    const std::unique_ptr<Decoder> decoder = find_codec("png")->make_decoder();
    ASSERT_TRUE(decoder->read_header(file, {}, header).usable());
    DecodeLimits tight;
    tight.max_memory = header.decoder_bytes - 1;
    const Decoded by_libspng = decode(file, {}, tight);
    ASSERT_EQ(by_libspng.status.verdict, Verdict::ok) << by_libspng.status.detail;
    EXPECT_LE(by_libspng.header.decoder_bytes + lines.size(), header.decoder_bytes);
    const Decoded inflated_before = decode(file);
    ASSERT_EQ(inflated_before.status.verdict, Verdict::ok) << inflated_before.status.detail;
    EXPECT_TRUE(same_pixels(inflated_before.frame, by_libspng.frame)) << spec.width << " x " << spec.height;
  }
}

TEST(PngInflater, IsNotForMoreThanItsMost) {
  ImageHeader header;
  const std::unique_ptr<Decoder> decoder = find_codec("png")->make_decoder();
  const auto side = std::uint32_t{8192};  // and 8193 bytes a line
  ASSERT_TRUE(decoder->read_header(make_png({.width = side, .height = side}, {0}), {}, header).usable());
  EXPECT_LT(header.decoder_bytes, 1U << 20);
  ASSERT_TRUE(decoder->read_header(make_png({.width = side, .height = side - 1}, {0}), {}, header).usable());
  EXPECT_GT(header.decoder_bytes, 63U << 20);
}

}  // namespace
}  // namespace pixmill::pipeline
