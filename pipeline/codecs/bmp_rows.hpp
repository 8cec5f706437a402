#pragma once

#include "pipeline/codecs/bmp_header.hpp"

#include <array>
#include <cstdint>

namespace pixmill::pipeline {

/// Turns lines of a BMP into rows of a frame.
class BmpRows {
 public:
  /// `channels` is the frame's: 1 (gray palettes), 3, or 4 with alpha masks.
  void prepare(const BmpHeader& header, int channels);
  /// One line of header.line_bytes() bytes into one row.
  void convert(const std::uint8_t* line, int width, std::uint8_t* row) const;
  /// Palette indexes, one a byte, into one row; as run-length encoded lines come.
  void look_up(const std::uint8_t* indexes, int width, std::uint8_t* row) const;

 private:
  /// One colour of a pixel of 16 or 32 bits.
  struct Field {
    std::uint32_t mask = 0;
    int shift = 0;
    std::array<std::uint8_t, 256> levels{};  // by the field's value, if it has at most 8 bits
    [[nodiscard]] std::uint8_t level(std::uint32_t pixel) const;
  };
  void expand_bits(const std::uint8_t* line, int width, std::uint8_t* row) const;
  void unpack_fields(const std::uint8_t* line, int width, std::uint8_t* row) const;
  static Field make_field(std::uint32_t mask);

  int bits_ = 0;
  int channels_ = 0;
  bool plain_levels_ = false;  // the palette maps each index to itself
  bool byte_order_ = false;    // a pixel of 32 bits is B, G, R and alpha or nothing
  std::array<std::array<std::uint8_t, 3>, 256> palette_{};
  std::array<Field, 4> fields_{};  // B, G, R, alpha
};

}  // namespace pixmill::pipeline
