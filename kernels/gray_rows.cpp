#include "kernels/gray_rows.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/gray_rows.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace pixmill::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_SCALAR

void gray_row(GrayWeights weights, Depth depth, int channels, const void* in, int width, void* out) {
  gray_row_plain(weights, depth, channels, in, width, out);
}

#else

// Applies `function`, made for elements of twice the size, to the halves of three vectors.
template <class D, class V, class Function>
HWY_INLINE V by_halves(D d, V blue, V green, V red, Function function) {
  const hn::Half<D> half;
  const hn::RepartitionToWide<D> wide;
  const auto lower =
      function(hn::PromoteTo(wide, hn::LowerHalf(half, blue)), hn::PromoteTo(wide, hn::LowerHalf(half, green)),
               hn::PromoteTo(wide, hn::LowerHalf(half, red)));
  const auto upper =
      function(hn::PromoteTo(wide, hn::UpperHalf(half, blue)), hn::PromoteTo(wide, hn::UpperHalf(half, green)),
               hn::PromoteTo(wide, hn::UpperHalf(half, red)));
  const hn::RebindToSigned<decltype(wide)> is_signed;
  return hn::Combine(d, hn::DemoteTo(half, hn::BitCast(is_signed, upper)),
                     hn::DemoteTo(half, hn::BitCast(is_signed, lower)));
}

// A share times a byte has 23 bits; its high and its low byte times a byte, summed over the colours, fit in 16 bits.
// Nothing is lost: floor((256 a + b) / 2^15) = floor((a + floor(b / 256)) / 2^7) for whole a.
template <class V>
HWY_INLINE V weigh(hn::ScalableTag<std::uint16_t> d, const Luma& luma, V blue, V green, V red) {
  const auto high = [&](std::uint32_t share) HWY_ATTR { return hn::Set(d, static_cast<std::uint16_t>(share >> 8)); };
  const auto low = [&](std::uint32_t share) HWY_ATTR { return hn::Set(d, static_cast<std::uint16_t>(share & 255)); };
  const V coarse = hn::Add(hn::Add(hn::Mul(blue, high(luma.blue)), hn::Mul(green, high(luma.green))),
                           hn::Add(hn::Mul(red, high(luma.red)), hn::Set(d, std::uint16_t{64})));
  const V fine =
      hn::Add(hn::Add(hn::Mul(blue, low(luma.blue)), hn::Mul(green, low(luma.green))), hn::Mul(red, low(luma.red)));
  return hn::ShiftRight<7>(hn::Add(coarse, hn::ShiftRight<8>(fine)));
}

template <class V>
HWY_INLINE V weigh(hn::ScalableTag<std::uint32_t> d, const Luma& luma, V blue, V green, V red) {
  const V sum = hn::Add(hn::Add(hn::Mul(blue, hn::Set(d, luma.blue)), hn::Mul(green, hn::Set(d, luma.green))),
                        hn::Add(hn::Mul(red, hn::Set(d, luma.red)), hn::Set(d, std::uint32_t{16384})));
  return hn::ShiftRight<15>(sum);
}

// floor((blue + green + red + 1) / 3). 21846 / 2^16 is a third, near enough for sums of bytes.
template <class V>
HWY_INLINE V average(hn::ScalableTag<std::uint16_t> d, V blue, V green, V red) {
  const V sum = hn::Add(hn::Add(blue, green), hn::Add(red, hn::Set(d, std::uint16_t{1})));
  return hn::MulHigh(sum, hn::Set(d, std::uint16_t{21846}));
}

// Sums of words are exact in a float; halfway between thirds, 1/3 (sum + 1/2) is too far from a whole number for its
// rounding to reach one.
template <class V>
HWY_INLINE V average(hn::ScalableTag<std::uint32_t> d, V blue, V green, V red) {
  const hn::RebindToSigned<decltype(d)> is_signed;
  const hn::RebindToFloat<decltype(d)> is_float;
  const V sum = hn::Add(hn::Add(blue, green), hn::Add(red, hn::Set(d, std::uint32_t{1})));
  const auto halfway = hn::Add(hn::ConvertTo(is_float, hn::BitCast(is_signed, sum)), hn::Set(is_float, 0.5F));
  return hn::BitCast(d, hn::ConvertTo(is_signed, hn::Mul(halfway, hn::Set(is_float, 1.0F / 3.0F))));
}

