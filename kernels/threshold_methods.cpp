#include "kernels/threshold_methods.hpp"

namespace pixmill::kernels {

LevelCounts::LevelCounts(std::span<const std::uint32_t> counts) : narrow_(counts.data()) { survey(counts); }

LevelCounts::LevelCounts(std::span<const std::uint64_t> counts) : wide_(counts.data()) { survey(counts); }

template <typename Count>
void LevelCounts::survey(std::span<const Count> counts) {
  levels_ = static_cast<int>(counts.size());
  for (const Count count : counts) pixels_ += count;
  if (pixels_ == 0) return;
  while (counts[static_cast<std::size_t>(darkest_)] == 0) ++darkest_;
  brightest_ = levels_ - 1;
  while (counts[static_cast<std::size_t>(brightest_)] == 0) --brightest_;
}

int threshold_of(const ThresholdMethod& method, const LevelCounts& counts) {
  return counts.pixels() == 0 ? 0 : method.find(counts);
}

}  // namespace pixmill::kernels
