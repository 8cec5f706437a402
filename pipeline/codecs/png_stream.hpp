#pragma once

#include "pipeline/codecs/png_layout.hpp"

#include <array>
#include <vector>

namespace pixmill::pipeline {

/// A PNG file as libspng gets to see it: the header, the palette, the transparency, the image data and an end chunk.
///
/// Whatever else the file holds is left out, so that text, profiles and unknown chunks cost neither time nor memory and
/// are no way in. A data chunk that the file was cut in gets the length that it really has: libspng then decodes all of
/// it before it meets the end of the file. Copies nothing; the file must stay alive.
class PngStream {
 public:
  void open(Bytes file, const PngLayout& layout);
  /// The same with image data that is inflated already, at most PngInflater::kMostBytes: it comes as stored blocks,
  /// which inflating merely copies. Its sums are left out, so libspng must not ask for them. `lines` must stay alive.
  void open_inflated(Bytes file, const PngLayout& layout, Bytes lines);
  /// Copies the next bytes to `out`. False, and nothing copied, if there are fewer left.
  bool read(std::byte* out, std::size_t bytes);

 private:
  void begin(Bytes file, const PngLayout& layout);
  void add(Bytes piece);
  void add_prefix(std::size_t length);

  std::vector<Bytes> pieces_;
  std::size_t current_ = 0;
  std::size_t left_ = 0;
  std::array<std::byte, 8> prefix_{};      // of the chunk whose length the file does not have
  std::array<std::byte, 5> last_block_{};  // its length is that of the data's rest
};

}  // namespace pixmill::pipeline
