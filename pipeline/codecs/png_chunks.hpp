#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace pixmill::pipeline {

/// What IHDR says; compression, filter and interlace methods are 0.
struct PngHeader {
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  int bit_depth = 8;
  int colour_type = 0;
};

/// Where compressed data goes in the output, behind the signature, IHDR and the first IDAT's length and type.
inline constexpr std::size_t kPngDataStart = 41;
/// The most data in a chunk (PNG, 5.3: lengths are below 2^31).
inline constexpr std::size_t kMaxPngChunk = (std::size_t{1} << 31) - 1;

/// What wrap_png() adds to `data_bytes` of compressed data.
[[nodiscard]] std::size_t png_overhead(std::size_t data_bytes);

/// Makes a PNG file of `out`, which holds `data_bytes` of zlib data at kPngDataStart: writes what comes before, splits
/// the data into IDAT chunks of at most `max_chunk` bytes, and appends IEND. Throws std::bad_alloc.
void wrap_png(const PngHeader& header, std::size_t data_bytes, std::size_t max_chunk, std::vector<std::byte>& out);

}  // namespace pixmill::pipeline
