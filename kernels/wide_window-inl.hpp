// Comparing pixels with the means of wide windows, compiled once for every instruction set; included after
// <hwy/highway.h>. Along a row, a running sum of the columns that enter the window less those that leave it.
#if defined(PIXMILL_KERNELS_WIDE_WINDOW_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef PIXMILL_KERNELS_WIDE_WINDOW_INL_HPP_
#undef PIXMILL_KERNELS_WIDE_WINDOW_INL_HPP_
#else
#define PIXMILL_KERNELS_WIDE_WINDOW_INL_HPP_
#endif

#include "kernels/local_mean.hpp"
#include "kernels/local_test-inl.hpp"
#include "kernels/scratch.hpp"

#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <numeric>

HWY_BEFORE_NAMESPACE();
namespace pixmill::kernels::HWY_NAMESPACE {
namespace {

#if HWY_TARGET != HWY_SCALAR

inline const std::uint8_t* row_at(const cv::Mat& image, int y) { return image.ptr(std::clamp(y, 0, image.rows - 1)); }

using Words = hn::ScalableTag<std::uint32_t>;
using WordVector = hn::Vec<Words>;

// Sums of as many pixels above one another as the window has, with the ends repeated. Every fourth column is in the
// same array, as every fourth byte of a row is in the same place of a word: then neither reading a row, nor adding up
// four neighbours, nor packing four means moves anything from lane to lane.
class ColumnSums {
 public:
  ColumnSums(int width, int window, Scratch& scratch)
      : width_(width),
        reach_(window / 2),
        offset_((reach_ + 64) / 64 * 64),
        zeros_(scratch.take<std::uint8_t>(static_cast<std::size_t>(width))) {
    for (std::uint32_t*& quarter : quarters_) quarter = scratch.take<std::uint32_t>(mean_quarter(width, window));
  }

  // Of row 0's windows.
  void begin(const cv::Mat& in) {
    for (int dy = -reach_; dy <= reach_; ++dy) change(row_at(in, dy), zeros_);
    repeat_ends();
  }
  // Of row y's, after those of the row above.
  void slide(const cv::Mat& in, int y) {
    change(row_at(in, y + reach_), row_at(in, y - 1 - reach_));
    repeat_ends();
  }

  // The sum of column x, in [-reach - 1, width + reach]; those of x + 4, x + 8 ... follow it.
  [[nodiscard]] const std::uint32_t* at(int x) const {
    const int i = offset_ + x;
    return quarters_[static_cast<std::size_t>(i % 4)] + i / 4;
  }
  [[nodiscard]] std::uint32_t of_window(int x) const {
    std::uint32_t sum = 0;
    for (int k = 0; k < 4; ++k) {
      const std::uint32_t* from = at(x - reach_ + k);
      sum = std::accumulate(from, from + (2 * reach_ + 4 - k) / 4, sum);
    }
    return sum;
  }

 private:
  void change(const std::uint8_t* enters, const std::uint8_t* leaves) {
    const hn::ScalableTag<std::uint8_t> d8;
    const int lanes = static_cast<int>(hn::Lanes(d8));
    int x = 0;
    for (; x + lanes <= width_; x += lanes) change_group(enters + x, leaves + x, x);
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
      hn::Store(hn::Add(hn::Load(d, sums), hn::Sub(entering, leaving)), d, sums);
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
  int offset_;  // of column 0, so that its words begin a vector in each array
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

// Means in single precision, rounded, of four vectors of sums: those of the pixels 0, 4, 8 ..., of 1, 5, 9 ..., and so
// on.
class RoundedMeans {
 public:
  explicit RoundedMeans(int count) : share_(hn::Set(Floats(), static_cast<float>(1.0 / count))) {}

  HWY_INLINE hn::Vec<hn::ScalableTag<std::uint8_t>> operator()(WordVector a, WordVector b, WordVector c,
                                                               WordVector d) const {
    const WordVector low = hn::Add(biased(a), hn::ShiftLeft<8>(biased(b)));
    const WordVector high = hn::Add(hn::ShiftLeft<16>(biased(c)), hn::ShiftLeft<24>(biased(d)));
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

inline void test_row(const ColumnSums& columns, int window, const std::uint8_t* levels, int width, LocalTest test,
                     std::uint8_t* out) {
  const hn::ScalableTag<std::uint8_t> d8;
  const Words d;
  const LaneSums lane_sums;
  const RoundedMeans rounded_means(window * window);
  const int reach = window / 2;
  const std::array<const std::uint32_t*, 4> enters{columns.at(reach), columns.at(reach + 1), columns.at(reach + 2),
                                                   columns.at(reach + 3)};
  const std::array<const std::uint32_t*, 4> leaves{columns.at(-reach - 1), columns.at(-reach), columns.at(1 - reach),
                                                   columns.at(2 - reach)};
  WordVector sum = hn::Set(d, columns.of_window(-1));
  for_each_group(levels, width, static_cast<int>(hn::Lanes(d8)), out,
                 [&](int x, const std::uint8_t* from, std::uint8_t* to) HWY_ATTR {
                   const auto change = [&](std::size_t k) HWY_ATTR {
                     return hn::Sub(hn::LoadU(d, enters[k] + x / 4), hn::LoadU(d, leaves[k] + x / 4));
                   };
                   const WordVector change_1 = change(1);
                   const WordVector change_2 = change(2);
                   const WordVector change_3 = change(3);
                   const WordVector changes =
                       lane_sums(hn::Add(hn::Add(change(0), change_1), hn::Add(change_2, change_3)));
                   const WordVector sum_3 = hn::Add(sum, changes);
                   const WordVector sum_2 = hn::Sub(sum_3, change_3);
                   const WordVector sum_1 = hn::Sub(sum_2, change_2);
                   const auto means = rounded_means(hn::Sub(sum_1, change_1), sum_1, sum_2, sum_3);
                   sum = hn::Add(sum, lane_sums.last(changes));
                   hn::StoreU(test_levels(d8, test, hn::LoadU(d8, from), means), d8, to);
                 });
}

// The same from column `begin` on, with means rounded as OpenCV rounds them there.
inline void test_row_plainly(const ColumnSums& columns, int window, const std::uint8_t* levels, int begin, int width,
                             const LocalTest& test, std::uint8_t* out) {
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
  ColumnSums columns(width, window, scratch);
  // OpenCV's last columns are not in single precision; beyond 2^23 pixels none is.
  const bool exact = window * window > static_cast<int>(kMaxFloatCount);
  const int plain_from = exact ? 0 : width - width % 8;
  columns.begin(in);
  for (int y = 0; y < in.rows; ++y) {
    if (y > 0) columns.slide(in, y);
    if (!exact) test_row(columns, window, in.ptr(y), width, test, out.ptr(y));
    test_row_plainly(columns, window, in.ptr(y), plain_from, width, test, out.ptr(y));
  }
}

#endif

}  // namespace
}  // namespace pixmill::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
