#pragma once

#include "pipeline/codecs/codec.hpp"

namespace pixmill::pipeline {

/// Two levels become CCITT Group 4, 0 being white as fax readers expect; anything else deflate with horizontal
/// differences, in strips of about 256 KiB. Alpha is not premultiplied. Of metadata it keeps the ICC profile,
/// the resolution and, of EXIF, what ExifParts takes of it; its byte order is that of the EXIF, else little-endian.
[[nodiscard]] std::unique_ptr<Encoder> make_tiff_encoder();

}  // namespace pixmill::pipeline
