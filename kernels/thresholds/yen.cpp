#include "kernels/threshold_methods.hpp"
#include "kernels/thresholds/exact.hpp"

namespace pixmill::kernels {

namespace {

/// Over how many levels the pixels are spread: 1 if they all have the same, n if they share n levels equally.
double spread(std::uint64_t pixels, Uint128 sum_of_squares) {
  const auto count = static_cast<double>(pixels);
  return count * count / static_cast<double>(sum_of_squares);
}

}  // namespace

// Yen's correlation, -ln(S1 S2) + 2 ln(P (1 - P)), is the logarithm of the product of the two classes' spreads. The
// product has the same largest value and needs no logarithm.
int yen_threshold(const LevelCounts& counts) {
  Uint128 squares = 0;
  for (int level = counts.darkest(); level <= counts.brightest(); ++level) {
    squares += Uint128{counts[level]} * counts[level];
  }
  std::uint64_t pixels_below = 0;
  Uint128 squares_below = 0;
  double best_product = 0;
  int best = counts.darkest();
  for (int level = counts.darkest(); level < counts.brightest(); ++level) {
    if (counts[level] == 0) continue;
    pixels_below += counts[level];
    squares_below += Uint128{counts[level]} * counts[level];
    const double product =
        spread(pixels_below, squares_below) * spread(counts.pixels() - pixels_below, squares - squares_below);
    if (product > best_product * kClearlyMore) {
      best_product = product;
      best = level;
    }
  }
  return best;
}

}  // namespace pixmill::kernels
