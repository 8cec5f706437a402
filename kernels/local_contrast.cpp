#include "kernels/local_contrast.hpp"

#include "kernels/column_sums.hpp"

#include <algorithm>
#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/local_contrast.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/local_test-inl.hpp"
#include "kernels/window_statistics-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace pixmill::kernels::HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_SCALAR

void threshold_by_contrast(const cv::Mat& in, int window, const ContrastTest& test, std::span<std::byte> /*memory*/,
                           cv::Mat& out) {
  threshold_by_contrast_plain(in, window, test, out);
}

#else

using Bytes = hn::ScalableTag<std::uint8_t>;

// contrast_threshold() for a vector of windows. Never Highway's MulAdd: it rounds once where there is FMA, and twice
// elsewhere.
template <ContrastMethod Method>
class Threshold {
 public:
  explicit Threshold(const ContrastFactors& factors)
      : k_(hn::Set(Floats(), factors.k)),
        scale_(hn::Set(Floats(), factors.scale)),
        offset_(hn::Set(Floats(), factors.offset)),
        darkest_(hn::Set(Floats(), factors.darkest)) {}

  HWY_INLINE FloatVector operator()(FloatVector mean, FloatVector mean_of_squares) const {
    const FloatVector variance = variance_of(mean, mean_of_squares);
    if constexpr (Method == ContrastMethod::niblack) {
      return hn::Add(mean, hn::Mul(hn::Sqrt(variance), k_));
    } else if constexpr (Method == ContrastMethod::sauvola) {
      return hn::Mul(mean, hn::Add(hn::Mul(hn::Sqrt(variance), scale_), offset_));
    } else if constexpr (Method == ContrastMethod::wolf) {
      const FloatVector contrast = hn::Mul(hn::Mul(scale_, hn::Sqrt(variance)), hn::Sub(mean, darkest_));
      return hn::Sub(mean, hn::Add(hn::Mul(mean, k_), hn::Sub(offset_, hn::Mul(contrast, k_))));
    } else {
      return hn::Add(mean, hn::Mul(hn::Sqrt(hn::Add(variance, mean_of_squares)), k_));
    }
  }

 private:
  FloatVector k_;
  FloatVector scale_;
  FloatVector offset_;
  FloatVector darkest_;
};

// Where every fourth level, from byte K of each word on, is not above its threshold: bits in that byte.
template <int K>
HWY_INLINE WordVector not_above(WordVector levels, FloatVector thresholds) {
  // Bits of 1.5 x 2^23. Added to a float it leaves no room for a fraction, so that it rounds to the nearest (half to
  // even); put before a level it makes the same sum. Comparing these works for thresholds of any size, and is false for
  // NaN.
  const WordVector bias = hn::Set(Words(), 0x4B400000);
  const WordVector bytes = hn::And(hn::ShiftRight<8 * K>(levels), hn::Set(Words(), 255));
  const auto is = hn::Le(hn::BitCast(Floats(), hn::Or(bytes, bias)), hn::Add(thresholds, hn::BitCast(Floats(), bias)));
  return hn::IfThenElseZero(hn::RebindMask(Words(), is), hn::Set(Words(), 255U << (8 * K)));
}

template <class Windows, class ThresholdOf>
void test_row(const Windows& windows, const ThresholdOf& threshold, const ContrastTest& test,
              const std::uint8_t* levels, int width, std::uint8_t* out) {
  const Bytes d;
  const auto above = hn::Set(d, test.above);
  const auto below = hn::Set(d, test.below);
  auto row = windows.row();
  for_each_group(levels, width, static_cast<int>(hn::Lanes(d)), out,
                 [&](int x, const std::uint8_t* from, std::uint8_t* to) HWY_ATTR {
                   const auto bytes = hn::LoadU(d, from);
                   const WordVector words = hn::BitCast(Words(), bytes);
                   const StatisticsOfGroup of = row.next(x);
                   const WordVector low = hn::Or(not_above<0>(words, threshold(of.mean[0], of.mean_of_squares[0])),
                                                 not_above<1>(words, threshold(of.mean[1], of.mean_of_squares[1])));
                   const WordVector high = hn::Or(not_above<2>(words, threshold(of.mean[2], of.mean_of_squares[2])),
                                                  not_above<3>(words, threshold(of.mean[3], of.mean_of_squares[3])));
                   // Nor is a level of 0 ever above, however low the threshold.
                   const auto zero = hn::VecFromMask(d, hn::Eq(bytes, hn::Zero(d)));
                   const auto is_not = hn::Or(hn::BitCast(d, hn::Or(low, high)), zero);
                   hn::StoreU(hn::IfVecThenElse(is_not, below, above), d, to);
                 });
}

// The largest variance of the columns before `end`.
template <class Windows>
float largest_variance(const Windows& windows, int end) {
  const auto step = static_cast<int>(hn::Lanes(Bytes()));
  const hn::ScalableTag<std::int32_t> d;
  const auto columns = hn::ShiftLeft<2>(hn::Iota(d, 0));
  auto row = windows.row();
  FloatVector largest = hn::Set(Floats(), ContrastExtremes().variance);
  for (int x = 0; x < end; x += step) {
    const StatisticsOfGroup of = row.next(x);
    for (int k = 0; k < 4; ++k) {
      const FloatVector variance = variance_of(of.mean[k], of.mean_of_squares[k]);
      const auto is_inside = hn::RebindMask(Floats(), hn::Lt(columns, hn::Set(d, end - x - k)));
      largest = hn::IfThenElse(is_inside, hn::Max(largest, variance), largest);
    }
  }
  return hn::GetLane(hn::MaxOfLanes(Floats(), largest));
}

