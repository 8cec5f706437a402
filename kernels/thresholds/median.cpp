#include "kernels/threshold_methods.hpp"

namespace pixmill::kernels {

int median_threshold(const LevelCounts& counts) {
  const std::uint64_t half = counts.pixels() - counts.pixels() / 2;
  int level = counts.darkest();
  for (std::uint64_t below = counts[level]; below < half; below += counts[level]) ++level;
  return level;
}

}  // namespace pixmill::kernels
