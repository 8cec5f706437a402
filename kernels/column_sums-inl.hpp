// Sums of wide windows, compiled once for every instruction set; included after <hwy/highway.h>. Down the image, sums
// of the pixels of each column; along a row, a running sum of the columns that enter the window less those that leave
// it.
#if defined(PIXMILL_KERNELS_COLUMN_SUMS_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef PIXMILL_KERNELS_COLUMN_SUMS_INL_HPP_
#undef PIXMILL_KERNELS_COLUMN_SUMS_INL_HPP_
#else
#define PIXMILL_KERNELS_COLUMN_SUMS_INL_HPP_
#endif

#include "kernels/column_sums.hpp"
#include "kernels/scratch.hpp"

#include <hwy/cache_control.h>
#include <hwy/highway.h>
#include <opencv2/core/mat.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <numeric>

HWY_BEFORE_NAMESPACE();
namespace pixmill::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET != HWY_SCALAR

inline const std::uint8_t* row_at(const cv::Mat& image, int y) { return image.ptr(std::clamp(y, 0, image.rows - 1)); }

// The rows that come into a window and go out of it as it moves down by one.
struct Exchange {
  Exchange(const cv::Mat& in, int y, int reach) : enters(row_at(in, y + reach)), leaves(row_at(in, y - 1 - reach)) {}
  // Rows are as far apart as no processor looks ahead by itself.
  HWY_INLINE void prefetch(int x) const {
    hwy::Prefetch(enters + x);
    hwy::Prefetch(leaves + x);
  }
  const std::uint8_t* enters;
  const std::uint8_t* leaves;
};

using Words = hn::ScalableTag<std::uint32_t>;
using WordVector = hn::Vec<Words>;

// What is summed up of a pixel; values are levels, one in each word.
struct Levels {
  static HWY_INLINE WordVector of(WordVector levels) { return levels; }
};
struct Squares {
  static HWY_INLINE WordVector of(WordVector levels) {
    const hn::ScalableTag<std::uint16_t> d16;
    const auto halves = hn::BitCast(d16, levels);
    return hn::BitCast(Words(), hn::Mul(halves, halves));
  }
};
// The two bytes of the square: sums of either fit in 32 bits where those of squares do not.
struct SquaresLow {
  static HWY_INLINE WordVector of(WordVector levels) { return hn::And(Squares::of(levels), hn::Set(Words(), 255)); }
};
struct SquaresHigh {
  static HWY_INLINE WordVector of(WordVector levels) { return hn::ShiftRight<8>(Squares::of(levels)); }
};

// Sums of as many pixels above one another as the window has, with the ends repeated. Every fourth column is in the
// same array, as every fourth byte of a row is in the same place of a word: then neither reading a row, nor adding up
// four neighbours, nor packing four means moves anything from lane to lane.
template <class Term>
class ColumnSums {
 public:
  // Of windows of 2 reach + 1 pixels each way. Takes column_sums_bytes() of `scratch`.
  ColumnSums(int width, int reach_x, int reach_y, Scratch& scratch)
      : width_(width),
        reach_(reach_x),
        reach_y_(reach_y),
        offset_((reach_ + 64) / 64 * 64),
        quarter_(column_quarter(width, 2 * reach_x + 1)),
        zeros_(scratch.take<std::uint8_t>(static_cast<std::size_t>(width))) {
    for (std::uint32_t*& quarter : quarters_) quarter = scratch.take<std::uint32_t>(quarter_);
  }

  // To the windows of row y: 0, or the row after the last.
  void go_to(const cv::Mat& in, int y) {
    if (y == 0) {
      for (std::uint32_t* quarter : quarters_) std::fill_n(quarter, quarter_, 0U);
      const Exchange next(in, 1, reach_y_);
      for (int dy = -reach_y_; dy <= reach_y_; ++dy) change(row_at(in, dy), zeros_, next);
    } else {
      const Exchange now(in, y, reach_y_);
      change(now.enters, now.leaves, Exchange(in, y + 1, reach_y_));
    }
    repeat_ends();
  }

