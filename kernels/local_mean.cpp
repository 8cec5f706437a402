#include "kernels/local_mean.hpp"

#include "kernels/scratch.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/local_mean.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/local_test-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace pixmill::kernels::HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_SCALAR

void threshold_by_mean(const cv::Mat& in, int window, const LocalTest& test, std::span<std::byte> /*memory*/,
                       cv::Mat& out) {
  threshold_by_mean_plain(in, window, test, out);
}

#else

const std::uint8_t* row_at(const cv::Mat& image, int y) { return image.ptr(std::clamp(y, 0, image.rows - 1)); }

// Repeats the first and the last of `count` values that begin at `values[reach]`, `reach` times on either side.
template <typename T>
void repeat_ends(T* values, int reach, int count) {
  std::fill(values, values + reach, values[reach]);
  std::fill(values + reach + count, values + count + 2 * reach, values[reach + count - 1]);
}

// --- Windows up to 15: the sum of a window fits in 16 bits.

// sum / count, rounded: exact for all sums of `count` bytes (tested for each).
template <int Window, class V>
HWY_INLINE V mean_of_sums(hn::ScalableTag<std::uint16_t> d, V sums) {
  constexpr unsigned kCount = Window * Window;
  constexpr int kShift = std::bit_width(kCount) - 1;
  constexpr unsigned kReciprocal = ((65536U << kShift) + kCount - 1) / kCount;
  const V halved = hn::Add(sums, hn::Set(d, static_cast<std::uint16_t>(kCount / 2)));
  return hn::ShiftRight<kShift>(hn::MulHigh(halved, hn::Set(d, static_cast<std::uint16_t>(kReciprocal))));
}

template <int Window>
HWY_INLINE hn::Vec<hn::Half<hn::ScalableTag<std::uint8_t>>> mean_of_columns(const std::uint16_t* columns) {
  const hn::ScalableTag<std::uint16_t> d;
  auto sums = hn::LoadU(d, columns);
  for (int column = 1; column < Window; ++column) sums = hn::Add(sums, hn::LoadU(d, columns + column));
  const hn::Half<hn::ScalableTag<std::uint8_t>> half;
  const hn::ScalableTag<std::int16_t> is_signed;
  return hn::DemoteTo(half, hn::BitCast(is_signed, mean_of_sums<Window>(d, sums)));
}

void slide_columns(const std::uint8_t* enters, const std::uint8_t* leaves, int width, std::uint16_t* columns) {
  const hn::ScalableTag<std::uint16_t> d;
  const hn::Half<hn::ScalableTag<std::uint8_t>> half;
  const int lanes = static_cast<int>(hn::Lanes(d));
  int x = 0;
  for (; x + lanes <= width; x += lanes) {
    const auto change =
        hn::Sub(hn::PromoteTo(d, hn::LoadU(half, enters + x)), hn::PromoteTo(d, hn::LoadU(half, leaves + x)));
    hn::StoreU(hn::Add(hn::LoadU(d, columns + x), change), d, columns + x);
  }
  for (; x < width; ++x) columns[x] = static_cast<std::uint16_t>(columns[x] + enters[x] - leaves[x]);
}

template <int Window>
void small_window(const cv::Mat& in, const LocalTest& test, Scratch scratch, cv::Mat& out) {
  constexpr int kReach = Window / 2;
  const hn::ScalableTag<std::uint8_t> d;
  const hn::ScalableTag<std::uint16_t> d16;
  const int width = in.cols;
  auto* const columns = scratch.take<std::uint16_t>(std::size_t{kMeanSlack} + static_cast<std::size_t>(width) +
                                                    static_cast<std::size_t>(Window));
  for (int dy = -kReach; dy <= kReach; ++dy) {
    const std::uint8_t* row = row_at(in, dy);
    for (int x = 0; x < width; ++x) columns[kReach + x] = static_cast<std::uint16_t>(columns[kReach + x] + row[x]);
  }
  for (int y = 0; y < in.rows; ++y) {
    if (y > 0) slide_columns(row_at(in, y + kReach), row_at(in, y - 1 - kReach), width, columns + kReach);
    repeat_ends(columns, kReach, width);
    for_each_group(in.ptr(y), width, static_cast<int>(hn::Lanes(d)), out.ptr(y),
                   [&](int x, const std::uint8_t* levels, std::uint8_t* to) HWY_ATTR {
                     const auto mean = hn::Combine(d, mean_of_columns<Window>(columns + x + hn::Lanes(d16)),
                                                   mean_of_columns<Window>(columns + x));
                     hn::StoreU(test_levels(d, test, hn::LoadU(d, levels), mean), d, to);
                   });
  }
}

