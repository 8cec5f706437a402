#pragma once

#include <opencv2/core/mat.hpp>

#include <cstdint>
#include <stdexcept>

/// How pixels lie in memory, for everything below the codecs.
///
/// A frame is a cv::Mat of CV_8U or CV_16U with 1 (gray), 2 (gray, alpha), 3 (B, G, R) or 4 (B, G, R, alpha) channels.
/// Rows may be padded. A frame has at least one pixel, and at most 2^28 unless the user raised `--max-pixels`.
namespace pixmill::kernels {

/// Bits of a channel's value.
enum class Depth : unsigned char { eight = 8, sixteen = 16 };

/// The largest value of that depth: 255 or 65535.
[[nodiscard]] constexpr int max_level(Depth depth) { return depth == Depth::eight ? 255 : 65535; }
/// How many values there are: 256 or 65536.
[[nodiscard]] constexpr int level_count(Depth depth) { return max_level(depth) + 1; }
[[nodiscard]] inline Depth depth_of(const cv::Mat& frame) {
  return frame.depth() == CV_16U ? Depth::sixteen : Depth::eight;
}
[[nodiscard]] constexpr bool has_alpha(int channels) { return channels == 2 || channels == 4; }
/// The channels without alpha: 1 or 3.
[[nodiscard]] constexpr int colour_channels(int channels) { return channels <= 2 ? 1 : 3; }

/// Size and kind of a frame without its pixels; what memory is reckoned from.
struct FrameShape {
  std::int64_t width = 0;
  std::int64_t height = 0;
  int channels = 1;
  Depth depth = Depth::eight;

  [[nodiscard]] int type() const { return CV_MAKETYPE(depth == Depth::sixteen ? CV_16U : CV_8U, channels); }
  [[nodiscard]] std::uint64_t pixels() const {
    return static_cast<std::uint64_t>(width) * static_cast<std::uint64_t>(height);
  }
  [[nodiscard]] std::uint64_t bytes() const {
    return pixels() * static_cast<std::uint64_t>(channels) * (depth == Depth::sixteen ? 2U : 1U);
  }
  friend bool operator==(const FrameShape&, const FrameShape&) = default;
};

[[nodiscard]] constexpr FrameShape eight_bit(FrameShape shape) {
  shape.depth = Depth::eight;
  return shape;
}

[[nodiscard]] constexpr FrameShape without_alpha(FrameShape shape) {
  shape.channels = colour_channels(shape.channels);
  return shape;
}

[[nodiscard]] inline FrameShape shape_of(const cv::Mat& frame) {
  return {frame.cols, frame.rows, frame.channels(), depth_of(frame)};
}

/// Thrown by an operation that cannot be applied to this one image (`kernel-failed`). The message is the detail.
class KernelFailure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace pixmill::kernels
