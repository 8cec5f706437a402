#include "kernels/fixed_blur.hpp"

#include "kernels/scratch.hpp"

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/fixed_blur.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#ifndef PIXMILL_KERNELS_FIXED_BLUR_ONCE
#define PIXMILL_KERNELS_FIXED_BLUR_ONCE
namespace pixmill::kernels {

/// What is weighed together: `rows[i][x]` times `weights[i]` for an even number of rows.
struct Window {
  const std::int16_t* const* rows;
  const std::int16_t* weights;
  std::size_t size;
};

/// Values that may be computed, and are overwritten, beyond the last.
inline constexpr std::size_t kBlurGroup = 128;

}  // namespace pixmill::kernels
#endif

// Levels and sums of 16 bits are kept as signed words, 32768 less: the processor multiplies and adds pairs of signed
// words in one instruction. A weighted sum is then less by 32768 times the sum of the weights.
HWY_BEFORE_NAMESPACE();
namespace pixmill::kernels::HWY_NAMESPACE {
namespace {

inline constexpr std::int32_t kWordOffset = 32768;
// 32768 times the 256 that the weights add up to, and a half of what is shifted away.
inline constexpr std::int32_t kByteOffset = (1 << 23) + (1 << 15);

#if HWY_TARGET == HWY_SCALAR

std::int32_t weigh(const Window& window, std::size_t x) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < window.size; ++i) {
    sum += static_cast<std::uint32_t>(static_cast<std::int32_t>(window.rows[i][x]) * window.weights[i]);
  }
  return static_cast<std::int32_t>(sum);
}

void filter_bytes(const Window& window, std::size_t count, std::int16_t* out) {
  for (std::size_t x = 0; x < count; ++x) out[x] = static_cast<std::int16_t>(weigh(window, x) - kWordOffset);
}

void filter_words(const Window& window, std::size_t count, std::int16_t* high, std::int16_t* low) {
  for (std::size_t x = 0; x < count; ++x) {
    const std::int32_t sum = weigh(window, x);
    high[x] = static_cast<std::int16_t>(sum >> 16);
    low[x] = static_cast<std::int16_t>((sum & 0xFFFF) - kWordOffset);
  }
}

void blur_bytes(const Window& window, std::size_t count, std::uint8_t* out) {
  for (std::size_t x = 0; x < count; ++x) out[x] = static_cast<std::uint8_t>((weigh(window, x) + kByteOffset) >> 16);
}

void blur_words(const Window& high, const Window& low, std::size_t count, std::uint16_t* out) {
  for (std::size_t x = 0; x < count; ++x) {
    const std::int32_t upper = weigh(high, x);
    const std::int32_t rest = (weigh(low, x) >> 16) + 65536 + (upper & 0xFFFF);
    out[x] = static_cast<std::uint16_t>((upper >> 16) + (rest >> 16) + kWordOffset);
  }
}

#else

namespace hn = hwy::HWY_NAMESPACE;
using SumTag = hn::ScalableTag<std::int32_t>;
using WordTag = hn::ScalableTag<std::int16_t>;
using SumVector = hn::Vec<SumTag>;

constexpr std::size_t kParts = 4;

/// Sums of four vectors of words. Within each block of 16 bytes the lower half is in `low` and the upper in `high`, as
/// they come from interleaving and as words() puts them together again.
struct Sums {
  SumVector low[kParts];
  SumVector high[kParts];
};

HWY_INLINE Sums weigh(const Window& window, std::size_t x) {
  const SumTag d32;
  const WordTag d16;
  const std::size_t lanes = hn::Lanes(d16);
  Sums sums;
  Sums rests;  // what processors without such an instruction add up apart
  for (std::size_t part = 0; part < kParts; ++part) {
    sums.low[part] = sums.high[part] = rests.low[part] = rests.high[part] = hn::Zero(d32);
  }
  for (std::size_t i = 0; i < window.size; i += 2) {
    std::int32_t pair = 0;
    std::memcpy(&pair, window.weights + i, sizeof(pair));
    const auto weights = hn::BitCast(d16, hn::Set(d32, pair));
    const std::int16_t* first = window.rows[i] + x;
    const std::int16_t* second = window.rows[i + 1] + x;
    for (std::size_t part = 0; part < kParts; ++part) {
      const auto a = hn::LoadU(d16, first + part * lanes);
      const auto b = hn::LoadU(d16, second + part * lanes);
      sums.low[part] =
          hn::ReorderWidenMulAccumulate(d32, hn::InterleaveLower(d16, a, b), weights, sums.low[part], rests.low[part]);
      sums.high[part] = hn::ReorderWidenMulAccumulate(d32, hn::InterleaveUpper(d16, a, b), weights, sums.high[part],
                                                      rests.high[part]);
    }
  }
  for (std::size_t part = 0; part < kParts; ++part) {
    sums.low[part] = hn::RearrangeToOddPlusEven(sums.low[part], rests.low[part]);
    sums.high[part] = hn::RearrangeToOddPlusEven(sums.high[part], rests.high[part]);
  }
  return sums;
}

