#pragma once

#include "pipeline/codecs/codec.hpp"

namespace pixmill::pipeline {

/// The orientation, 1–8, that an EXIF block asks for; 1 if it says nothing, or nonsense.
///
/// `tiff` begins at the byte-order mark ("II*\0" or "MM\0*"): a JPEG's APP1 after "Exif\0\0", a PNG's eXIf as it is.
/// Looks at the first directory only. Every offset is checked; any bytes are safe. Costs one pass over at most 65,535
/// directory entries. EXIF 2.32, 4.6.4: tag 0x0112, SHORT, count 1.
[[nodiscard]] int exif_orientation(Bytes tiff);

/// Whether a block begins like the TIFF structure that EXIF is; all else about it may still be wrong.
[[nodiscard]] bool begins_like_exif(Bytes tiff);

/// Pixels a metre; 0: not said.
struct ExifResolution {
  double x = 0;
  double y = 0;
};
/// What an EXIF block says of its image's resolution, in inches or centimetres (tags 0x011A, 0x011B and 0x0128); both
/// are 0 if one is missing or nonsense. As safe and as costly as exif_orientation().
[[nodiscard]] ExifResolution exif_resolution(Bytes tiff);

}  // namespace pixmill::pipeline
