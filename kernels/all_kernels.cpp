#include "kernels/table.hpp"

#include <array>

namespace pixmill::kernels {

std::span<const Kernel> all_kernels() {
  static const std::array kTable{kGrayKernel, kThresholdKernel, kAdaptiveKernel, kInvertKernel, kResizeKernel};
  return kTable;
}

}  // namespace pixmill::kernels
