#pragma once

#include "kernels/frame.hpp"

#include <opencv2/core/mat.hpp>

namespace pixmill::kernels {

/// The shape that orient() gives: width and height change places for EXIF orientations 5 to 8.
[[nodiscard]] FrameShape oriented_shape(const FrameShape& shape, int orientation);

/// Turns and mirrors a frame as its EXIF orientation (1–8) asks, so that it stands upright: 2 mirrors left to right, 3
/// is half a turn, 4 mirrors top to bottom, 5 and 7 transpose, 6 and 8 are quarter turns clockwise and back. `out` is
/// allocated to oriented_shape() and may not overlap `in`. One pass; allocates nothing.
void orient(const cv::Mat& in, int orientation, cv::Mat& out);

}  // namespace pixmill::kernels
