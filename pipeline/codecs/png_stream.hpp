#pragma once

#include "pipeline/codecs/png_layout.hpp"

#include <array>

namespace pixmill::pipeline {

/// A PNG file as libspng gets to see it: the header, the palette, the transparency, the image data and an end chunk.
///
/// Whatever else the file holds is left out, so that text, profiles and unknown chunks cost neither time nor memory and
/// are no way in. A data chunk that the file was cut in gets the length that it really has: libspng then decodes all of
/// it before it meets the end of the file. Copies nothing; the file must stay alive.
class PngStream {
 public:
  void open(Bytes file, const PngLayout& layout);
  /// Copies the next bytes to `out`. False, and nothing copied, if there are fewer left.
  bool read(std::byte* out, std::size_t bytes);

 private:
  void add(Bytes piece);

  std::array<Bytes, 6> pieces_{};
  std::size_t count_ = 0;
  std::size_t current_ = 0;
  std::size_t left_ = 0;
  std::array<std::byte, 8> cut_prefix_{};
};

}  // namespace pixmill::pipeline
