#pragma once

#include "kernels/scratch.hpp"

#include <cstddef>
#include <cstdint>

/// What sums over columns take of memory: they are kept for one row of windows, whatever the height of the image.
namespace pixmill::kernels {

/// Vectors may reach beyond the last value of a row by as many values.
inline constexpr int kColumnSlack = 128;

/// The length of an array for every fourth column, in values, with the ends repeated.
[[nodiscard]] constexpr std::size_t column_quarter(std::int64_t width, int window) {
  return (static_cast<std::size_t>(width) + static_cast<std::size_t>(window) + 2 * std::size_t{kColumnSlack}) / 4;
}
/// What one ColumnSums takes of its scratch, in bytes: a few rows.
[[nodiscard]] constexpr std::size_t column_sums_bytes(std::int64_t width, int window) {
  return 4 * Scratch::bytes_of<std::uint32_t>(column_quarter(width, window)) +
         Scratch::bytes_of<std::uint8_t>(static_cast<std::size_t>(width));
}

}  // namespace pixmill::kernels
