#pragma once

#include "kernels/reduction.hpp"

/// The reductions, each defined in the file of its name. A new one is a file, a line here and a row in
/// all_reductions.cpp.
namespace pixmill::kernels {

extern const Reduction kCountReduction;
extern const Reduction kMinReduction;
extern const Reduction kMaxReduction;
extern const Reduction kSumReduction;
extern const Reduction kMeanReduction;
extern const Reduction kStdReduction;
extern const Reduction kHistogramReduction;
extern const Reduction kMeanImageReduction;
extern const Reduction kMinImageReduction;
extern const Reduction kMaxImageReduction;
extern const Reduction kStdImageReduction;

}  // namespace pixmill::kernels
