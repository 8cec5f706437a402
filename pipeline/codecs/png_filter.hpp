#pragma once

#include <cstddef>
#include <cstdint>

/// PNG's row filters, the writing side (PNG, 9.2), in plain loops that compilers turn into SIMD; integers only, so
/// every machine writes the same bytes.
namespace pixmill::pipeline {

enum class PngFilter : unsigned char { none = 0, sub = 1, up = 2, average = 3, paeth = 4 };

/// Filters one row of `bytes` bytes into `out` (as many, without the filter's own byte). `above` is the row before it,
/// or zeros. `pixel_bytes` is the distance to the pixel on the left.
void filter_row(PngFilter filter, const std::uint8_t* row, const std::uint8_t* above, std::size_t bytes,
                std::size_t pixel_bytes, std::uint8_t* out);

/// The sum of the filtered bytes taken as signed, without their signs: small where a row will compress well.
[[nodiscard]] std::uint64_t filter_cost(const std::uint8_t* filtered, std::size_t bytes);

}  // namespace pixmill::pipeline
