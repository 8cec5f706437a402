#pragma once

#include "kernels/frame.hpp"

#include <opencv2/core.hpp>

#include <new>
#include <string>
#include <string_view>
#include <utility>

/// How a kernel calls OpenCV.
namespace pixmill::kernels {

/// The frame as a picture of its own. OpenCV reads beyond the edges of a matrix that it knows to be a part of a larger
/// one, and takes other, less exact ways for it. Shares the pixels.
[[nodiscard]] inline cv::Mat alone(const cv::Mat& frame) {
  return {frame.rows, frame.cols, frame.type(), frame.data, frame.step};
}

/// Calls `function()` and translates what OpenCV throws into KernelFailure or std::bad_alloc.
template <typename Function>
void call_opencv(std::string_view kernel, Function&& function) {
  try {
    std::forward<Function>(function)();
  } catch (const cv::Exception& error) {
    if (error.code == cv::Error::StsNoMem) throw std::bad_alloc();
    throw KernelFailure(std::string(kernel) + ": " + error.err);
  }
}

}  // namespace pixmill::kernels