template <class Windows>
ContrastExtremes extremes_of(const cv::Mat& in, Windows& windows) {
  ContrastExtremes extremes;
  const int plain_from = single_precision_end(in.cols);
  for (int y = 0; y < in.rows; ++y) {
    windows.go_to(in, y);
    extremes.variance = std::max(extremes.variance, largest_variance(windows, plain_from));
    for (int x = plain_from; x < in.cols; ++x) {
      extremes.variance = std::max(extremes.variance, windows.statistics(x).variance());
    }
    for (int x = 0; x < in.cols; ++x) extremes.level = std::min(extremes.level, in.ptr(y)[x]);
  }
  return extremes;
}

template <class Windows, ContrastMethod Method>
void threshold_rows(const cv::Mat& in, const WindowShape& shape, const ContrastTest& test, Scratch scratch,
                    cv::Mat& out) {
  Windows windows(in.cols, shape, scratch);
  const ContrastExtremes extremes = Method == ContrastMethod::wolf ? extremes_of(in, windows) : ContrastExtremes{};
  const ContrastFactors factors = contrast_factors(test, extremes);
  const Threshold<Method> threshold(factors);
  const int plain_from = single_precision_end(in.cols);
  for (int y = 0; y < in.rows; ++y) {
    windows.go_to(in, y);
    test_row(windows, threshold, test, in.ptr(y), in.cols, out.ptr(y));
    for (int x = plain_from; x < in.cols; ++x) {
      const float plain = contrast_threshold(Method, factors, windows.statistics(x));
      out.ptr(y)[x] = is_above(in.ptr(y)[x], plain) ? test.above : test.below;
    }
  }
}

template <class Windows>
void threshold_windows(const cv::Mat& in, const WindowShape& shape, const ContrastTest& test, const Scratch& scratch,
                       cv::Mat& out) {
  switch (test.method) {
    case ContrastMethod::niblack:
      return threshold_rows<Windows, ContrastMethod::niblack>(in, shape, test, scratch, out);
    case ContrastMethod::sauvola:
      return threshold_rows<Windows, ContrastMethod::sauvola>(in, shape, test, scratch, out);
    case ContrastMethod::wolf:
      return threshold_rows<Windows, ContrastMethod::wolf>(in, shape, test, scratch, out);
    case ContrastMethod::nick:
      return threshold_rows<Windows, ContrastMethod::nick>(in, shape, test, scratch, out);
  }
}

void threshold_by_contrast(const cv::Mat& in, int window, const ContrastTest& test, std::span<std::byte> memory,
                           cv::Mat& out) {
  const WindowShape shape(in.size(), window);
  if (window <= kMaxNarrowWindow) {
    threshold_windows<NarrowWindows>(in, shape, test, Scratch(memory), out);
  } else {
    threshold_windows<WideWindows>(in, shape, test, Scratch(memory), out);
  }
}

#endif

}  // namespace
}  // namespace pixmill::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pixmill::kernels {

HWY_EXPORT(threshold_by_contrast);

ContrastFactors contrast_factors(const ContrastTest& test, const ContrastExtremes& extremes) {
  const auto k = static_cast<float>(test.k);
  if (test.method == ContrastMethod::wolf) {
    const float largest = extremes.variance < 0 ? extremes.variance : std::sqrt(extremes.variance);
    const float share = largest == 0 ? std::numeric_limits<float>::infinity() : static_cast<float>(1.0 / largest);
    return {k, share, static_cast<float>(-static_cast<double>(k) * extremes.level), static_cast<float>(extremes.level)};
  }
  return {k, static_cast<float>(k * (1.0 / test.r)), static_cast<float>(1.0 - k), 0};
}

float contrast_threshold(ContrastMethod method, const ContrastFactors& factors, const LocalStatistics& statistics) {
  const float mean = statistics.mean;
  if (method == ContrastMethod::nick) {
    return mean + factors.k * std::sqrt(statistics.variance() + statistics.mean_of_squares);
  }
  const float deviation = std::sqrt(statistics.variance());
  if (method == ContrastMethod::niblack) return mean + factors.k * deviation;
  if (method == ContrastMethod::sauvola) return mean * (factors.scale * deviation + factors.offset);
  const float contrast = factors.scale * deviation * (mean - factors.darkest);
  return mean - (factors.k * mean + (factors.offset - factors.k * contrast));
}

bool is_above(int level, float threshold) {
  return level > 0 && !(static_cast<float>(level) <= std::nearbyint(threshold));
}

std::size_t contrast_scratch_bytes(std::int64_t width, int window) {
  return (window <= kMaxNarrowWindow ? 2 : 3) * column_sums_bytes(width, window);
}

void threshold_by_contrast(const cv::Mat& in, int window, const ContrastTest& test, std::span<std::byte> scratch,
                           cv::Mat& out) {
  HWY_DYNAMIC_DISPATCH(threshold_by_contrast)(in, window, test, scratch, out);
}

void threshold_by_contrast_plain(const cv::Mat& in, int window, const ContrastTest& test, cv::Mat& out) {
  ContrastExtremes extremes;
  if (test.method == ContrastMethod::wolf) {
    for_each_window(in, window, [&](int y, int x, const LocalStatistics& statistics) {
      extremes.variance = std::max(extremes.variance, statistics.variance());
      extremes.level = std::min(extremes.level, in.ptr(y)[x]);
    });
  }
  const ContrastFactors factors = contrast_factors(test, extremes);
  for_each_window(in, window, [&](int y, int x, const LocalStatistics& statistics) {
    const float threshold = contrast_threshold(test.method, factors, statistics);
    out.ptr(y)[x] = is_above(in.ptr(y)[x], threshold) ? test.above : test.below;
  });
}

}  // namespace pixmill::kernels
#endif  // HWY_ONCE
