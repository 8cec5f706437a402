#pragma once

#include "kernels/frame.hpp"
#include "kernels/level_table.hpp"

#include <opencv2/core/mat.hpp>

#include <cstdint>
#include <span>
#include <vector>

namespace pixmill::kernels {

/// Counts of levels, per colour channel, of (the rows so far of) one image. Alpha is not counted.
///
/// Channels are in the frame's order: gray, or B, G, R. 32 bits a count: an image has fewer than 2^32 pixels.
class Histogram {
 public:
  Histogram() = default;
  /// Empties it for an image of this kind. Allocates only when it grows.
  void reset(Depth depth, int channels);
  /// Counts more rows of the same image.
  void add(const cv::Mat& rows);
  /// The histogram of the image that `table` would make of this one.
  void map_through(const LevelTable& table, Histogram& out) const;

  [[nodiscard]] Depth depth() const { return depth_; }
  [[nodiscard]] int channels() const { return channels_; }
  [[nodiscard]] std::span<const std::uint32_t> counts(int channel) const;
  /// Pixels counted.
  [[nodiscard]] std::uint64_t pixels() const { return pixels_; }

 private:
  Depth depth_ = Depth::eight;
  int channels_ = 0;
  std::uint64_t pixels_ = 0;
  std::vector<std::uint32_t> counts_;  // channel-major
};

}  // namespace pixmill::kernels
