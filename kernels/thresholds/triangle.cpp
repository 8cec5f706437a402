#include "kernels/threshold_methods.hpp"

#include <algorithm>

namespace pixmill::kernels {

// OpenCV's, for any number of levels. The longer flank is searched; `at` sees the histogram so that it is the left one.
int triangle_threshold(const LevelCounts& counts) {
  const int levels = counts.levels();
  int left = std::max(counts.darkest() - 1, 0);
  const int right = std::min(counts.brightest() + 1, levels - 1);
  int peak = 0;
  for (int level = 1; level < levels; ++level) {
    if (counts[level] > counts[peak]) peak = level;
  }
  const auto peak_count = static_cast<double>(counts[peak]);

  const bool flipped = peak - left < right - peak;
  if (flipped) {
    left = levels - 1 - right;
    peak = levels - 1 - peak;
  }
  const auto at = [&](int level) { return static_cast<double>(counts[flipped ? levels - 1 - level : level]); };
  int best = left;
  double best_distance = 0;
  for (int level = left + 1; level <= peak; ++level) {
    const double distance = peak_count * level + (left - peak) * at(level);
    if (distance > best_distance) {
      best_distance = distance;
      best = level;
    }
  }
  --best;
  return flipped ? levels - 1 - best : best;
}

}  // namespace pixmill::kernels
