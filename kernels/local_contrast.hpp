#pragma once

#include "kernels/local_statistics.hpp"

#include <opencv2/core/mat.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

/// Comparing pixels with thresholds made of mean m and standard deviation s of a square window around them, in time
/// that does not depend on the window: the numbers of cv::ximgproc::niBlackThreshold.
namespace pixmill::kernels {

enum class ContrastMethod : unsigned char {
  niblack,  ///< m + k s
  sauvola,  ///< m (1 + k (s / r - 1))
  wolf,     ///< m - k (m - M - s (m - M) / R); M is the darkest level of the image, R the largest s
  nick,     ///< m + k sqrt(s^2 + q); q is the mean of the squares
};

/// A level above the threshold, rounded to the nearest (half to even) and held in [0, 255], becomes `above`, any other
/// `below`. Where rounding has made s^2 negative, the threshold of those that need s is 0.
struct ContrastTest {
  ContrastMethod method = ContrastMethod::niblack;
  double k = 0.2;
  double r = 128;  ///< Not 0.
  std::uint8_t above = 255;
  std::uint8_t below = 0;
};

/// What `wolf` needs to know of the whole image.
struct ContrastExtremes {
  float variance = -std::numeric_limits<float>::infinity();  ///< The largest.
  std::uint8_t level = 255;                                  ///< The smallest.
};

/// The constants of a threshold, as OpenCV rounds them.
struct ContrastFactors {
  float k;
  float scale;   ///< Of s: k / r, or 1 / R.
  float offset;  ///< 1 - k, or -k M.
  float darkest;
};
[[nodiscard]] ContrastFactors contrast_factors(const ContrastTest& test, const ContrastExtremes& extremes);

/// A window's threshold, in single precision, each operation rounded by itself. NaN stands for 0.
[[nodiscard]] float contrast_threshold(ContrastMethod method, const ContrastFactors& factors,
                                       const LocalStatistics& statistics);

/// Whether a level is above that threshold, rounded and held in [0, 255].
[[nodiscard]] bool is_above(int level, float threshold);

/// Scratch memory that threshold_by_contrast() needs, in bytes: a few rows.
[[nodiscard]] std::size_t contrast_scratch_bytes(std::int64_t width, int window);

/// Compares every pixel of `in` (CV_8UC1) with the threshold of the `window` x `window` pixels around it, border pixels
/// repeated. `out` has its size and type and does not overlap it. `window` is odd, in [3, 4095]; `scratch` is aligned
/// to 64. `wolf` goes over the image twice.
void threshold_by_contrast(const cv::Mat& in, int window, const ContrastTest& test, std::span<std::byte> scratch,
                           cv::Mat& out);
/// The same, plainly: the oracle of the above. Allocates some rows.
void threshold_by_contrast_plain(const cv::Mat& in, int window, const ContrastTest& test, cv::Mat& out);

}  // namespace pixmill::kernels
