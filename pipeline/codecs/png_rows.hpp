#pragma once

#include "pipeline/codecs/png_layout.hpp"

#include <opencv2/core/mat.hpp>

#include <cstdint>

namespace pixmill::pipeline {

/// Turns scan lines as PNG packs them (samples of 16 bits in the machine's byte order) into rows of a frame.
class PngRows {
 public:
  /// Reads palette and transparency from `file`; `keep_alpha` says whether frames have the alpha that there is.
  void prepare(Bytes file, const PngLayout& layout, bool keep_alpha);

  /// Whether scan lines are rows of a frame as they stand, so that convert() is not needed.
  [[nodiscard]] bool same_layout() const { return same_layout_; }
  /// Writes `rows` rows; `lines` holds them `stride` bytes apart. `out` is the band of the frame. Throws bad_alloc.
  void convert(std::byte* lines, std::size_t stride, cv::Mat& out) const;

 private:
  void expand_palette(const std::uint8_t* line, int width, std::uint8_t* out, int channels) const;
  void unpack_gray(const std::uint8_t* line, int width, std::uint8_t* out, int channels) const;
  template <typename Sample>
  void add_alpha(const Sample* line, int width, Sample* out, int channels) const;
  void swap_channels(std::byte* lines, std::size_t stride, cv::Mat& out) const;

  int bit_depth_ = 8;
  int colour_type_ = 0;
  bool same_layout_ = true;
  bool keyed_ = false;  // one colour is transparent, and alpha is kept
  std::array<std::uint16_t, 3> key_{};
  std::array<std::array<std::uint8_t, 4>, 256> palette_{};
};

}  // namespace pixmill::pipeline
