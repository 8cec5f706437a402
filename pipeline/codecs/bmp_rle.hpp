#pragma once

#include "pipeline/codecs/bmp_header.hpp"

#include <cstdint>
#include <span>

namespace pixmill::pipeline {

/// Reads the lines of a run-length encoded BMP, from the lowest up.
///
/// Pixels that the code skips over have index 0 (RLE24: black), as in OpenCV. Takes no memory; the time is that of the
/// bytes read and of the pixels asked for, whatever the code claims.
class BmpRle {
 public:
  /// `data` are the bytes from the first pixel on; they must stay alive.
  void open(Bytes data, const BmpHeader& header);
  /// Fills the next line: an index a pixel, or B, G, R with RLE24. Not usable: the code is damaged or ends; the pixels
  /// that came before that are there. Not to be called again then, nor after the last line.
  CodecStatus next_line(std::span<std::uint8_t> line);
  /// Whether the code has set any pixel so far.
  [[nodiscard]] bool any_pixel() const { return any_pixel_; }

 private:
  enum class Step : unsigned char { on, line_done, damaged };
  Step escape(std::span<std::uint8_t> line, std::uint32_t code);
  Step literal(std::span<std::uint8_t> line, std::uint32_t count);
  Step skip();
  Step run(std::span<std::uint8_t> line, std::uint32_t count);
  Step damage(Verdict verdict, const char* what);
  [[nodiscard]] std::uint64_t padded_width() const;
  void put(std::span<std::uint8_t> line, std::uint64_t x, Bytes pixel, bool low_half);

  Bytes data_;
  std::size_t at_ = 0;
  BmpPacking packing_ = BmpPacking::rle8;
  std::uint64_t width_ = 0;
  std::uint64_t height_ = 0;
  std::uint64_t x_ = 0;
  std::uint64_t y_ = 0;            // lines done
  std::uint64_t blank_lines_ = 0;  // to come before the code goes on
  bool ended_ = false;             // the code says that no more comes
  bool any_pixel_ = false;
  CodecStatus status_;
};

}  // namespace pixmill::pipeline
