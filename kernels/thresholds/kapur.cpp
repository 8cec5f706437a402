#include "kernels/threshold_methods.hpp"
#include "kernels/thresholds/exact.hpp"

namespace pixmill::kernels {

namespace {

// A sum of c ln c in steps of 2^-40. As it is a whole number, the sum above a level is the difference of two sums, to
// the bit, even where it is a tiny part of them. At most 2^48 * 34 * 2^40.
using Sum = Uint128;
constexpr double kSteps = 0x1p40;

Sum weighted_log(std::uint64_t count) {
  const auto c = static_cast<double>(count);
  return count < 2 ? Sum{0} : static_cast<Sum>(c * natural_log(c) * kSteps);
}

/// The entropy of a class of that many pixels in nats: -sum(c/n ln c/n) = ln n - sum(c ln c) / n.
double entropy(std::uint64_t pixels, Sum sum) {
  const auto n = static_cast<double>(pixels);
  return natural_log(n) - static_cast<double>(sum) / (n * kSteps);
}

}  // namespace

int kapur_threshold(const LevelCounts& counts) {
  Sum sum = 0;
  for (int level = counts.darkest(); level <= counts.brightest(); ++level) sum += weighted_log(counts[level]);
  std::uint64_t pixels_below = 0;
  Sum sum_below = 0;
  double best_entropy = -1;
  int best = counts.darkest();
  for (int level = counts.darkest(); level < counts.brightest(); ++level) {
    if (counts[level] == 0) continue;
    pixels_below += counts[level];
    sum_below += weighted_log(counts[level]);
    const double both = entropy(pixels_below, sum_below) + entropy(counts.pixels() - pixels_below, sum - sum_below);
    if (both > best_entropy + kClearlyMoreNats) {
      best_entropy = both;
      best = level;
    }
  }
  return best;
}

}  // namespace pixmill::kernels
