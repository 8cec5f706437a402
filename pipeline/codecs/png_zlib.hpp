#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace pixmill::pipeline {

/// Which repeats are named in the data; what is not is written byte by byte, each in as many bits as it is common.
enum class PngRepeats : unsigned char {
  wanted,        ///< Any: libdeflate does that best, and is not here.
  of_last_byte,  ///< Runs of one byte (zlib's Z_RLE).
  unwanted,      ///< None (zlib's Z_HUFFMAN_ONLY).
};

/// Writes a zlib stream by zlib, with no repeats or runs only. Of screens, dither and noise in bits it is up to a fifth
/// smaller than any of libdeflate's levels up to 9, which name short repeats at more than their bytes cost, and it is
/// several times as quick.
///
/// Returns its bytes; 0: `out` is too small for it. Takes kPngZlibBytes beside the two. Throws std::bad_alloc.
[[nodiscard]] std::size_t png_zlib_compress(PngRepeats repeats, std::span<const std::uint8_t> data,
                                            std::span<std::uint8_t> out);
inline constexpr std::size_t kPngZlibBytes = std::size_t{300} << 10;

}  // namespace pixmill::pipeline