  // The sum of column x, in [-reach - 1, width + reach]; those of x + 4, x + 8 ... follow it.
  [[nodiscard]] const std::uint32_t* at(int x) const {
    const int i = offset_ + x;
    return quarters_[static_cast<std::size_t>(i % 4)] + i / 4;
  }
  [[nodiscard]] int reach() const { return reach_; }
  // Of the window around column x.
  [[nodiscard]] std::uint32_t of_window(int x) const {
    std::uint32_t sum = 0;
    for (int k = 0; k < 4; ++k) {
      const std::uint32_t* from = at(x - reach_ + k);
      sum = std::accumulate(from, from + (2 * reach_ + 4 - k) / 4, sum);
    }
    return sum;
  }

 private:
  void change(const std::uint8_t* enters, const std::uint8_t* leaves, const Exchange& next) {
    const hn::ScalableTag<std::uint8_t> d8;
    const int lanes = static_cast<int>(hn::Lanes(d8));
    int x = 0;
    for (; x + lanes <= width_; x += lanes) {
      next.prefetch(x);
      change_group(enters + x, leaves + x, x);
    }
    if (x == width_) return;
    std::uint8_t last_enters[HWY_MAX_BYTES] = {};
    std::uint8_t last_leaves[HWY_MAX_BYTES] = {};
    std::memcpy(last_enters, enters + x, static_cast<std::size_t>(width_ - x));
    std::memcpy(last_leaves, leaves + x, static_cast<std::size_t>(width_ - x));
    change_group(last_enters, last_leaves, x);
  }

  HWY_INLINE void change_group(const std::uint8_t* enters, const std::uint8_t* leaves, int x) {
    const hn::ScalableTag<std::uint8_t> d8;
    const Words d;
    const WordVector in = hn::BitCast(d, hn::LoadU(d8, enters));
    const WordVector out = hn::BitCast(d, hn::LoadU(d8, leaves));
    const WordVector byte = hn::Set(d, 255);
    const auto add = [&](std::uint32_t* quarter, WordVector entering, WordVector leaving) HWY_ATTR {
      std::uint32_t* sums = quarter + (offset_ + x) / 4;
      hn::Store(hn::Add(hn::Load(d, sums), hn::Sub(Term::of(entering), Term::of(leaving))), d, sums);
    };
    add(quarters_[0], hn::And(in, byte), hn::And(out, byte));
    add(quarters_[1], hn::And(hn::ShiftRight<8>(in), byte), hn::And(hn::ShiftRight<8>(out), byte));
    add(quarters_[2], hn::And(hn::ShiftRight<16>(in), byte), hn::And(hn::ShiftRight<16>(out), byte));
    add(quarters_[3], hn::ShiftRight<24>(in), hn::ShiftRight<24>(out));
  }

  void repeat_ends() {
    const auto fill = [this](int first, int last, std::uint32_t sum) {
      for (int x = first; x < std::min(first + 4, last); ++x) {
        std::uint32_t* from = quarters_[static_cast<std::size_t>((offset_ + x) % 4)] + (offset_ + x) / 4;
        std::fill(from, from + (last - x + 3) / 4, sum);
      }
    };
    fill(-reach_ - 1, 0, *at(0));
    fill(width_, width_ + reach_ + 1, *at(width_ - 1));
  }

  int width_;
  int reach_;
  int reach_y_;
  int offset_;  // of column 0, so that its words begin a vector in each array
  std::size_t quarter_;
  const std::uint8_t* zeros_;
  std::array<std::uint32_t*, 4> quarters_{};
};

// Running sums from the lowest lane of a vector to its highest.
class LaneSums {
 public:
  LaneSums()
      : last_(lanes_at([](std::size_t) { return kLanes - 1; })),
        one_block_back_(lanes_at([](std::size_t lane) { return lane < 4 ? 0 : lane / 4 * 4 - 1; })),
        two_blocks_back_(lanes_at([](std::size_t lane) { return lane < 8 ? 0 : lane / 4 * 4 - 5; })),
        beyond_one_block_(beyond(3)),
        beyond_two_blocks_(beyond(7)) {}

