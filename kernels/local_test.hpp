#pragma once

#include <cstdint>

namespace pixmill::kernels {

/// How a pixel is compared with the mean of its window, which is rounded to whole levels first:
/// v > mean - offset gives `above`, anything else `below`.
struct LocalTest {
  int offset = 0;  ///< In [-256, 256]; beyond that nothing changes.
  std::uint8_t above = 255;
  std::uint8_t below = 0;

  [[nodiscard]] std::uint8_t operator()(int level, int mean) const { return level > mean - offset ? above : below; }
};

}  // namespace pixmill::kernels
