#include "kernels/table.hpp"

#include <array>

namespace pixmill::kernels {

std::span<const Kernel> all_kernels() {
  static const std::array table{kGrayKernel, kThresholdKernel, kAdaptiveKernel, kInvertKernel, kResizeKernel};
  return table;
}

}  // namespace pixmill::kernels
