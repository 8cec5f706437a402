#pragma once

#include "pipeline/codecs/codec.hpp"

namespace pixmill::pipeline {

/// What the markers of a JPEG file before its first scan say: the ICC profile that its APP2 segments hold in pieces,
/// the first EXIF block (the one whose orientation the decoder goes by), and JFIF's density. A profile whose pieces are
/// not all there, or there twice, is left out, and so is EXIF that is no TIFF structure; `left_out` says so. Any bytes
/// are safe; copies at most twice kMostMetadataBytes.
void read_jpeg_metadata(Bytes file, Metadata& metadata);

/// JFIF's density.
struct JpegDensity {
  int unit = 0;  ///< 1: pixels an inch, 2: pixels a centimetre, 0: not said.
  int x = 1;
  int y = 1;
};
/// The nearest that JFIF can say; unit 0 if that is nothing, or beyond its 16 bits.
[[nodiscard]] JpegDensity jpeg_density(double pixels_per_metre_x, double pixels_per_metre_y);

/// What goes before an EXIF block in its APP1 segment.
inline constexpr std::string_view kJpegExifPrefix{"Exif\0\0", 6};
/// What goes before a piece of a profile in an APP2 segment, followed by the piece's number (from 1) and their count.
inline constexpr std::string_view kJpegIccPrefix{"ICC_PROFILE\0", 12};
/// The most data in a segment, prefix included.
inline constexpr std::size_t kMostJpegSegment = 65533;
inline constexpr std::size_t kMostJpegExif = kMostJpegSegment - kJpegExifPrefix.size();
inline constexpr std::size_t kMostJpegIccPiece = kMostJpegSegment - kJpegIccPrefix.size() - 2;
inline constexpr std::size_t kMostJpegIccPieces = 255;

}  // namespace pixmill::pipeline
