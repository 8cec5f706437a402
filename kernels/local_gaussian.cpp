#include "kernels/local_gaussian.hpp"

#include "kernels/scratch.hpp"

#include <hwy/cache_control.h>

#include <algorithm>
#include <cmath>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/local_gaussian.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/local_test-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace pixmill::kernels::HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_SCALAR

void threshold_by_gaussian(const cv::Mat& in, std::span<const float> weights_x, std::span<const float> weights_y,
                           const LocalTest& test, std::span<std::byte> /*memory*/, cv::Mat& out) {
  threshold_by_gaussian_plain(in, weights_x, weights_y, test, out);
}

#else

using Floats = hn::ScalableTag<float>;
using FloatVector = hn::Vec<Floats>;

// Four vectors of weighted sums at a time, so that a weight is loaded once for all and additions need not wait for one
// another.
struct Sums {
  FloatVector a;
  FloatVector b;
  FloatVector c;
  FloatVector d;
};

// Two vectors of words become four of floats. Within each block of 16 bytes the lower half goes to the first of a pair
// and the upper half to the second: round_to_bytes() packs them the same way.
template <class V16>
HWY_INLINE Sums to_floats(V16 first, V16 second) {
  const Floats d;
  const hn::ScalableTag<std::uint16_t> d16;
  const hn::ScalableTag<std::int32_t> d32;
  const V16 zero = hn::Zero(d16);
  const auto convert = [&](V16 words) HWY_ATTR { return hn::ConvertTo(d, hn::BitCast(d32, words)); };
  return {convert(hn::InterleaveLower(d16, first, zero)), convert(hn::InterleaveUpper(d16, first, zero)),
          convert(hn::InterleaveLower(d16, second, zero)), convert(hn::InterleaveUpper(d16, second, zero))};
}

HWY_INLINE void add_weighed(const Sums& values, float weight, Sums& sums) {
  const Floats d;
  const FloatVector w = hn::Set(d, weight);
  sums.a = hn::Add(sums.a, hn::Mul(values.a, w));
  sums.b = hn::Add(sums.b, hn::Mul(values.b, w));
  sums.c = hn::Add(sums.c, hn::Mul(values.c, w));
  sums.d = hn::Add(sums.d, hn::Mul(values.d, w));
}

// Weighted sums along columns for as many rows below one another. From one distance to the next, what lies above the
// rows moves down by one row and what lies below moves up, so that a step loads two vectors for all of them.
template <std::size_t Rows>
HWY_INLINE void weigh_columns(const float* const* window, std::size_t reach, const float* weights, std::size_t x,
                              FloatVector (&sums)[Rows]) {
  const Floats d;
  FloatVector above[Rows];
  FloatVector below[Rows];
  const FloatVector middle = hn::Set(d, weights[reach]);
  for (std::size_t row = 0; row < Rows; ++row) {
    above[row] = below[row] = hn::LoadU(d, window[reach + row] + x);
    sums[row] = hn::Mul(above[row], middle);
  }
  for (std::size_t i = 1; i <= reach; ++i) {
    for (std::size_t row = Rows - 1; row > 0; --row) above[row] = above[row - 1];
    for (std::size_t row = 0; row + 1 < Rows; ++row) below[row] = below[row + 1];
    above[0] = hn::LoadU(d, window[reach - i] + x);
    below[Rows - 1] = hn::LoadU(d, window[reach + Rows - 1 + i] + x);
    const FloatVector weight = hn::Set(d, weights[reach + i]);
    // Never Highway's MulAdd: it rounds once where there is FMA, and twice elsewhere.
    for (std::size_t row = 0; row < Rows; ++row) {
      sums[row] = hn::Add(sums[row], hn::Mul(hn::Add(above[row], below[row]), weight));
    }
  }
}

HWY_INLINE hn::Vec<hn::ScalableTag<std::uint8_t>> round_to_bytes(const Sums& sums) {
  const hn::ScalableTag<std::uint8_t> d8;
  const hn::ScalableTag<std::int16_t> d16;
  const hn::Half<decltype(d8)> half8;
  const auto words = [&](FloatVector low, FloatVector high)
                         HWY_ATTR { return hn::ReorderDemote2To(d16, hn::NearestInt(low), hn::NearestInt(high)); };
  return hn::Combine(d8, hn::DemoteTo(half8, words(sums.c, sums.d)), hn::DemoteTo(half8, words(sums.a, sums.b)));
}

