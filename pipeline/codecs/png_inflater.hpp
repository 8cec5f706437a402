#pragma once

#include "pipeline/codecs/png_layout.hpp"

#include <memory>
#include <vector>

struct libdeflate_decompressor;

namespace pixmill::pipeline {

/// Inflates the image data of a PNG by libdeflate, all of it in one go: two to three times as quick as zlib's inflate,
/// which libspng has.
///
/// Only sound data: whatever is not, down to a wrong sum, is left to libspng, which decodes as far as it can and says
/// what is wrong. Buffers are kept from image to image. Not to be used by two threads at once.
class PngInflater {
 public:
  /// Of scan lines with their filter bytes. Above it the gain is not worth the memory.
  static constexpr std::uint64_t kMostBytes = std::uint64_t{64} << 20;

  PngInflater();

  /// Most bytes that run() takes for the image data of `layout` and scan lines of `bytes`.
  [[nodiscard]] static std::uint64_t need(const PngLayout& layout, std::uint64_t bytes);

  /// The scan lines of `file`, whose image data is whole and has sums that are right; `bytes`, up to kMostBytes, is how
  /// many bytes they have by the header. Empty if the data is damaged or is not that long. The span is good until the
  /// next call. Throws std::bad_alloc.
  [[nodiscard]] Bytes run(Bytes file, const PngLayout& layout, std::size_t bytes);

  /// Frees buffers of more than `keep_bytes`.
  void trim(std::size_t keep_bytes);

 private:
  Bytes deflated(Bytes file, const PngLayout& layout);

  struct Free {
    void operator()(libdeflate_decompressor* decompressor) const;
  };
  std::unique_ptr<libdeflate_decompressor, Free> decompressor_;
  std::vector<std::byte> deflated_;  // what the chunks hold, where there are several
  std::vector<std::byte> lines_;
};

}  // namespace pixmill::pipeline
