#include "kernels/local_mean.hpp"

#include "kernels/column_sums.hpp"
#include "kernels/scratch.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/local_mean.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/local_test-inl.hpp"
#include "kernels/wide_window-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace pixmill::kernels::HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_SCALAR

void threshold_by_mean(const cv::Mat& in, int window, const LocalTest& test, std::span<std::byte> /*memory*/,
                       cv::Mat& out) {
  threshold_by_mean_plain(in, window, test, out);
}

#else

// Repeats the first and the last of `count` values that begin at `values[reach]`, `reach` times on either side.
void repeat_ends(std::uint16_t* values, int reach, int count) {
  std::fill(values, values + reach, values[reach]);
  std::fill(values + reach + count, values + count + 2 * reach, values[reach + count - 1]);
}

// Windows up to 15, whose sums fit in 16 bits, are added up column by column.

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

void slide_columns(const Exchange& now, const Exchange& next, int width, std::uint16_t* columns) {
  const hn::ScalableTag<std::uint16_t> d;
  const hn::Half<hn::ScalableTag<std::uint8_t>> half;
  const int lanes = static_cast<int>(hn::Lanes(d));
  int x = 0;
  for (; x + lanes <= width; x += lanes) {
    next.prefetch(x);
    const auto change =
        hn::Sub(hn::PromoteTo(d, hn::LoadU(half, now.enters + x)), hn::PromoteTo(d, hn::LoadU(half, now.leaves + x)));
    hn::StoreU(hn::Add(hn::LoadU(d, columns + x), change), d, columns + x);
  }
  for (; x < width; ++x) columns[x] = static_cast<std::uint16_t>(columns[x] + now.enters[x] - now.leaves[x]);
}

template <int Window>
void small_window(const cv::Mat& in, const LocalTest& test, Scratch scratch, cv::Mat& out) {
  constexpr int kReach = Window / 2;
  const hn::ScalableTag<std::uint8_t> d;
  const hn::ScalableTag<std::uint16_t> d16;
  const int width = in.cols;
  auto* const columns = scratch.take<std::uint16_t>(std::size_t{kColumnSlack} + static_cast<std::size_t>(width) +
                                                    static_cast<std::size_t>(Window));
  for (int dy = -kReach; dy <= kReach; ++dy) {
    const std::uint8_t* row = row_at(in, dy);
    for (int x = 0; x < width; ++x) columns[kReach + x] = static_cast<std::uint16_t>(columns[kReach + x] + row[x]);
  }
  for (int y = 0; y < in.rows; ++y) {
    if (y > 0) slide_columns(Exchange(in, y, kReach), Exchange(in, y + 1, kReach), width, columns + kReach);
    repeat_ends(columns, kReach, width);
    for_each_group(in.ptr(y), width, static_cast<int>(hn::Lanes(d)), out.ptr(y),
                   [&](int x, const std::uint8_t* levels, std::uint8_t* to) HWY_ATTR {
                     const auto mean = hn::Combine(d, mean_of_columns<Window>(columns + x + hn::Lanes(d16)),
                                                   mean_of_columns<Window>(columns + x));
                     hn::StoreU(test_levels(d, test, hn::LoadU(d, levels), mean), d, to);
                   });
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
      wide_window(in, window, test, scratch, out);
  }
}

#endif

}  // namespace
}  // namespace pixmill::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pixmill::kernels {

HWY_EXPORT(threshold_by_mean);

std::size_t mean_scratch_bytes(std::int64_t width, int window) { return column_sums_bytes(width, window); }

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
