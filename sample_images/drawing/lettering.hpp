#pragma once

#include "sample_images/drawing/picture.hpp"

#include <string_view>
#include <vector>

/// A stroke alphabet of our own: letters are pen paths, as on engineering drawings. ASCII only.
namespace pixmill::samples {

/// The pen's paths for a line of text. Units: capitals are 6 high, the first base line begins at (0, 0), y downwards.
/// Characters without a glyph are left blank.
[[nodiscard]] std::vector<std::vector<Point>> text_paths(std::string_view text, double letter_gap = 1.8);
/// How far the line reaches, in the same units.
[[nodiscard]] double text_width(std::string_view text, double letter_gap = 1.8);

struct TextStyle {
  double size_px = 12;     ///< Height of capitals.
  double radius_px = 0.8;  ///< Half the width of the pen.
  double radians = 0;
  double letter_gap = 1.8;
};
/// Writes a line whose base line begins at `start`.
void write_text(Mask& mask, std::string_view text, Point start, const TextStyle& style);
/// The same, centred about `middle` (of the base line).
void write_centred(Mask& mask, std::string_view text, Point middle, const TextStyle& style);
/// Directly onto a picture.
void write_text(Picture& picture, std::string_view text, Point start, const TextStyle& style, Colour colour);
void write_centred(Picture& picture, std::string_view text, Point middle, const TextStyle& style, Colour colour);

}  // namespace pixmill::samples
