#include "kernels/orient.hpp"

#include <opencv2/core.hpp>

#include <utility>

namespace pixmill::kernels {

FrameShape oriented_shape(const FrameShape& shape, int orientation) {
  FrameShape turned = shape;
  if (orientation >= 5) std::swap(turned.width, turned.height);
  return turned;
}

void orient(const cv::Mat& in, int orientation, cv::Mat& out) {
  constexpr int kMirrorRows = 0;
  constexpr int kMirrorColumns = 1;
  constexpr int kMirrorBoth = -1;
  switch (orientation) {
    case 2:
      cv::flip(in, out, kMirrorColumns);
      return;
    case 3:
      cv::flip(in, out, kMirrorBoth);
      return;
    case 4:
      cv::flip(in, out, kMirrorRows);
      return;
    case 5:
      cv::transpose(in, out);
      return;
    case 6:
      cv::rotate(in, out, cv::ROTATE_90_CLOCKWISE);
      return;
    case 7:
      cv::transpose(in, out);
      cv::flip(out, out, kMirrorBoth);
      return;
    case 8:
      cv::rotate(in, out, cv::ROTATE_90_COUNTERCLOCKWISE);
      return;
    default:
      in.copyTo(out);
      return;
  }
}

}  // namespace pixmill::kernels
