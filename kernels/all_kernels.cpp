#include "kernels/table.hpp"

#include <array>

namespace pixmill::kernels {

std::span<const Kernel> all_kernels() {
  static const std::array table{kGrayKernel, kThresholdKernel, kAdaptiveKernel, kInvertKernel, kResizeKernel,
                                kBlurKernel, kMedianKernel,    kMorphKernel,    kCropKernel,   kRotateKernel,
                                kFlipKernel, kEqualizeKernel,  kLevelsKernel};
  return table;
}

}  // namespace pixmill::kernels