  // Within blocks of 16 bytes first, which these shifts do not leave, then from block to block.
  HWY_INLINE WordVector operator()(WordVector values) const {
    const Words d;
    values = hn::Add(values, hn::ShiftLeftLanes<1>(d, values));
    values = hn::Add(values, hn::ShiftLeftLanes<2>(d, values));
    if constexpr (kLanes >= 8) {
      values = hn::Add(values, hn::IfThenElseZero(beyond_one_block_, hn::TableLookupLanes(values, one_block_back_)));
    }
    if constexpr (kLanes >= 16) {
      values = hn::Add(values, hn::IfThenElseZero(beyond_two_blocks_, hn::TableLookupLanes(values, two_blocks_back_)));
    }
    return values;
  }
  // The highest lane's in all lanes.
  [[nodiscard]] HWY_INLINE WordVector last(WordVector values) const { return hn::TableLookupLanes(values, last_); }

 private:
  static constexpr std::size_t kLanes = hn::MaxLanes(Words());
  static_assert(kLanes >= 4 && kLanes <= 16);
  using Indices = decltype(hn::SetTableIndices(Words(), static_cast<const std::uint32_t*>(nullptr)));

  template <class Function>
  static Indices lanes_at(Function function) {
    alignas(64) std::uint32_t lanes[kLanes];
    for (std::size_t lane = 0; lane < kLanes; ++lane) lanes[lane] = static_cast<std::uint32_t>(function(lane));
    return hn::SetTableIndices(Words(), lanes);
  }
  static hn::Mask<Words> beyond(std::uint32_t lane) { return hn::Gt(hn::Iota(Words(), 0), hn::Set(Words(), lane)); }

  Indices last_;
  Indices one_block_back_;
  Indices two_blocks_back_;
  hn::Mask<Words> beyond_one_block_;
  hn::Mask<Words> beyond_two_blocks_;
};

// Sums of as many windows as bytes fit in a vector: those of the pixels 0, 4, 8 ... from the first on, then those of 1,
// 5, 9 ..., and so on.
struct Quarters {
  WordVector a;
  WordVector b;
  WordVector c;
  WordVector d;
};

// The sums of the windows along a row, group after group.
class WindowSums {
 public:
  template <class Term>
  explicit WindowSums(const ColumnSums<Term>& columns) : sum_(hn::Set(Words(), columns.of_window(-1))) {
    for (int k = 0; k < 4; ++k) {
      enters_[static_cast<std::size_t>(k)] = columns.at(columns.reach() + k);
      leaves_[static_cast<std::size_t>(k)] = columns.at(k - 1 - columns.reach());
    }
  }

  // From column x on, which is the first after those of the last call.
  HWY_INLINE Quarters next(int x, const LaneSums& lane_sums) {
    const WordVector change_1 = change(1, x);
    const WordVector change_2 = change(2, x);
    const WordVector change_3 = change(3, x);
    const WordVector changes = lane_sums(hn::Add(hn::Add(change(0, x), change_1), hn::Add(change_2, change_3)));
    const WordVector sum_3 = hn::Add(sum_, changes);
    const WordVector sum_2 = hn::Sub(sum_3, change_3);
    const WordVector sum_1 = hn::Sub(sum_2, change_2);
    sum_ = hn::Add(sum_, lane_sums.last(changes));
    return {hn::Sub(sum_1, change_1), sum_1, sum_2, sum_3};
  }

 private:
  [[nodiscard]] HWY_INLINE WordVector change(std::size_t k, int x) const {
    return hn::Sub(hn::LoadU(Words(), enters_[k] + x / 4), hn::LoadU(Words(), leaves_[k] + x / 4));
  }

  std::array<const std::uint32_t*, 4> enters_{};
  std::array<const std::uint32_t*, 4> leaves_{};
  WordVector sum_;  // of the window before the next group, in all lanes
};

#endif

}  // namespace
}  // namespace pixmill::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
