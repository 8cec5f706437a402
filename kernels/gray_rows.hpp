#pragma once

#include "kernels/frame.hpp"

#include <cstdint>

namespace pixmill::kernels {

/// How three colours become one level. Rounding is that of the descriptor of `gray`.
enum class GrayWeights : unsigned char { bt601, bt709, average, lightness, max, min };

/// Shares of 2^15 that add up to it.
struct Luma {
  std::uint32_t blue;
  std::uint32_t green;
  std::uint32_t red;
};
inline constexpr Luma kBt601{3735, 19235, 9798};
inline constexpr Luma kBt709{2366, 23436, 6966};

/// Turns `width` pixels of B, G, R (and alpha, dropped) into gray. `in` and `out` are uint8_t or uint16_t by `depth`
/// and do not overlap; `channels` is 3 or 4.
void gray_row(GrayWeights weights, Depth depth, int channels, const void* in, int width, void* out);
/// The same pixel by pixel, straight from the definition: the oracle of the above.
void gray_row_plain(GrayWeights weights, Depth depth, int channels, const void* in, int width, void* out);

}  // namespace pixmill::kernels
