#include "kernels/depth.hpp"

#include <cstdint>

namespace pixmill::kernels {

void reduce_depth(const cv::Mat& in, cv::Mat& out) {
  const int count = in.cols * in.channels();
  for (int y = 0; y < in.rows; ++y) {
    const auto* from = in.ptr<std::uint16_t>(y);
    auto* to = out.ptr<std::uint8_t>(y);
    for (int x = 0; x < count; ++x) to[x] = static_cast<std::uint8_t>((from[x] + 128U) / 257U);
  }
}

}  // namespace pixmill::kernels