template <GrayWeights Weights, class D, class V>
HWY_INLINE V gray(D d, V blue, V green, V red) {
  const hn::RepartitionToWide<D> wide;
  if constexpr (Weights == GrayWeights::bt601 || Weights == GrayWeights::bt709) {
    constexpr Luma kLuma = Weights == GrayWeights::bt601 ? kBt601 : kBt709;
    return by_halves(d, blue, green, red, [=](auto b, auto g, auto r) HWY_ATTR { return weigh(wide, kLuma, b, g, r); });
  } else if constexpr (Weights == GrayWeights::average) {
    return by_halves(d, blue, green, red, [=](auto b, auto g, auto r) HWY_ATTR { return average(wide, b, g, r); });
  } else {
    const V largest = hn::Max(hn::Max(blue, green), red);
    const V smallest = hn::Min(hn::Min(blue, green), red);
    if constexpr (Weights == GrayWeights::lightness) return hn::AverageRound(largest, smallest);
    return Weights == GrayWeights::max ? largest : smallest;
  }
}

#if HWY_ARCH_X86 && HWY_TARGET <= HWY_SSSE3

// What Highway has no name for: sums of neighbouring products, and packing without changing the order of blocks.
#if HWY_TARGET >= HWY_SSE4
HWY_INLINE __m128i multiply_pairs(__m128i bytes, __m128i weights) { return _mm_maddubs_epi16(bytes, weights); }
HWY_INLINE __m128i pack(__m128i low, __m128i high) { return _mm_packus_epi16(low, high); }
#elif HWY_TARGET == HWY_AVX2
HWY_INLINE __m256i multiply_pairs(__m256i bytes, __m256i weights) { return _mm256_maddubs_epi16(bytes, weights); }
HWY_INLINE __m256i pack(__m256i low, __m256i high) { return _mm256_packus_epi16(low, high); }
#else
HWY_INLINE __m512i multiply_pairs(__m512i bytes, __m512i weights) { return _mm512_maddubs_epi16(bytes, weights); }
HWY_INLINE __m512i pack(__m512i low, __m512i high) { return _mm512_packus_epi16(low, high); }
#endif

