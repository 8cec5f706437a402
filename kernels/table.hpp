#pragma once

#include "kernels/kernel.hpp"

/// The kernels, each defined in the file of its name. A new one is a file, a line here and a row in all_kernels.cpp.
namespace pixmill::kernels {

extern const Kernel kGrayKernel;
extern const Kernel kThresholdKernel;
extern const Kernel kAdaptiveKernel;
extern const Kernel kInvertKernel;
extern const Kernel kResizeKernel;
extern const Kernel kBlurKernel;
extern const Kernel kMedianKernel;
extern const Kernel kMorphKernel;
extern const Kernel kCropKernel;
extern const Kernel kRotateKernel;
extern const Kernel kFlipKernel;
extern const Kernel kEqualizeKernel;
extern const Kernel kLevelsKernel;

}  // namespace pixmill::kernels