HWY_INLINE hn::Vec<WordTag> words(SumVector low, SumVector high) { return hn::ReorderDemote2To(WordTag(), low, high); }

HWY_INLINE SumVector low_words(SumVector sums) { return hn::And(sums, hn::Set(SumTag(), 0xFFFF)); }

void filter_bytes(const Window& window, std::size_t count, std::int16_t* out) {
  const WordTag d16;
  const SumVector offset = hn::Set(SumTag(), kWordOffset);
  for (std::size_t x = 0; x < count; x += kParts * hn::Lanes(d16)) {
    const Sums sums = weigh(window, x);
    for (std::size_t part = 0; part < kParts; ++part) {
      hn::StoreU(words(hn::Sub(sums.low[part], offset), hn::Sub(sums.high[part], offset)), d16,
                 out + x + part * hn::Lanes(d16));
    }
  }
}

void filter_words(const Window& window, std::size_t count, std::int16_t* high, std::int16_t* low) {
  const WordTag d16;
  const SumVector offset = hn::Set(SumTag(), kWordOffset);
  for (std::size_t x = 0; x < count; x += kParts * hn::Lanes(d16)) {
    const Sums sums = weigh(window, x);
    for (std::size_t part = 0; part < kParts; ++part) {
      const std::size_t at = x + part * hn::Lanes(d16);
      hn::StoreU(words(hn::ShiftRight<16>(sums.low[part]), hn::ShiftRight<16>(sums.high[part])), d16, high + at);
      hn::StoreU(words(hn::Sub(low_words(sums.low[part]), offset), hn::Sub(low_words(sums.high[part]), offset)), d16,
                 low + at);
    }
  }
}

void blur_bytes(const Window& window, std::size_t count, std::uint8_t* out) {
  const WordTag d16;
  const hn::Rebind<std::uint8_t, WordTag> d8;
  const SumVector offset = hn::Set(SumTag(), kByteOffset);
  const auto rounded = [&](SumVector sums) HWY_ATTR { return hn::ShiftRight<16>(hn::Add(sums, offset)); };
  for (std::size_t x = 0; x < count; x += kParts * hn::Lanes(d16)) {
    const Sums sums = weigh(window, x);
    for (std::size_t part = 0; part < kParts; ++part) {
      const auto levels = words(rounded(sums.low[part]), rounded(sums.high[part]));
      hn::StoreU(hn::DemoteTo(d8, levels), d8, out + x + part * hn::Lanes(d16));
    }
  }
}

// The 48 bits of 65536 times the upper sums and once the lower, of which the upper 16 are wanted, rounded: what the
// lower 32 carry over is reckoned from their upper halves.
void blur_words(const Window& high, const Window& low, std::size_t count, std::uint16_t* out) {
  const SumTag d32;
  const WordTag d16;
  const hn::RebindToUnsigned<WordTag> du16;
  const SumVector offset = hn::Set(d32, 65536);
  const auto rounded = [&](SumVector upper, SumVector lower) HWY_ATTR {
    const SumVector rest = hn::Add(hn::Add(hn::ShiftRight<16>(lower), offset), low_words(upper));
    return hn::Add(hn::ShiftRight<16>(upper), hn::ShiftRight<16>(rest));
  };
  for (std::size_t x = 0; x < count; x += kParts * hn::Lanes(d16)) {
    const Sums upper = weigh(high, x);
    const Sums lower = weigh(low, x);
    for (std::size_t part = 0; part < kParts; ++part) {
      const auto levels = words(rounded(upper.low[part], lower.low[part]), rounded(upper.high[part], lower.high[part]));
      hn::StoreU(hn::Xor(hn::BitCast(du16, levels), hn::Set(du16, 0x8000)), du16, out + x + part * hn::Lanes(d16));
    }
  }
}

#endif

}  // namespace
}  // namespace pixmill::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pixmill::kernels {

HWY_EXPORT(filter_bytes);
HWY_EXPORT(filter_words);
HWY_EXPORT(blur_bytes);
HWY_EXPORT(blur_words);