// Weighs bytes without taking the colours apart first. A share is 256 coarse + fine, both signed bytes, and again
// floor((256 a + b) / 2^15) = floor((a + floor(b / 256)) / 2^7). Every block of 16 bytes takes 4 pixels, as the pairs
// (B, G) x 4 and (R, 0) x 4. Returns how many pixels were done: whole vectors whose loads end within the row.
int weigh_pixels(const Luma& luma, int channels, const std::uint8_t* in, int width, std::uint8_t* out) {
  const hn::ScalableTag<std::uint8_t> d8;
  const hn::ScalableTag<std::int16_t> d16;
  const hn::ScalableTag<std::uint32_t> d32;
  const hn::ScalableTag<std::uint64_t> d64;
  using V8 = hn::Vec<decltype(d8)>;
  using V16 = hn::Vec<decltype(d16)>;
  constexpr int kBlocks = static_cast<int>(hn::MaxLanes(d8) / 16);

  const auto coarse_of = [](std::uint32_t share) { return static_cast<int>(share + 128) >> 8; };
  const auto fine_of = [&](std::uint32_t share) { return static_cast<int>(share) - 256 * coarse_of(share); };
  const auto pair = [&](int first, int second)
                        HWY_ATTR { return hn::Set(d16, static_cast<std::int16_t>((second * 256) | (first & 255))); };
  const V16 coarse_blue_green = pair(coarse_of(luma.blue), coarse_of(luma.green));
  const V16 fine_blue_green = pair(fine_of(luma.blue), fine_of(luma.green));
  const V16 coarse_red = pair(coarse_of(luma.red), 0);
  const V16 fine_red = pair(fine_of(luma.red), 0);

  alignas(16) std::uint8_t pairs[16];
  for (int pixel = 0; pixel < 4; ++pixel) {
    pairs[2 * pixel] = static_cast<std::uint8_t>(channels * pixel);
    pairs[2 * pixel + 1] = static_cast<std::uint8_t>(channels * pixel + 1);
    pairs[8 + 2 * pixel] = static_cast<std::uint8_t>(channels * pixel + 2);
    pairs[8 + 2 * pixel + 1] = 0x80;  // gives 0
  }
  const V8 to_pairs = hn::LoadDup128(d8, pairs);
  alignas(64) std::uint32_t spread[4 * kBlocks];
  alignas(64) std::uint32_t order[4 * kBlocks];
  for (int block = 0; block < kBlocks; ++block) {
    for (int word = 0; word < 4; ++word) {
      spread[4 * block + word] = static_cast<std::uint32_t>(channels * block + (word < channels ? word : 0));
      order[kBlocks * word + block] = static_cast<std::uint32_t>(4 * block + word);
    }
  }
  const auto spread_words = hn::SetTableIndices(d32, spread);
  const auto order_words = hn::SetTableIndices(d32, order);

  const int step = 4 * kBlocks;  // pixels a load
  const auto load = [&](const std::uint8_t* from) HWY_ATTR {
    const auto words = hn::TableLookupLanes(hn::BitCast(d32, hn::LoadU(d8, from)), spread_words);
    return hn::BitCast(d64, hn::TableLookupBytes(hn::BitCast(d8, words), to_pairs));
  };
  const auto weigh_two = [&](const std::uint8_t* from) HWY_ATTR {
    const auto first = load(from);
    const auto second = load(from + channels * step);
    const auto blue_green = hn::InterleaveLower(d64, first, second);
    const auto red = hn::InterleaveUpper(d64, first, second);
    const V16 coarse = hn::Add(V16{multiply_pairs(blue_green.raw, coarse_blue_green.raw)},
                               V16{multiply_pairs(red.raw, coarse_red.raw)});
    const V16 fine =
        hn::Add(V16{multiply_pairs(blue_green.raw, fine_blue_green.raw)}, V16{multiply_pairs(red.raw, fine_red.raw)});
    return hn::ShiftRight<7>(hn::Add(hn::Add(coarse, hn::Set(d16, std::int16_t{64})), hn::ShiftRight<8>(fine)));
  };
  const std::ptrdiff_t row_bytes = std::ptrdiff_t{width} * channels;
  const std::ptrdiff_t reach = std::ptrdiff_t{3} * channels * step + 16 * kBlocks;
  int x = 0;
  for (; std::ptrdiff_t{x} * channels + reach <= row_bytes; x += 4 * step) {
    const std::uint8_t* from = in + std::ptrdiff_t{x} * channels;
    const V16 low = weigh_two(from);
    const V16 high = weigh_two(from + 2 * channels * step);
    const auto packed = hn::BitCast(d32, V8{pack(low.raw, high.raw)});
    hn::StoreU(hn::BitCast(d8, hn::TableLookupLanes(packed, order_words)), d8, out + x);
  }
  return x;
}

#endif

