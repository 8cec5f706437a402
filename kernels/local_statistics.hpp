#pragma once

#include <opencv2/core/mat.hpp>
#include <opencv2/core/types.hpp>

#include <cstdint>
#include <functional>

/// Mean and variance of the square windows of an image, as cv::boxFilter and cv::sqrBoxFilter give them: sums are
/// exact, and everything after them is in single precision.
namespace pixmill::kernels {

/// The widest window whose sum of squares fits in 31 bits. Beyond it OpenCV 4.6 overflows on bright images; we do not.
inline constexpr int kMaxNarrowWindow = 181;

/// The pixels that a window takes. cv::sqrBoxFilter, unlike cv::boxFilter, takes one row or column where the image has
/// no more: the mean of the squares is the same, but is rounded otherwise.
struct WindowShape {
  /// `window` is odd, in [3, 4095].
  WindowShape(const cv::Size& image, int window)
      : reach(window / 2), reach_x(image.width == 1 ? 0 : reach), reach_y(image.height == 1 ? 0 : reach) {}
  [[nodiscard]] int count() const { return (2 * reach + 1) * (2 * reach + 1); }
  [[nodiscard]] int count_of_squares() const { return (2 * reach_x + 1) * (2 * reach_y + 1); }

  int reach;    ///< Of the sum of levels, each way from the middle.
  int reach_x;  ///< Of the sum of squares.
  int reach_y;
};

/// Of one window. The variance is a difference of two rounded numbers: of a flat window it may be below 0.
struct LocalStatistics {
  float mean;
  float mean_of_squares;
  [[nodiscard]] float variance() const { return mean_of_squares - mean * mean; }
};

/// The columns before this one have means that OpenCV computes in single precision; it computes those of the last few
/// in double precision and rounds them after that.
[[nodiscard]] constexpr int single_precision_end(int width) { return width - width % 4; }

/// Of a window whose middle is in column `x` of `width`.
[[nodiscard]] LocalStatistics statistics_of(std::uint64_t sum, std::uint64_t sum_of_squares, const WindowShape& shape,
                                            int x, int width);

/// Calls `visit(y, x, statistics)` for the window around every pixel of `in` (CV_8UC1), border pixels repeated, row by
/// row. Plain, in time that does not depend on the window; allocates 12 bytes a column.
void for_each_window(const cv::Mat& in, int window,
                     const std::function<void(int y, int x, const LocalStatistics& statistics)>& visit);

}  // namespace pixmill::kernels