// --- Wider ones: the sums of all windows of a row are kept, and changed by what enters and what leaves.

// The sums of the windows of row 0.
void first_sums(const cv::Mat& in, int window, std::uint32_t* columns, std::uint32_t* sums) {
  const int reach = window / 2;
  const int width = in.cols;
  const auto add = [&](const std::uint8_t* row, int times) {
    for (int x = 0; x < width; ++x) columns[x] += row[x] * static_cast<std::uint32_t>(times);
  };
  add(in.ptr(0), reach + 1);
  for (int y = 1; y <= std::min(reach, in.rows - 1); ++y) add(in.ptr(y), 1);
  if (reach >= in.rows) add(in.ptr(in.rows - 1), reach - (in.rows - 1));
  const auto column = [&](int x) { return columns[std::clamp(x, 0, width - 1)]; };
  for (int x = -reach; x <= reach; ++x) sums[0] += column(x);
  for (int x = 1; x < width; ++x) sums[x] = sums[x - 1] + column(x + reach) - column(x - 1 - reach);
}

template <typename T>
void differences(const std::uint8_t* enters, const std::uint8_t* leaves, int width, T* changes) {
  const hn::ScalableTag<std::int16_t> d;
  const hn::Half<hn::ScalableTag<std::uint8_t>> half;
  int x = 0;
  if constexpr (sizeof(T) == sizeof(std::int16_t)) {
    for (const int lanes = static_cast<int>(hn::Lanes(d)); x + lanes <= width; x += lanes) {
      hn::StoreU(hn::Sub(hn::PromoteTo(d, hn::LoadU(half, enters + x)), hn::PromoteTo(d, hn::LoadU(half, leaves + x))),
                 d, changes + x);
    }
  }
  for (; x < width; ++x) changes[x] = static_cast<T>(enters[x] - leaves[x]);
}

// By how much the windows' sums change from one row to the next, for windows up to 127: in 16 bits, from sums of 2, 4,
// 8 … neighbours.
class NarrowChanges {
 public:
  NarrowChanges(int width, int window, Scratch& scratch) : width_(width), window_(window) {
    const auto length = std::size_t{kMeanSlack} + static_cast<std::size_t>(width) + static_cast<std::size_t>(window);
    for (int size = 1; size <= window; size *= 2) sums_[levels_++] = scratch.take<std::int16_t>(length);
    int offset = 0;
    for (int level = static_cast<int>(levels_) - 1; level >= 0; --level) {
      if ((window >> level & 1) == 0) continue;
      terms_[static_cast<std::size_t>(term_count_++)] = sums_[static_cast<std::size_t>(level)] + offset;
      offset += 1 << level;
    }
  }

  void update(const std::uint8_t* enters, const std::uint8_t* leaves) {
    const hn::ScalableTag<std::int16_t> d;
    const int lanes = static_cast<int>(hn::Lanes(d));
    const int reach = window_ / 2;
    differences(enters, leaves, width_, sums_[0] + reach);
    repeat_ends(sums_[0], reach, width_);
    for (std::size_t level = 1; level < static_cast<std::size_t>(levels_); ++level) {
      const std::int16_t* from = sums_[level - 1];
      const int distance = 1 << (level - 1);
      for (int x = 0; x < width_ + window_ - distance; x += lanes) {
        hn::Store(hn::Add(hn::Load(d, from + x), hn::LoadU(d, from + x + distance)), d, sums_[level] + x);
      }
    }
  }

  // The changes of the windows at x and on, for one vector of 16-bit values.
  template <class D32, class V32>
  HWY_INLINE void get(D32 d32, int x, V32& lower, V32& upper) const {
    const hn::ScalableTag<std::int16_t> d;
    const hn::Half<decltype(d)> half;
    auto change = hn::LoadU(d, terms_[0] + x);
    for (int term = 1; term < term_count_; ++term) {
      change = hn::Add(change, hn::LoadU(d, terms_[static_cast<std::size_t>(term)] + x));
    }
    lower = hn::PromoteTo(d32, hn::LowerHalf(half, change));
    upper = hn::PromoteTo(d32, hn::UpperHalf(half, change));
  }

