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

/// Where chunks go in the output that lie before the image data: behind the signature and IHDR.
inline constexpr std::size_t kPngChunksStart = 33;
/// What goes before the data of a chunk (length and type), and after it (a checksum).
inline constexpr std::size_t kPngChunkPrefix = 8;
inline constexpr std::size_t kPngChunkSum = 4;
/// Where compressed data goes in the output if there is no chunk between: behind the first IDAT's length and type.
inline constexpr std::size_t kPngDataStart = kPngChunksStart + kPngChunkPrefix;
/// The most data in a chunk (PNG, 5.3: lengths are below 2^31).
inline constexpr std::size_t kMaxPngChunk = (std::size_t{1} << 31) - 1;

/// What wrap_png() adds to `data_bytes` of compressed data.
[[nodiscard]] std::size_t png_overhead(std::size_t data_bytes);

/// Makes a PNG file of `out`, which holds whole chunks from kPngChunksStart up to kPngChunkPrefix bytes before
/// `data_start`, and there `data_bytes` of zlib data: writes what comes before them, splits the data into IDAT chunks
/// of at most `max_chunk` bytes, and appends IEND. Throws std::bad_alloc.
void wrap_png(const PngHeader& header, std::size_t data_start, std::size_t data_bytes, std::size_t max_chunk,
              std::vector<std::byte>& out);

/// Puts length, type (four letters) and checksum around `length` bytes of data that lie at `at` + kPngChunkPrefix.
void frame_png_chunk(std::byte* at, const char* type, std::size_t length);

}  // namespace pixmill::pipeline
