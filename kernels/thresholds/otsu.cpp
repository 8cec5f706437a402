#include "kernels/threshold_methods.hpp"

#include <algorithm>
#include <cfloat>

namespace pixmill::kernels {

// The same operations in the same order as OpenCV 4.6 does them in double precision, so that ties fall the same way.
int otsu_threshold(const LevelCounts& counts) {
  const double scale = 1.0 / static_cast<double>(counts.pixels());
  double mean = 0;
  for (int level = 0; level < counts.levels(); ++level) mean += level * static_cast<double>(counts[level]);
  mean *= scale;
  double mean_below = 0;
  double share_below = 0;
  double best_variance = 0;
  int best = 0;
  for (int level = 0; level < counts.levels(); ++level) {
    const double share = static_cast<double>(counts[level]) * scale;
    mean_below *= share_below;
    share_below += share;
    const double share_above = 1.0 - share_below;
    if (std::min(share_below, share_above) < FLT_EPSILON || std::max(share_below, share_above) > 1.0 - FLT_EPSILON) {
      continue;
    }
    mean_below = (mean_below + level * share) / share_below;
    const double mean_above = (mean - share_below * mean_below) / share_above;
    const double variance = share_below * share_above * (mean_below - mean_above) * (mean_below - mean_above);
    if (variance > best_variance) {
      best_variance = variance;
      best = level;
    }
  }
  return best;
}

}  // namespace pixmill::kernels
