// Files that are small and claim to be large, or take long to say little: each gets its verdict from the program,
// strictly and leniently, within the memory that stands beside it.

#include "tests/pipeline/codecs/jpeg_files.hpp"
#include "tests/pipeline/codecs/png_files.hpp"
#include "tests/pipeline/codecs/test_images.hpp"
#include "tests/pipeline/codecs/webp_files.hpp"
#include "tests/support/allocations.hpp"
#include "tests/support/bit_writer.hpp"

#include "pipeline/codecs/byte_order.hpp"
#include "pipeline/program.hpp"

#include <gtest/gtest.h>

#include <array>
#include <ostream>
#include <vector>

namespace pixmill::pipeline {
namespace {

using File = std::vector<std::byte>;

constexpr int kManyChunks = 100000;
constexpr std::uint64_t kManyZeros = std::uint64_t{1} << 30;

/// zlib data that inflates to `count` zeros: one literal, then matches of 258 bytes that take 13 bits each.
File deflated_zeros(std::uint64_t count) {
  tests::BitWriter bits;
  bits.put(0x0178, 16);  // zlib's header
  bits.put(1, 1);        // the last block,
  bits.put(1, 2);        // in deflate's fixed codes
  const auto put_zero = [&bits] { bits.put_code(0x30, 8); };
  put_zero();
  for (std::uint64_t i = 0; i < (count - 1) / 258; ++i) {
    bits.put_code(0xC5, 8);
    bits.put_code(0, 5);
  }
  for (std::uint64_t i = 0; i < (count - 1) % 258; ++i) put_zero();
  bits.put_code(0, 7);
  File data = bits.bytes();
  std::array<std::byte, 4> sum{};
  write_big32(sum.data(), static_cast<std::uint32_t>(count % 65521) << 16 | 1);
  append(data, sum);
  return data;
}

File repeated(Bytes part, int times) {
  File all;
  for (int i = 0; i < times; ++i) append(all, part);
  return all;
}

File joined(std::initializer_list<Bytes> parts) {
  File all;
  for (const Bytes part : parts) append(all, part);
  return all;
}

File zeros_png(std::uint32_t width, std::uint32_t height, int bit_depth, int colour_type) {
  const PngSpec spec{.width = width, .height = height, .bit_depth = bit_depth, .colour_type = colour_type};
  const std::uint64_t samples = colour_type == 2 ? 3 : 1;
  const std::uint64_t line = 1 + (samples * static_cast<std::uint64_t>(bit_depth) * width + 7) / 8;
  return joined({png_start(spec), png_chunk("IDAT", deflated_zeros(line * height)), png_chunk("IEND", {})});
}

/// A sound gray PNG with these whole chunks before its image data.
File png_with(Bytes chunks) {
  const PngSpec spec{.width = 30, .height = 20};
  return make_png(spec, pack_lines(spec, std::vector<std::uint16_t>(600, 77)), chunks);
}

/// A compressed chunk: a name, its end, method 0, data.
File compressed_chunk(std::string_view type) {
  return png_chunk(type, joined({to_bytes({'a', 0, 0}), deflated_zeros(kManyZeros)}));
}

File png_of_tiny_data() {
  const PngSpec spec{.width = 300, .height = 300};
  std::vector<std::uint16_t> samples(90000);
  std::uint32_t state = 1;
  for (std::uint16_t& sample : samples) {
    state = state * 1664525U + 1013904223U;
    sample = static_cast<std::uint16_t>(state >> 24);
  }
  return make_png(spec, pack_lines(spec, samples), {}, 1);
}

std::size_t find_marker(Bytes file, unsigned marker) {
  for (std::size_t at = 2; at + 4 <= file.size(); at += 2 + read_big16(file, at + 2)) {
    if (byte_at(file, at + 1) == marker) return at;
  }
  return 0;
}

File jpeg_of_size(unsigned width, unsigned height, const JpegKind& kind) {
  File file = make_jpeg(make_image(64, 64, CV_8UC3), kind);
  const std::size_t frame = find_marker(file, kind.progressive ? 0xC2 : 0xC0);
  std::array<std::byte, 4> sides{};
  write_big32(sides.data(), height << 16 | width);
  std::copy(sides.begin(), sides.end(), file.begin() + static_cast<std::ptrdiff_t>(frame) + 5);
  return file;
}

File jpeg_with(Bytes segments) { return with_bytes_at(make_jpeg(make_image(64, 64, CV_8UC3)), 2, segments); }

/// The file's own segment of that marker, many times before it.
File jpeg_repeating(unsigned marker, int times) {
  const File file = make_jpeg(make_image(64, 64, CV_8UC3));
  const std::size_t at = find_marker(file, marker);
  return jpeg_with(repeated(Bytes(file).subspan(at, 2 + read_big16(file, at + 2)), times));
}

/// Image data of a WebP whose header claims that size.
File webp_of_size(std::uint32_t side, bool lossless) {
  File file = make_webp(make_image(16, 16, CV_8UC3), {.lossless = lossless});
  const std::uint32_t sides = lossless ? (side - 1) | (side - 1) << 14 : side | side << 16;
  for (std::size_t i = 0; i < 4; ++i) file[(lossless ? 21U : 26U) + i] = static_cast<std::byte>(sides >> (8 * i));
  return file;
}

File webp_with(int flags, Bytes before, Bytes after) {
  const File picture = webp_picture(make_webp(make_image(30, 20, CV_8UC3)));
  const File image = (flags & 2) != 0 ? webp_frame(0, 0, 30, 20, picture) : picture;
  return webp_container(joined({webp_extended(flags, 30, 20), before, image, after}));
}

struct Bomb {
  const char* name;
  File (*make)();
  Verdict verdict;
  const char* detail;
  std::size_t memory_bytes;  ///< The most that may be taken for it, by all of the program.
};

void PrintTo(const Bomb& bomb, std::ostream* out) { *out << bomb.name; }

constexpr std::size_t kHeaderOnly = std::size_t{256} << 10;
/// What the program takes for any small image: compressor, tables, libraries' states.
constexpr std::size_t kSmallImage = std::size_t{12} << 20;

// One row a bomb.
const std::vector<Bomb> kBombs{
    {"PngOf65535Squared",
     [] {
       return joined({png_start({65535, 65535, 16, 6}), png_chunk("IDAT", deflated_zeros(100000))});
     },
     Verdict::too_large, "65535 x 65535", kHeaderOnly},
    {"PngOfZeros30000Squared", [] { return zeros_png(30000, 30000, 1, 0); }, Verdict::too_large, "900000000 pixels",
     kHeaderOnly},
    {"PngOfZerosWithinThePixels", [] { return zeros_png(16000, 16000, 8, 2); }, Verdict::too_large, "--max-memory",
     kHeaderOnly},
    {"InterlacedPngWithinThePixels",
     [] {
       return joined({png_start({13000, 13000, 8, 2, true}), png_chunk("IDAT", deflated_zeros(1000000))});
     },
     Verdict::too_large, "--max-memory", kHeaderOnly},
    {"PngWithTexts",
     [] {
       return png_with(repeated(png_chunk("tEXt", to_bytes({'a', 0, 'b'})), kManyChunks));
     },
     Verdict::ok, "", kSmallImage},
    {"PngWithEmptyData", [] { return png_with(repeated(png_chunk("IDAT", {}), kManyChunks)); }, Verdict::ok, "",
     kSmallImage},
    {"PngOfTinyData", png_of_tiny_data, Verdict::ok, "", kSmallImage},
    {"PngWithInflatingText", [] { return png_with(compressed_chunk("zTXt")); }, Verdict::ok, "", kSmallImage},
    {"PngWithInflatingProfile", [] { return png_with(compressed_chunk("iCCP")); }, Verdict::ok, "", kSmallImage},

    {"JpegOf65535Squared", [] { return jpeg_of_size(65535, 65535, {}); }, Verdict::too_large, "65500", kHeaderOnly},
    {"ProgressiveJpegWithinThePixels", [] { return jpeg_of_size(24000, 10000, {.progressive = true}); },
     Verdict::too_large, "--max-memory", kHeaderOnly},
    {"JpegOf2000Scans",
     [] { return make_jpeg(make_image(64, 64, CV_8UC3), {.progressive = true, .repeated_scans = 2000}); },
     Verdict::too_large, "200 scans", kHeaderOnly},
    {"JpegWithComments",
     [] {
       return jpeg_with(repeated(to_bytes({0xFF, 0xFE, 0, 3, 'a'}), kManyChunks));
     },
     Verdict::ok, "", kSmallImage},
    {"JpegWithTables", [] { return jpeg_repeating(0xC4, 20000); }, Verdict::ok, "", kSmallImage},
    {"JpegWithQuantisers", [] { return jpeg_repeating(0xDB, 20000); }, Verdict::ok, "", kSmallImage},
    {"JpegWithFillBytes", [] { return jpeg_with(File(1000000, std::byte{0xFF})); }, Verdict::ok, "", kSmallImage},

    {"WebpOfTheLargestCanvas",
     [] {
       return webp_container(joined({webp_extended(0, 1U << 24, 1U << 24), webp_chunk("VP8 ", {})}));
     },
     Verdict::too_large, "16777216 x 16777216", kHeaderOnly},
    {"WebpOf65535Squared",
     [] {
       return webp_container(joined({webp_extended(2, 65535, 65535), webp_chunk("ANMF", {})}));
     },
     Verdict::too_large, "65535 x 65535", kHeaderOnly},
    {"LosslessWebpOf16383Squared", [] { return webp_of_size(16383, true); }, Verdict::too_large, "--max-memory",
     kHeaderOnly},
    {"LossyWebpOf16383Squared", [] { return webp_of_size(16383, false); }, Verdict::too_large, "--max-memory",
     kHeaderOnly},
    {"WebpOfManyGroups", [] { return webp_of_many_groups(1024, 1024, 65536); }, Verdict::too_large, "--max-memory",
     kHeaderOnly},
    {"WebpWithUnknownChunks",
     [] { return webp_with(0, repeated(webp_chunk("abcd", {}), kManyChunks), webp_chunk("efgh", {})); }, Verdict::ok,
     "", kSmallImage},
    {"WebpOfManyFrames", [] { return webp_with(2, {}, repeated(webp_frame(0, 0, 30, 20, {}), kManyChunks)); },
     Verdict::ok, "", kSmallImage},
};

class Bombs : public ::testing::TestWithParam<Bomb> {};

TEST_P(Bombs, GetTheirVerdictWithinTheirMemory) {
  const Bomb& bomb = GetParam();
  const File file = bomb.make();
  for (const bool lenient : {false, true}) {
    Program::Options options;
    options.lenient = lenient;
    options.write = true;
    options.format = find_codec("png");
    const Program program(Plan::parse("gray,threshold=otsu"), options);
    WorkerMemory memory;
    const tests::Allocations allocations;
    const ProgramResult result = program.run(file, {true, false}, memory);
    const std::size_t most = tests::Allocations::most();
    EXPECT_EQ(result.verdict, bomb.verdict) << result.detail;
    EXPECT_NE(result.detail.find(bomb.detail), std::string::npos) << result.detail;
    EXPECT_LE(most, bomb.memory_bytes) << (lenient ? "leniently" : "strictly");
  }
}

INSTANTIATE_TEST_SUITE_P(All, Bombs, ::testing::ValuesIn(kBombs),
                         [](const ::testing::TestParamInfo<Bomb>& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace pixmill::pipeline