 private:
  int width_;
  int window_;
  std::size_t levels_ = 0;
  int term_count_ = 0;
  std::array<std::int16_t*, 7> sums_{};
  std::array<const std::int16_t*, 7> terms_{};
};

// The same for any window, from running sums.
class WideChanges {
 public:
  WideChanges(int width, int window, Scratch& scratch)
      : width_(width),
        window_(window),
        changes_(scratch.take<std::int32_t>(static_cast<std::size_t>(width) + static_cast<std::size_t>(window))),
        running_(scratch.take<std::int32_t>(std::size_t{kMeanSlack} + static_cast<std::size_t>(width) +
                                            static_cast<std::size_t>(window))) {}

  void update(const std::uint8_t* enters, const std::uint8_t* leaves) {
    const int reach = window_ / 2;
    differences(enters, leaves, width_, changes_ + reach);
    repeat_ends(changes_, reach, width_);
    std::int32_t sum = 0;
    for (int x = 0; x < width_ + window_ - 1; ++x) running_[x + 1] = sum += changes_[x];
  }

  template <class D32, class V32>
  HWY_INLINE void get(D32 d32, int x, V32& lower, V32& upper) const {
    const int lanes = static_cast<int>(hn::Lanes(d32));
    const std::int32_t* end = running_ + window_;
    lower = hn::Sub(hn::LoadU(d32, end + x), hn::LoadU(d32, running_ + x));
    upper = hn::Sub(hn::LoadU(d32, end + x + lanes), hn::LoadU(d32, running_ + x + lanes));
  }

 private:
  int width_;
  int window_;
  std::int32_t* changes_;
  std::int32_t* running_;
};

// Brings the sums to the next row, and compares it with their means in single precision.
template <class Changes>
void next_row(const Changes& changes, std::uint32_t count, const std::uint8_t* levels, int width, const LocalTest& test,
              std::int32_t* sums, std::uint8_t* out) {
  const hn::ScalableTag<std::int32_t> d32;
  const hn::ScalableTag<std::int16_t> d16;
  const hn::ScalableTag<float> is_float;
  const hn::Half<decltype(d16)> half16;
  const hn::Half<hn::ScalableTag<std::uint8_t>> half8;
  const auto share = hn::Set(is_float, static_cast<float>(1.0 / count));
  const int lanes32 = static_cast<int>(hn::Lanes(d32));
  const auto mean_of = [&](auto sum) HWY_ATTR {
    return hn::DemoteTo(half16, hn::NearestInt(hn::Mul(hn::ConvertTo(is_float, sum), share)));
  };
  for_each_group(levels, width, 2 * lanes32, out, [&](int x, const std::uint8_t* from, std::uint8_t* to) HWY_ATTR {
    hn::Vec<decltype(d32)> lower;
    hn::Vec<decltype(d32)> upper;
    changes.get(d32, x, lower, upper);
    lower = hn::Add(lower, hn::Load(d32, sums + x));
    upper = hn::Add(upper, hn::Load(d32, sums + x + lanes32));
    hn::Store(lower, d32, sums + x);
    hn::Store(upper, d32, sums + x + lanes32);
    const auto mean = hn::DemoteTo(half8, hn::Combine(d16, mean_of(upper), mean_of(lower)));
    hn::StoreU(test_levels(half8, test, hn::LoadU(half8, from), mean), half8, to);
  });
}

template <class Changes>
void wide_window(const cv::Mat& in, int window, const LocalTest& test, Scratch scratch, cv::Mat& out) {
  const int width = in.cols;
  const int reach = window / 2;
  const auto count = static_cast<std::uint32_t>(window * window);
  auto* const columns = scratch.take<std::uint32_t>(static_cast<std::size_t>(width));
  auto* const sums = scratch.take<std::uint32_t>(std::size_t{kMeanSlack} + static_cast<std::size_t>(width));
  first_sums(in, window, columns, sums);
  Changes changes(width, window, scratch);
  // OpenCV's last columns are not in single precision; beyond 2^23 pixels none is.
  const int plain_from = count > kMaxFloatCount ? 0 : width - width % 8;
  for (int y = 0; y < in.rows; ++y) {
    if (y > 0) changes.update(row_at(in, y + reach), row_at(in, y - 1 - reach));
    const std::uint8_t* levels = in.ptr(y);
    std::uint8_t* to = out.ptr(y);
    next_row(changes, count, levels, width, test, reinterpret_cast<std::int32_t*>(sums), to);
    for (int x = plain_from; x < width; ++x) to[x] = test(levels[x], rounded_mean(sums[x], count, x, width));
  }
}

