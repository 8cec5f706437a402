#pragma once

#include "pipeline/codecs/codec.hpp"

#include <cstdint>
#include <optional>

/// What is to be written, row by row: what every encoder does first.
namespace pixmill::pipeline {

/// Rows of a frame seen through its table.
class WrittenRows {
 public:
  /// Rows [first, last) of the source as they are to be written, brought to 8 bits if `eight_bits`. Valid until the
  /// next call; it may be the frame itself. Takes memory for these rows, twice at most. Throws std::bad_alloc.
  const cv::Mat& rows(const EncodeSource& source, int first, int last, bool eight_bits);
  void trim(std::size_t keep_bytes);

 private:
  cv::Mat band_;
  cv::Mat mapped_;
  cv::Mat reduced_;
};

/// Rows of a two-level source as bits.
class WrittenBits {
 public:
  explicit WrittenBits(const EncodeSource& source);
  /// Packs row `y` into (width + 7) / 8 bytes, the leftmost pixel in the highest bit, white = 1, spare bits 0.
  void pack(int y, std::uint8_t* bits) const;

 private:
  const EncodeSource& source_;
  std::optional<kernels::LevelTable> split_;  // where the source has no table
};

}  // namespace pixmill::pipeline
