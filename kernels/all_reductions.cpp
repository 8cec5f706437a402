#include "kernels/reductions/table.hpp"

#include <algorithm>
#include <array>

namespace pixmill::kernels {

std::span<const Reduction> all_reductions() {
  static const std::array table{
      kCountReduction,    kMinReduction,      kMaxReduction,       kSumReduction,
      kMeanReduction,     kStdReduction,      kHistogramReduction, kMeanImageReduction,
      kMinImageReduction, kMaxImageReduction, kStdImageReduction,
  };
  return table;
}

const Reduction* find_reduction(std::string_view name) {
  const std::span<const Reduction> table = all_reductions();
  const auto found =
      std::find_if(table.begin(), table.end(), [name](const auto& r) { return r.descriptor->name == name; });
  return found == table.end() ? nullptr : &*found;
}

}  // namespace pixmill::kernels