void threshold_by_mean(const cv::Mat& in, int window, const LocalTest& test, std::span<std::byte> memory,
                       cv::Mat& out) {
  const Scratch scratch(memory);
  switch (window) {
    case 3:
      small_window<3>(in, test, scratch, out);
      break;
    case 5:
      small_window<5>(in, test, scratch, out);
      break;
    case 7:
      small_window<7>(in, test, scratch, out);
      break;
    case 9:
      small_window<9>(in, test, scratch, out);
      break;
    case 11:
      small_window<11>(in, test, scratch, out);
      break;
    case 13:
      small_window<13>(in, test, scratch, out);
      break;
    case 15:
      small_window<15>(in, test, scratch, out);
      break;
    default:
      if (window < 128) {
        wide_window<NarrowChanges>(in, window, test, scratch, out);
      } else {
        wide_window<WideChanges>(in, window, test, scratch, out);
      }
  }
}

#endif

}  // namespace
}  // namespace pixmill::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pixmill::kernels {

HWY_EXPORT(threshold_by_mean);

std::size_t mean_scratch_bytes(std::int64_t width, int window) {
  const auto length = std::size_t{kMeanSlack} + static_cast<std::size_t>(width) + static_cast<std::size_t>(window);
  const std::size_t sums = 2 * Scratch::bytes_of<std::uint32_t>(length);
  const std::size_t narrow = 7 * Scratch::bytes_of<std::int16_t>(length);
  const std::size_t wide = 2 * Scratch::bytes_of<std::int32_t>(length);
  return sums + std::max(narrow, wide);
}

void threshold_by_mean(const cv::Mat& in, int window, const LocalTest& test, std::span<std::byte> scratch,
                       cv::Mat& out) {
  if (in.rows == 1 || in.cols == 1) {
    threshold_by_mean_plain(in, window, test, out);
  } else {
    HWY_DYNAMIC_DISPATCH(threshold_by_mean)(in, window, test, scratch, out);
  }
}

int rounded_mean(std::uint32_t sum, std::uint32_t count, int x, int width) {
  if (count <= kMaxShortCount || count > kMaxFloatCount || x >= width - width % 8) {
    return static_cast<int>((2 * std::uint64_t{sum} + count) / (2 * std::uint64_t{count}));
  }
  const float mean = static_cast<float>(static_cast<int>(sum)) * static_cast<float>(1.0 / count);
  return std::min(static_cast<int>(std::lrint(mean)), 255);
}

void threshold_by_mean_plain(const cv::Mat& in, int window, const LocalTest& test, cv::Mat& out) {
  // OpenCV takes a window of one row or column where the image has no more.
  const int reach_x = in.cols == 1 ? 0 : window / 2;
  const int reach_y = in.rows == 1 ? 0 : window / 2;
  const auto count = static_cast<std::uint32_t>((2 * reach_x + 1) * (2 * reach_y + 1));
  std::vector<std::uint32_t> columns(static_cast<std::size_t>(in.cols));
  const auto column = [&](int x) -> std::uint32_t& {
    return columns[static_cast<std::size_t>(std::clamp(x, 0, in.cols - 1))];
  };
  const auto level = [&](int y, int x) { return in.ptr(std::clamp(y, 0, in.rows - 1))[x]; };
  for (int y = 0; y < in.rows; ++y) {
    for (int x = 0; x < in.cols; ++x) {
      if (y == 0) {
        for (int dy = -reach_y; dy <= reach_y; ++dy) column(x) += level(dy, x);
      } else {
        column(x) += std::uint32_t{level(y + reach_y, x)} - level(y - 1 - reach_y, x);
      }
    }
    std::uint32_t sum = 0;
    for (int x = -reach_x; x <= reach_x; ++x) sum += column(x);
    for (int x = 0; x < in.cols; ++x) {
      if (x > 0) sum += column(x + reach_x) - column(x - 1 - reach_x);
      out.ptr(y)[x] = test(in.ptr(y)[x], rounded_mean(sum, count, x, in.cols));
    }
  }
}

}  // namespace pixmill::kernels
#endif  // HWY_ONCE