// A strip of columns, narrow enough that its filtered rows stay in a near one.
class Strip {
 public:
  Strip(const cv::Mat& in, std::span<const float> weights_x, std::span<const float> weights_y, Scratch scratch)
      : in_(in),
        weights_x_(weights_x),
        weights_y_(weights_y),
        stride_(gaussian_ring_stride(weights_y.size())),
        line_(scratch.take<std::uint16_t>(stride_ + weights_x.size() + kGaussianSlack)),
        ring_(scratch.take<float>(stride_ * ring_rows())),
        window_(scratch.take<const float*>(ring_rows())),
        means_(scratch.take<std::uint8_t>(stride_ * kGaussianRows)) {}

  void run(int left, int width, const LocalTest& test, cv::Mat& out) {
    const int reach = static_cast<int>(weights_y_.size() / 2);
    int filtered = 0;
    for (int y = 0; y < in_.rows; y += kRows) {
      const int rows = std::min(kRows, in_.rows - y);
      for (; filtered <= std::min(y + kRows - 1 + reach, in_.rows - 1); ++filtered) filter_row(filtered, left, width);
      for (int dy = -reach; dy < kRows + reach; ++dy) {
        window_[dy + reach] = ring_row(std::clamp(y + dy, 0, in_.rows - 1));
      }
      mean_rows(width);
      for (int row = 0; row < rows; ++row) {
        test_row(in_.ptr(y + row) + left, row, width, test, out.ptr(y + row) + left);
      }
    }
  }

 private:
  [[nodiscard]] std::size_t ring_rows() const { return weights_y_.size() + kGaussianRows - 1; }
  float* ring_row(int y) { return ring_ + static_cast<std::size_t>(y) % ring_rows() * stride_; }

  // Rows are as far apart as no processor looks ahead by itself.
  void prefetch_row(int y, int left, int width) const {
    const std::uint8_t* row = in_.ptr(std::min(y, in_.rows - 1)) + left;
    for (int x = 0; x < width; x += 64) hwy::Prefetch(row + x);
  }

  void load_line(const std::uint8_t* row, int left, int width) {
    const hn::ScalableTag<std::uint16_t> d;
    const hn::Rebind<std::uint8_t, decltype(d)> d8;
    const int lanes = static_cast<int>(hn::Lanes(d));
    const int reach = static_cast<int>(weights_x_.size() / 2);
    const int begin = left - reach;
    const int end = left + width + reach;
    int x = begin;
    for (; x < std::min(0, end); ++x) line_[x - begin] = row[0];
    for (; x + lanes <= std::min(end, in_.cols); x += lanes) {
      hn::StoreU(hn::PromoteTo(d, hn::LoadU(d8, row + x)), d, line_ + (x - begin));
    }
    for (; x < end; ++x) line_[x - begin] = row[std::min(x, in_.cols - 1)];
  }

  // Sums of two pixels are whole numbers, and so the same in words as in floats.
  void filter_row(int y, int left, int width) {
    prefetch_row(y + kRows, left, width);
    load_line(in_.ptr(y), left, width);
    const Floats d;
    const hn::ScalableTag<std::uint16_t> d16;
    const std::size_t lanes = hn::Lanes(d);
    const std::size_t reach = weights_x_.size() / 2;
    const FloatVector middle_weight = hn::Set(d, weights_x_[reach]);
    float* to = ring_row(y);
    for (std::size_t x = 0; x < static_cast<std::size_t>(width); x += 4 * lanes) {
      const std::uint16_t* middle = line_ + x + reach;
      Sums sums = to_floats(hn::LoadU(d16, middle), hn::LoadU(d16, middle + 2 * lanes));
      sums = {hn::Mul(sums.a, middle_weight), hn::Mul(sums.b, middle_weight), hn::Mul(sums.c, middle_weight),
              hn::Mul(sums.d, middle_weight)};
      for (std::size_t i = 1; i <= reach; ++i) {
        const auto pairs = [&](std::size_t from) HWY_ATTR {
          return hn::Add(hn::LoadU(d16, middle + from - i), hn::LoadU(d16, middle + from + i));
        };
        add_weighed(to_floats(pairs(0), pairs(2 * lanes)), weights_x_[reach + i], sums);
      }
      hn::Store(sums.a, d, to + x);
      hn::Store(sums.b, d, to + x + lanes);
      hn::Store(sums.c, d, to + x + 2 * lanes);
      hn::Store(sums.d, d, to + x + 3 * lanes);
    }
  }

