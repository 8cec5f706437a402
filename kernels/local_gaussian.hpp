#pragma once

#include "kernels/local_test.hpp"

#include <opencv2/core/mat.hpp>

#include <cstddef>
#include <span>

/// Comparing pixels with the Gaussian mean of a square window around them.
namespace pixmill::kernels {

/// How many rows are worked on at a time, so that a filtered row is loaded once for all of them.
inline constexpr std::size_t kGaussianRows = 4;
/// How many columns are worked on at a time, so that as many filtered rows as the window has stay in a near cache.
[[nodiscard]] constexpr std::size_t gaussian_strip_width(std::size_t taps_y) {
  const std::size_t fitting = 24576 / taps_y / 64 * 64;
  return fitting < 64 ? 64 : fitting;
}
/// From one filtered row to the next, in floats: rows must not fall on the same lines of the cache.
[[nodiscard]] constexpr std::size_t gaussian_ring_stride(std::size_t taps_y) {
  return gaussian_strip_width(taps_y) + 16;
}
/// Vectors may reach beyond the last value of a row by as many values.
inline constexpr std::size_t kGaussianSlack = 64;

/// Scratch memory that threshold_by_gaussian() needs, in bytes; some 100 KiB, more only for windows beyond 192.
[[nodiscard]] std::size_t gaussian_scratch_bytes(std::size_t taps_x, std::size_t taps_y);

/// Compares every pixel of `in` (CV_8UC1) with the weighted mean around it, border pixels repeated, rounded to the
/// nearest (half to even). `weights_x` and `weights_y` are symmetric and of odd size; the mean is computed in single
/// precision, first along rows, then along columns, each from the middle outwards: the same bits on every machine.
/// `out` has the size and type of `in` and does not overlap it; `scratch` is aligned to 64.
void threshold_by_gaussian(const cv::Mat& in, std::span<const float> weights_x, std::span<const float> weights_y,
                           const LocalTest& test, std::span<std::byte> scratch, cv::Mat& out);
/// The same, plainly: the oracle of the above. Allocates a frame.
void threshold_by_gaussian_plain(const cv::Mat& in, std::span<const float> weights_x, std::span<const float> weights_y,
                                 const LocalTest& test, cv::Mat& out);

}  // namespace pixmill::kernels
