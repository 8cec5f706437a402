// Comparing pixels with the means of wide windows, compiled once for every instruction set; included after
// <hwy/highway.h>.
#if defined(PIXMILL_KERNELS_WIDE_WINDOW_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef PIXMILL_KERNELS_WIDE_WINDOW_INL_HPP_
#undef PIXMILL_KERNELS_WIDE_WINDOW_INL_HPP_
#else
#define PIXMILL_KERNELS_WIDE_WINDOW_INL_HPP_
#endif

#include "kernels/column_sums-inl.hpp"
#include "kernels/local_mean.hpp"
#include "kernels/local_test-inl.hpp"
#include "kernels/scratch.hpp"

#include <hwy/highway.h>

#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace pixmill::kernels::HWY_NAMESPACE {
namespace {

#if HWY_TARGET != HWY_SCALAR

// Means in single precision, rounded.
class RoundedMeans {
 public:
  explicit RoundedMeans(int count) : share_(hn::Set(Floats(), static_cast<float>(1.0 / count))) {}

  HWY_INLINE hn::Vec<hn::ScalableTag<std::uint8_t>> operator()(const Quarters& sums) const {
    const WordVector low = hn::Add(biased(sums.a), hn::ShiftLeft<8>(biased(sums.b)));
    const WordVector high = hn::Add(hn::ShiftLeft<16>(biased(sums.c)), hn::ShiftLeft<24>(biased(sums.d)));
    constexpr std::uint32_t kBiasOfFour = kBias + (kBias << 8) + (kBias << 16) + (kBias << 24);
    const WordVector means = hn::Sub(hn::Add(low, high), hn::Set(Words(), kBiasOfFour));
    return hn::BitCast(hn::ScalableTag<std::uint8_t>(), means);
  }

 private:
  using Floats = hn::ScalableTag<float>;
  // The bits of 1.5 x 2^23. Added to a small float it leaves no room for a fraction, so that it rounds to the nearest
  // (half to even), and the whole number stands in the lowest bits.
  static constexpr std::uint32_t kBias = 0x4B400000;

  HWY_INLINE WordVector biased(WordVector sums) const {
    const hn::ScalableTag<std::int32_t> is_signed;
    const auto bias = hn::BitCast(Floats(), hn::Set(Words(), kBias));
    const auto mean = hn::Mul(hn::ConvertTo(Floats(), hn::BitCast(is_signed, sums)), share_);
    return hn::BitCast(Words(), hn::Add(mean, bias));
  }

  hn::Vec<Floats> share_;
};

inline void test_row(const ColumnSums<Levels>& columns, int window, const std::uint8_t* levels, int width,
                     LocalTest test, std::uint8_t* out) {
  const hn::ScalableTag<std::uint8_t> d8;
  const LaneSums lane_sums;
  const RoundedMeans rounded_means(window * window);
  WindowSums sums(columns);
  for_each_group(levels, width, static_cast<int>(hn::Lanes(d8)), out,
                 [&](int x, const std::uint8_t* from, std::uint8_t* to) HWY_ATTR {
                   const auto means = rounded_means(sums.next(x, lane_sums));
                   hn::StoreU(test_levels(d8, test, hn::LoadU(d8, from), means), d8, to);
                 });
}

// The same from column `begin` on, with means rounded as OpenCV rounds them there.
inline void test_row_plainly(const ColumnSums<Levels>& columns, int window, const std::uint8_t* levels, int begin,
                             int width, const LocalTest& test, std::uint8_t* out) {
  if (begin >= width) return;
  const int reach = window / 2;
  const auto count = static_cast<std::uint32_t>(window * window);
  std::uint32_t sum = columns.of_window(begin - 1);
  for (int x = begin; x < width; ++x) {
    sum += *columns.at(x + reach) - *columns.at(x - 1 - reach);
    out[x] = test(levels[x], rounded_mean(sum, count, x, width));
  }
}

inline void wide_window(const cv::Mat& in, int window, const LocalTest& test, Scratch scratch, cv::Mat& out) {
  const int width = in.cols;
  ColumnSums<Levels> columns(width, window / 2, window / 2, scratch);
  // OpenCV's last columns are not in single precision; beyond 2^23 pixels none is.
  const bool exact = window * window > static_cast<int>(kMaxFloatCount);
  const int plain_from = exact ? 0 : width - width % 8;
  for (int y = 0; y < in.rows; ++y) {
    columns.go_to(in, y);
    if (!exact) test_row(columns, window, in.ptr(y), width, test, out.ptr(y));
    test_row_plainly(columns, window, in.ptr(y), plain_from, width, test, out.ptr(y));
  }
}

#endif

}  // namespace
}  // namespace pixmill::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
