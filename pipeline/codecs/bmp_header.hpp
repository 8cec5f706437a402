#pragma once

#include "pipeline/codecs/codec.hpp"

#include <array>
#include <cstdint>

namespace pixmill::pipeline {

/// How the pixels of a BMP lie in its file.
enum class BmpPacking : unsigned char {
  lines,  ///< Scan lines of `bits` a pixel, each padded to 4 bytes.
  rle4,
  rle8,
  rle24,  ///< OS/2 2.x.
};

/// What the headers and the palette of a BMP say: OS/2 1.x (12 bytes) and 2.x (16–64), Windows 3 (40), 52 and 56 bytes,
/// 4 (108) and 5 (124), also as the first image of an OS/2 bitmap array.
struct BmpHeader {
  std::int64_t width = 0;  ///< 0: not known.
  std::int64_t height = 0;
  bool top_down = false;  ///< The first line is the uppermost; only with `lines`.
  int bits = 0;           ///< A pixel: 1, 2, 4, 8 (indexes), 16, 24 or 32.
  BmpPacking packing = BmpPacking::lines;
  /// Which bits of a pixel are red, green, blue and alpha, at 16 and 32 bits; each is one run, or 0.
  std::array<std::uint32_t, 4> masks{};
  /// B, G, R; black from `palette_entries` on.
  std::array<std::array<std::uint8_t, 3>, 256> palette{};
  int palette_entries = 0;
  std::size_t pixels_begin = 0;   ///< Within the file.
  double pixels_per_metre_x = 0;  ///< 0: not said.
  double pixels_per_metre_y = 0;
  Bytes icc;  ///< An embedded profile, within the file; or empty.

  [[nodiscard]] bool indexed() const { return bits <= 8; }
  /// Every colour that an index can mean has R = G = B.
  [[nodiscard]] bool is_gray() const;
  /// One bit a pixel, black and white.
  [[nodiscard]] bool is_two_level() const;
  /// Bytes of a line's pixels, and from one line to the next.
  [[nodiscard]] std::uint64_t line_bytes() const;
  [[nodiscard]] std::uint64_t line_stride() const;
};

/// Reads all that comes before the pixels. Not usable: why no image can be had; the size is set where it was
/// understood. Takes no memory. Sources: Windows GDI (BITMAPV5HEADER and before), OS/2 Presentation Manager
/// (BITMAPINFOHEADER2), and BMP Suite for what readers agree on beyond them.
[[nodiscard]] CodecStatus read_bmp_header(Bytes file, BmpHeader& header);

}  // namespace pixmill::pipeline
