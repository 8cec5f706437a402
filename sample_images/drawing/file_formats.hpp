#pragma once

#include "sample_images/drawing/picture.hpp"

#include <vector>

namespace pixmill::samples {

using FileBytes = std::vector<unsigned char>;

/// PNG files, one function a kind. Values are 0 to 1; what lies beyond is clipped.
[[nodiscard]] FileBytes png_gray8(const Mask& gray);
[[nodiscard]] FileBytes png_gray16(const Mask& gray);
[[nodiscard]] FileBytes png_two_level(const Mask& gray);
[[nodiscard]] FileBytes png_gray_alpha8(const Mask& gray, const Mask& alpha);
[[nodiscard]] FileBytes png_rgb8(const Picture& picture, bool interlaced = false);
[[nodiscard]] FileBytes png_rgb16(const Picture& picture);
[[nodiscard]] FileBytes png_rgba8(const Picture& picture, const Mask& alpha);
/// Four bits a pixel: `indices` into at most 16 colours.
[[nodiscard]] FileBytes png_palette4(const Plane<int>& indices, const std::vector<Colour>& palette);

struct JpegForm {
  int quality = 85;
  bool gray = false;  ///< One component.
  bool cmyk = false;  ///< As Photoshop writes it: YCCK, inverted, with an Adobe marker.
  bool progressive = false;
  int orientation = 1;  ///< EXIF; other than 1 adds an EXIF block. The picture is stored as it is.
};
[[nodiscard]] FileBytes jpeg(const Picture& picture, const JpegForm& form);

}  // namespace pixmill::samples
