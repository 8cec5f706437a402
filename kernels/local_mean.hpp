#pragma once

#include "kernels/local_test.hpp"

#include <opencv2/core/mat.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

/// Comparing pixels with the mean of a square window around them, in time that does not depend on the window.
namespace pixmill::kernels {

/// The widest window: its sum still fits in 32 bits.
inline constexpr int kMaxMeanWindow = 4095;

/// OpenCV's ways of rounding a mean change beyond these numbers of pixels.
inline constexpr std::uint32_t kMaxShortCount = 256;
inline constexpr std::uint32_t kMaxFloatCount = 1U << 23;

/// Scratch memory that threshold_by_mean() needs, in bytes: a few rows.
[[nodiscard]] std::size_t mean_scratch_bytes(std::int64_t width, int window);

/// Compares every pixel of `in` (CV_8UC1) with the mean of `window` x `window` pixels around it, border pixels
/// repeated, rounded as cv::boxFilter rounds it. `out` has its size and type and does not overlap it. `window` is odd,
/// in [3, kMaxMeanWindow]; `scratch` is aligned to 64.
void threshold_by_mean(const cv::Mat& in, int window, const LocalTest& test, std::span<std::byte> scratch,
                       cv::Mat& out);
/// The same, plainly, for any image: the oracle of the above. Allocates.
void threshold_by_mean_plain(const cv::Mat& in, int window, const LocalTest& test, cv::Mat& out);

/// The mean of `count` pixels (odd) that sum up to `sum`, as OpenCV 4.6 rounds it in column `x` of `width`: up to 256
/// pixels and beyond 2^23 exactly; in between in single precision, but for the last width % 8 columns.
[[nodiscard]] int rounded_mean(std::uint32_t sum, std::uint32_t count, int x, int width);

}  // namespace pixmill::kernels
