// Mean and mean of squares of the windows along a row, compiled once for every instruction set; included after
// <hwy/highway.h>. Sums are exact; they are rounded once, to single precision, and once more when divided.
#if defined(PIXMILL_KERNELS_WINDOW_STATISTICS_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef PIXMILL_KERNELS_WINDOW_STATISTICS_INL_HPP_
#undef PIXMILL_KERNELS_WINDOW_STATISTICS_INL_HPP_
#else
#define PIXMILL_KERNELS_WINDOW_STATISTICS_INL_HPP_
#endif

#include "kernels/column_sums-inl.hpp"
#include "kernels/local_statistics.hpp"

#include <hwy/highway.h>

#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace pixmill::kernels::HWY_NAMESPACE {
namespace {

#if HWY_TARGET != HWY_SCALAR

using Floats = hn::ScalableTag<float>;
using FloatVector = hn::Vec<Floats>;

// Of as many windows as bytes fit in a vector: those of the pixels 0, 4, 8 ... from the first on, then those of 1, 5,
// 9 ..., and so on.
struct StatisticsOfGroup {
  FloatVector mean[4];
  FloatVector mean_of_squares[4];
};

HWY_INLINE FloatVector variance_of(FloatVector mean, FloatVector mean_of_squares) {
  return hn::Sub(mean_of_squares, hn::Mul(mean, mean));
}

// Of words below 2^31.
HWY_INLINE FloatVector to_float(WordVector words) {
  return hn::ConvertTo(Floats(), hn::BitCast(hn::ScalableTag<std::int32_t>(), words));
}
// high 2^bits + low, where either fits in the 24 bits of a float: rounded once.
HWY_INLINE FloatVector join(WordVector high, float power_of_two, WordVector low) {
  return hn::Add(hn::Mul(to_float(high), hn::Set(Floats(), power_of_two)), to_float(low));
}

// Windows whose sums fit in 31 bits.
class NarrowWindows {
 public:
  NarrowWindows(int width, const WindowShape& shape, Scratch& scratch)
      : width_(width),
        shape_(shape),
        levels_(width, shape.reach, shape.reach, scratch),
        squares_(width, shape.reach_x, shape.reach_y, scratch) {}

  // Rows are to be gone to one after the other, from 0 on.
  void go_to(const cv::Mat& in, int y) {
    levels_.go_to(in, y);
    squares_.go_to(in, y);
  }

  class Row {
   public:
    explicit Row(const NarrowWindows& windows)
        : share_(hn::Set(Floats(), static_cast<float>(1.0 / windows.shape_.count()))),
          share_of_squares_(hn::Set(Floats(), static_cast<float>(1.0 / windows.shape_.count_of_squares()))),
          levels_(windows.levels_),
          squares_(windows.squares_) {}
    // From column x on, which is the first after those of the last call.
    HWY_INLINE StatisticsOfGroup next(int x) {
      const Quarters sums = levels_.next(x, lane_sums_);
      const Quarters squares = squares_.next(x, lane_sums_);
      const auto mean = [&](WordVector sum) HWY_ATTR { return hn::Mul(to_float(sum), share_); };
      const auto mean_of_squares = [&](WordVector sum) HWY_ATTR { return hn::Mul(to_float(sum), share_of_squares_); };
      return {{mean(sums.a), mean(sums.b), mean(sums.c), mean(sums.d)},
              {mean_of_squares(squares.a), mean_of_squares(squares.b), mean_of_squares(squares.c),
               mean_of_squares(squares.d)}};
    }

   private:
    FloatVector share_;
    FloatVector share_of_squares_;
    LaneSums lane_sums_;
    WindowSums levels_;
    WindowSums squares_;
  };
  [[nodiscard]] Row row() const { return Row(*this); }

  // Of the window around column x, plainly.
  [[nodiscard]] LocalStatistics statistics(int x) const {
    return statistics_of(levels_.of_window(x), squares_.of_window(x), shape_, x, width_);
  }

 private:
  int width_;
  WindowShape shape_;
  ColumnSums<Levels> levels_;
  ColumnSums<Squares> squares_;
};

// Windows whose sums of levels fit in 32 bits; their sums of squares take 40.
class WideWindows {
 public:
  WideWindows(int width, const WindowShape& shape, Scratch& scratch)
      : width_(width),
        shape_(shape),
        levels_(width, shape.reach, shape.reach, scratch),
        low_(width, shape.reach_x, shape.reach_y, scratch),
        high_(width, shape.reach_x, shape.reach_y, scratch) {}

  void go_to(const cv::Mat& in, int y) {
    levels_.go_to(in, y);
    low_.go_to(in, y);
    high_.go_to(in, y);
  }

  class Row {
   public:
    explicit Row(const WideWindows& windows)
        : share_(hn::Set(Floats(), static_cast<float>(1.0 / windows.shape_.count()))),
          share_of_squares_(hn::Set(Floats(), static_cast<float>(1.0 / windows.shape_.count_of_squares()))),
          levels_(windows.levels_),
          low_(windows.low_),
          high_(windows.high_) {}
    HWY_INLINE StatisticsOfGroup next(int x) {
      const Quarters sums = levels_.next(x, lane_sums_);
      const Quarters low = low_.next(x, lane_sums_);
      const Quarters high = high_.next(x, lane_sums_);
      return {{mean(sums.a), mean(sums.b), mean(sums.c), mean(sums.d)},
              {mean_of_squares(high.a, low.a), mean_of_squares(high.b, low.b), mean_of_squares(high.c, low.c),
               mean_of_squares(high.d, low.d)}};
    }

   private:
    HWY_INLINE FloatVector mean(WordVector sum) const {
      const WordVector low_half = hn::And(sum, hn::Set(Words(), 0xFFFF));
      return hn::Mul(join(hn::ShiftRight<16>(sum), 65536.0F, low_half), share_);
    }
    // The sum is 256 high + low; its lowest 24 bits and the others are brought together.
    HWY_INLINE FloatVector mean_of_squares(WordVector high, WordVector low) const {
      const WordVector from_bit_8 = hn::Add(high, hn::ShiftRight<8>(low));
      const WordVector lowest =
          hn::Or(hn::ShiftLeft<8>(hn::And(from_bit_8, hn::Set(Words(), 0xFFFF))), hn::And(low, hn::Set(Words(), 255)));
      return hn::Mul(join(hn::ShiftRight<16>(from_bit_8), 16777216.0F, lowest), share_of_squares_);
    }

    FloatVector share_;
    FloatVector share_of_squares_;
    LaneSums lane_sums_;
    WindowSums levels_;
    WindowSums low_;
    WindowSums high_;
  };
  [[nodiscard]] Row row() const { return Row(*this); }

  [[nodiscard]] LocalStatistics statistics(int x) const {
    const std::uint64_t squares = std::uint64_t{high_.of_window(x)} * 256 + low_.of_window(x);
    return statistics_of(levels_.of_window(x), squares, shape_, x, width_);
  }

 private:
  int width_;
  WindowShape shape_;
  ColumnSums<Levels> levels_;
  ColumnSums<SquaresLow> low_;
  ColumnSums<SquaresHigh> high_;
};

#endif

}  // namespace
}  // namespace pixmill::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
