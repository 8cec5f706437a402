#pragma once

#include <opencv2/core/mat.hpp>

namespace pixmill::kernels {

/// Brings 16 bits to 8: (v + 128) / 257, rounded down, which maps 257 v to v. `out` has the same size and channels,
/// CV_8U, already allocated, and may not overlap `in`. One pass, allocates nothing. Processor-independent.
void reduce_depth(const cv::Mat& in, cv::Mat& out);

}  // namespace pixmill::kernels
