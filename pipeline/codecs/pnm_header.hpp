#pragma once

#include "pipeline/codecs/codec.hpp"

#include <cstdint>

namespace pixmill::pipeline {

/// What the header of a PNM file says: PBM, PGM and PPM, as text (P1–P3) and as bytes (P4–P6), and PAM (P7).
struct PnmHeader {
  int kind = 0;            ///< 1–7, as in "P6".
  std::int64_t width = 0;  ///< 0: not known.
  std::int64_t height = 0;
  int channels = 1;              ///< 1 gray, 2 with alpha (P7), 3 colour, 4 with alpha (P7).
  std::uint32_t max_value = 1;   ///< 1–65535; what white is written as.
  std::size_t raster_begin = 0;  ///< Within the file.

  [[nodiscard]] bool is_text() const { return kind <= 3; }
  /// Eight pixels a byte, 1 = black (P4).
  [[nodiscard]] bool is_packed() const { return kind == 4; }
  /// Two bytes a sample, the high one first.
  [[nodiscard]] bool is_wide() const { return max_value > 255; }
  /// Bytes of a row that is not text.
  [[nodiscard]] std::uint64_t row_bytes() const;
  /// The fewest bytes that the raster can have.
  [[nodiscard]] std::uint64_t least_raster_bytes() const;
};

/// Reads the header of the first image in `file`. Not usable: why no image can be had; the size is set where it was
/// understood. Takes no memory. Source: the manual pages of Netpbm (pbm, pgm, ppm, pam), and what its programs do.
[[nodiscard]] CodecStatus read_pnm_header(Bytes file, PnmHeader& header);

}  // namespace pixmill::pipeline
