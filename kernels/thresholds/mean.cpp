#include "kernels/threshold_methods.hpp"

namespace pixmill::kernels {

int mean_threshold(const LevelCounts& counts) {
  std::uint64_t sum = 0;
  for (int level = 0; level < counts.levels(); ++level) sum += static_cast<std::uint64_t>(level) * counts[level];
  return static_cast<int>(sum / counts.pixels());
}

}  // namespace pixmill::kernels