  void mean_rows(int width) {
    const Floats d;
    const hn::ScalableTag<std::uint8_t> d8;
    const std::size_t lanes = hn::Lanes(d);
    for (std::size_t x = 0; x < static_cast<std::size_t>(width); x += 4 * lanes) {
      FloatVector sums[4][kRows];
      for (std::size_t part = 0; part < 4; ++part) {
        weigh_columns(window_, weights_y_.size() / 2, weights_y_.data(), x + part * lanes, sums[part]);
      }
      for (std::size_t row = 0; row < kRows; ++row) {
        const Sums of_row{sums[0][row], sums[1][row], sums[2][row], sums[3][row]};
        hn::StoreU(round_to_bytes(of_row), d8, means_ + row * stride_ + x);
      }
    }
  }

  void test_row(const std::uint8_t* levels, int row, int width, const LocalTest& test, std::uint8_t* out) {
    const hn::ScalableTag<std::uint8_t> d8;
    const std::uint8_t* means = means_ + static_cast<std::size_t>(row) * stride_;
    for_each_group(levels, width, static_cast<int>(hn::Lanes(d8)), out,
                   [&](int x, const std::uint8_t* from, std::uint8_t* to) HWY_ATTR {
                     hn::StoreU(test_levels(d8, test, hn::LoadU(d8, from), hn::LoadU(d8, means + x)), d8, to);
                   });
  }

  static constexpr int kRows = static_cast<int>(kGaussianRows);

  const cv::Mat& in_;
  std::span<const float> weights_x_;
  std::span<const float> weights_y_;
  std::size_t stride_;
  std::uint16_t* line_;
  float* ring_;
  const float** window_;  // the rows that the windows of kRows rows take, borders repeated
  std::uint8_t* means_;
};

void threshold_by_gaussian(const cv::Mat& in, std::span<const float> weights_x, std::span<const float> weights_y,
                           const LocalTest& test, std::span<std::byte> memory, cv::Mat& out) {
  Strip strip(in, weights_x, weights_y, Scratch(memory));
  const int step = static_cast<int>(gaussian_strip_width(weights_y.size()));
  for (int left = 0; left < in.cols; left += step) strip.run(left, std::min(step, in.cols - left), test, out);
}

#endif

}  // namespace
}  // namespace pixmill::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pixmill::kernels {

HWY_EXPORT(threshold_by_gaussian);

std::size_t gaussian_scratch_bytes(std::size_t taps_x, std::size_t taps_y) {
  const std::size_t width = gaussian_ring_stride(taps_y);
  const std::size_t ring_rows = taps_y + kGaussianRows - 1;
  return Scratch::bytes_of<std::uint16_t>(width + taps_x + kGaussianSlack) +
         Scratch::bytes_of<float>(width * ring_rows) + Scratch::bytes_of<const float*>(ring_rows) +
         Scratch::bytes_of<std::uint8_t>(width * kGaussianRows);
}

void threshold_by_gaussian(const cv::Mat& in, std::span<const float> weights_x, std::span<const float> weights_y,
                           const LocalTest& test, std::span<std::byte> scratch, cv::Mat& out) {
  HWY_DYNAMIC_DISPATCH(threshold_by_gaussian)(in, weights_x, weights_y, test, scratch, out);
}

namespace {

// The weighted mean of values that `at` gives for distances from -reach to reach.
template <typename At>
float weighted_mean(std::span<const float> weights, At at) {
  const int reach = static_cast<int>(weights.size() / 2);
  float sum = at(0) * weights[static_cast<std::size_t>(reach)];
  for (int i = 1; i <= reach; ++i) {
    const float pair = (at(-i) + at(i)) * weights[static_cast<std::size_t>(reach) + static_cast<std::size_t>(i)];
    sum += pair;
  }
  return sum;
}

}  // namespace

void threshold_by_gaussian_plain(const cv::Mat& in, std::span<const float> weights_x, std::span<const float> weights_y,
                                 const LocalTest& test, cv::Mat& out) {
  cv::Mat rows(in.size(), CV_32FC1);
  for (int y = 0; y < in.rows; ++y) {
    for (int x = 0; x < in.cols; ++x) {
      rows.ptr<float>(y)[x] = weighted_mean(
          weights_x, [&](int dx) { return static_cast<float>(in.ptr(y)[std::clamp(x + dx, 0, in.cols - 1)]); });
    }
  }
  for (int y = 0; y < in.rows; ++y) {
    for (int x = 0; x < in.cols; ++x) {
      const float mean =
          weighted_mean(weights_y, [&](int dy) { return rows.ptr<float>(std::clamp(y + dy, 0, in.rows - 1))[x]; });
      out.ptr(y)[x] = test(in.ptr(y)[x], static_cast<int>(std::clamp(std::lrint(mean), 0L, 255L)));
    }
  }
}

}  // namespace pixmill::kernels
#endif  // HWY_ONCE