namespace {

// The filtered rows of a strip should stay in a near cache.
constexpr std::size_t kRingBytes = std::size_t{1} << 19;
constexpr std::size_t kWidestStrip = 2048;

/// How the frame is cut into strips of columns, and what each needs.
struct Layout {
  std::size_t planes = 1;     ///< Filtered rows are kept in words: one a level at 8 bits, two at 16.
  std::size_t ring_rows = 0;  ///< No more than the frame has.
  std::size_t columns = 0;    ///< Pixels of a strip.
  std::size_t stride = 0;     ///< Levels of a strip, in whole groups.
  std::size_t line = 0;       ///< Levels of a row of the strip and what lies within reach.
  std::size_t mirrored = 0;   ///< Rows of the frame, and those within reach of them.
  std::size_t taps = 0;

  Layout(const FixedGaussian& gaussian, const FrameShape& shape) : taps(gaussian.offsets.size()) {
    const auto channels = static_cast<std::size_t>(shape.channels);
    const auto reach = static_cast<std::size_t>(gaussian.reach);
    planes = shape.depth == Depth::eight ? 1 : 2;
    ring_rows = std::min(2 * reach + 1, static_cast<std::size_t>(shape.height));
    const std::size_t levels = kRingBytes / (ring_rows * planes * sizeof(std::int16_t));
    columns = std::clamp(levels, kBlurGroup, kWidestStrip) / kBlurGroup * kBlurGroup / channels;
    columns = std::min(columns, static_cast<std::size_t>(shape.width));
    stride = (columns * channels + kBlurGroup - 1) / kBlurGroup * kBlurGroup;
    line = 2 * reach * channels + stride;
    mirrored = static_cast<std::size_t>(shape.height) + 2 * reach;
  }

  [[nodiscard]] std::size_t bytes() const {
    return Scratch::bytes_of<std::int16_t>(stride * ring_rows) * planes + Scratch::bytes_of<std::int16_t>(line) +
           Scratch::bytes_of<const std::int16_t*>(taps) * (1 + planes) + Scratch::bytes_of<int>(mirrored) +
           Scratch::bytes_of<std::uint16_t>(stride);
  }
};

template <typename T>
class FixedBlur {
 public:
  FixedBlur(const cv::Mat& in, const FixedGaussian& gaussian, std::span<std::byte> memory, cv::Mat& out)
      : in_(in), out_(out), gaussian_(gaussian), layout_(gaussian, shape_of(in)), channels_(in.channels()) {
    Scratch scratch(memory);
    for (std::size_t plane = 0; plane < layout_.planes; ++plane) {
      rings_[plane] = scratch.take<std::int16_t>(layout_.stride * layout_.ring_rows);
      windows_[plane] = scratch.take<const std::int16_t*>(layout_.taps);
    }
    line_ = scratch.take<std::int16_t>(layout_.line);
    line_window_ = scratch.take<const std::int16_t*>(layout_.taps);
    mirrored_ = scratch.take<int>(layout_.mirrored);
    result_ = scratch.take<std::uint16_t>(layout_.stride);
    for (std::size_t i = 0; i < layout_.taps; ++i) {
      line_window_[i] = line_ + (gaussian.offsets[i] + gaussian.reach) * channels_;
    }
    for (int y = -gaussian.reach; y < in.rows + gaussian.reach; ++y) {
      mirrored_[y + gaussian.reach] = cv::borderInterpolate(y, in.rows, cv::BORDER_REFLECT_101);
    }
  }

  void operator()() {
    const int step = static_cast<int>(layout_.columns);
    for (int left = 0; left < in_.cols; left += step) run_strip(left, std::min(step, in_.cols - left));
  }

 private:
  void run_strip(int left, int width) {
    const auto levels = static_cast<std::size_t>(width) * static_cast<std::size_t>(channels_);
    int filtered = 0;
    for (int y = 0; y < in_.rows; ++y) {
      for (; filtered <= std::min(y + gaussian_.reach, in_.rows - 1); ++filtered) filter_row(filtered, left, width);
      for (std::size_t plane = 0; plane < layout_.planes; ++plane) {
        for (std::size_t i = 0; i < layout_.taps; ++i) {
          windows_[plane][i] = ring_row(plane, mirrored_[y + gaussian_.offsets[i] + gaussian_.reach]);
        }
      }
      if constexpr (sizeof(T) == 1) {
        HWY_DYNAMIC_DISPATCH(blur_bytes)(window(windows_[0]), levels, reinterpret_cast<std::uint8_t*>(result_));
      } else {
        HWY_DYNAMIC_DISPATCH(blur_words)(window(windows_[0]), window(windows_[1]), levels, result_);
      }
      std::memcpy(out_.ptr<T>(y) + static_cast<std::ptrdiff_t>(left) * channels_, result_, levels * sizeof(T));
    }
  }

