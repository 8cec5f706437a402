#include "kernels/threshold_methods.hpp"
#include "kernels/thresholds/exact.hpp"

namespace pixmill::kernels {

// The midpoint never falls as T rises, and starts at or above T: so the first T that is within a level below it is the
// lowest fixed point, and there always is one. The fractions are compared as integers of 128 bits.
int isodata_threshold(const LevelCounts& counts) {
  std::uint64_t sum = 0;
  for (int level = counts.darkest(); level <= counts.brightest(); ++level) {
    sum += static_cast<std::uint64_t>(level) * counts[level];
  }
  std::uint64_t pixels_below = 0;
  std::uint64_t sum_below = 0;
  for (int level = counts.darkest(); level < counts.brightest(); ++level) {
    pixels_below += counts[level];
    sum_below += static_cast<std::uint64_t>(level) * counts[level];
    const std::uint64_t pixels_above = counts.pixels() - pixels_below;
    const Uint128 both_means = Uint128{sum_below} * pixels_above + Uint128{sum - sum_below} * pixels_below;
    const auto next = static_cast<std::uint64_t>(level) + 1;
    if (both_means < Uint128{pixels_below} * pixels_above * 2 * next) return level;
  }
  return counts.brightest();
}

}  // namespace pixmill::kernels