template <GrayWeights Weights, typename T>
void gray_pixels(Depth depth, int channels, const T* in, int width, T* out) {
  const hn::ScalableTag<T> d;
  using V = hn::Vec<decltype(d)>;
  const int lanes = static_cast<int>(hn::Lanes(d));
  V blue;
  V green;
  V red;
  V alpha;
  int x = 0;
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_SSSE3
  if constexpr (sizeof(T) == 1 && (Weights == GrayWeights::bt601 || Weights == GrayWeights::bt709)) {
    x = weigh_pixels(Weights == GrayWeights::bt601 ? kBt601 : kBt709, channels, in, width, out);
    in += std::ptrdiff_t{x} * channels;
  }
#endif
  for (; x + lanes <= width; x += lanes, in += channels * lanes) {
    if (channels == 3) {
      hn::LoadInterleaved3(d, in, blue, green, red);
    } else {
      hn::LoadInterleaved4(d, in, blue, green, red, alpha);
    }
    hn::StoreU(gray<Weights>(d, blue, green, red), d, out + x);
  }
  gray_row_plain(Weights, depth, channels, in, width - x, out + x);
}

template <typename T>
void gray_pixels(GrayWeights weights, Depth depth, int channels, const T* in, int width, T* out) {
  switch (weights) {
    case GrayWeights::bt601:
      gray_pixels<GrayWeights::bt601>(depth, channels, in, width, out);
      break;
    case GrayWeights::bt709:
      gray_pixels<GrayWeights::bt709>(depth, channels, in, width, out);
      break;
    case GrayWeights::average:
      gray_pixels<GrayWeights::average>(depth, channels, in, width, out);
      break;
    case GrayWeights::lightness:
      gray_pixels<GrayWeights::lightness>(depth, channels, in, width, out);
      break;
    case GrayWeights::max:
      gray_pixels<GrayWeights::max>(depth, channels, in, width, out);
      break;
    case GrayWeights::min:
      gray_pixels<GrayWeights::min>(depth, channels, in, width, out);
      break;
  }
}

void gray_row(GrayWeights weights, Depth depth, int channels, const void* in, int width, void* out) {
  if (depth == Depth::eight) {
    gray_pixels(weights, depth, channels, static_cast<const std::uint8_t*>(in), width, static_cast<std::uint8_t*>(out));
  } else {
    gray_pixels(weights, depth, channels, static_cast<const std::uint16_t*>(in), width,
                static_cast<std::uint16_t*>(out));
  }
}

#endif

}  // namespace
}  // namespace pixmill::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pixmill::kernels {

HWY_EXPORT(gray_row);

void gray_row(GrayWeights weights, Depth depth, int channels, const void* in, int width, void* out) {
  HWY_DYNAMIC_DISPATCH(gray_row)(weights, depth, channels, in, width, out);
}

namespace {

std::uint32_t gray_of(GrayWeights weights, std::uint32_t blue, std::uint32_t green, std::uint32_t red) {
  const auto weigh = [=](const Luma& luma) {
    return (luma.blue * blue + luma.green * green + luma.red * red + (1U << 14)) >> 15;
  };
  const std::uint32_t largest = std::max({blue, green, red});
  const std::uint32_t smallest = std::min({blue, green, red});
  switch (weights) {
    case GrayWeights::bt601:
      return weigh(kBt601);
    case GrayWeights::bt709:
      return weigh(kBt709);
    case GrayWeights::average:
      return (blue + green + red + 1) / 3;
    case GrayWeights::lightness:
      return (largest + smallest + 1) / 2;
    case GrayWeights::max:
      return largest;
    case GrayWeights::min:
      break;
  }
  return smallest;
}

template <typename T>
void gray_pixels_plain(GrayWeights weights, int channels, const T* in, int width, T* out) {
  for (int x = 0; x < width; ++x, in += channels) out[x] = static_cast<T>(gray_of(weights, in[0], in[1], in[2]));
}

}  // namespace

void gray_row_plain(GrayWeights weights, Depth depth, int channels, const void* in, int width, void* out) {
  if (depth == Depth::eight) {
    gray_pixels_plain(weights, channels, static_cast<const std::uint8_t*>(in), width, static_cast<std::uint8_t*>(out));
  } else {
    gray_pixels_plain(weights, channels, static_cast<const std::uint16_t*>(in), width,
                      static_cast<std::uint16_t*>(out));
  }
}

}  // namespace pixmill::kernels
#endif  // HWY_ONCE