  void filter_row(int y, int left, int width) {
    load_line(in_.ptr<T>(y), left, width);
    const auto levels = static_cast<std::size_t>(width) * static_cast<std::size_t>(channels_);
    if constexpr (sizeof(T) == 1) {
      HWY_DYNAMIC_DISPATCH(filter_bytes)(window(line_window_), levels, ring_row(0, y));
    } else {
      HWY_DYNAMIC_DISPATCH(filter_words)(window(line_window_), levels, ring_row(0, y), ring_row(1, y));
    }
  }

  // The strip's part of a row and what lies within reach of it, mirrored at the ends.
  void load_line(const T* row, int left, int width) {
    constexpr int kOffset = sizeof(T) == 1 ? 0 : 32768;
    const int begin = left - gaussian_.reach;
    const int end = left + width + gaussian_.reach;
    const int inside_begin = std::max(begin, 0);
    const int inside_end = std::min(end, in_.cols);
    const auto mirror = [&](int from, int to) {
      for (int x = from; x < to; ++x) {
        const T* pixel = row + cv::borderInterpolate(x, in_.cols, cv::BORDER_REFLECT_101) * channels_;
        std::int16_t* at = line_ + (x - begin) * channels_;
        for (int channel = 0; channel < channels_; ++channel) {
          at[channel] = static_cast<std::int16_t>(pixel[channel] - kOffset);
        }
      }
    };
    mirror(begin, inside_begin);
    const T* from = row + static_cast<std::ptrdiff_t>(inside_begin) * channels_;
    std::int16_t* to = line_ + (inside_begin - begin) * channels_;
    const int levels = (inside_end - inside_begin) * channels_;
    for (int i = 0; i < levels; ++i) to[i] = static_cast<std::int16_t>(from[i] - kOffset);
    mirror(inside_end, end);
  }

  [[nodiscard]] std::int16_t* ring_row(std::size_t plane, int y) const {
    return rings_[plane] + static_cast<std::size_t>(y) % layout_.ring_rows * layout_.stride;
  }
  [[nodiscard]] Window window(const std::int16_t* const* rows) const {
    return {rows, gaussian_.weights.data(), layout_.taps};
  }

  const cv::Mat& in_;
  cv::Mat& out_;
  const FixedGaussian& gaussian_;
  Layout layout_;
  int channels_;
  std::int16_t* rings_[2] = {};           // the filtered rows; at 16 bits the upper and the lower half of each sum
  const std::int16_t** windows_[2] = {};  // for each weight, the row that it is of
  std::int16_t* line_ = nullptr;
  const std::int16_t** line_window_ = nullptr;  // for each weight, where in the line it begins
  int* mirrored_ = nullptr;                     // rows by their distance from -reach
  std::uint16_t* result_ = nullptr;
};

}  // namespace

FixedGaussian fixed_gaussian(double sigma, Depth depth) {
  const bool eight = depth == Depth::eight;
  FixedGaussian gaussian;
  gaussian.reach = (cvRound(sigma * (eight ? 3 : 4) * 2 + 1) | 1) / 2;
  const int bits = eight ? 8 : 16;
  const int window = 2 * gaussian.reach + 1;
  const cv::Mat exact = cv::getGaussianKernel(window, sigma, CV_64F);  // in software: the same everywhere
  std::vector<int> weights(static_cast<std::size_t>(window));
  double carried = 0;
  int sum = 0;
  for (int i = 0; i < gaussian.reach; ++i) {
    const double wanted = std::ldexp(exact.at<double>(i), bits) + carried;
    const int weight = cvRound(wanted);
    carried = wanted - weight;
    weights[static_cast<std::size_t>(i)] = weights[static_cast<std::size_t>(window - 1 - i)] = weight;
    sum += 2 * weight;
  }
  weights[static_cast<std::size_t>(gaussian.reach)] = (1 << bits) - sum;
  for (int i = 0; i < window; ++i) {
    const int weight = weights[static_cast<std::size_t>(i)];
    if (weight == 0) continue;
    gaussian.offsets.push_back(i - gaussian.reach);
    gaussian.weights.push_back(static_cast<std::int16_t>(weight));
  }
  if (gaussian.offsets.size() % 2 != 0) {
    gaussian.offsets.push_back(0);
    gaussian.weights.push_back(0);
  }
  return gaussian;
}

std::size_t fixed_blur_scratch_bytes(const FixedGaussian& gaussian, const FrameShape& shape) {
  return Layout(gaussian, shape).bytes();
}

void fixed_blur(const cv::Mat& in, const FixedGaussian& gaussian, std::span<std::byte> memory, cv::Mat& out) {
  if (depth_of(in) == Depth::eight) {
    FixedBlur<std::uint8_t>(in, gaussian, memory, out)();
  } else {
    FixedBlur<std::uint16_t>(in, gaussian, memory, out)();
  }
}

}  // namespace pixmill::kernels
#endif
