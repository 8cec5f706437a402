#pragma once

#include "pipeline/codecs/codec.hpp"

namespace pixmill::pipeline {

/// How many scans begin in `rest`, the bytes of a JPEG file from some marker on, up to its end-of-image marker.
///
/// Stops counting beyond `enough`. Decodes nothing: a look at the markers, about a tenth of a millisecond a megabyte,
/// so that a file that would be scanned thousands of times over is refused before the first.
[[nodiscard]] int count_jpeg_scans(Bytes rest, int enough);

/// A marker with data.
struct JpegSegment {
  std::uint32_t marker = 0;  ///< Its second byte: 0xE1 is APP1.
  Bytes data;                ///< Without the marker and the length.
};

/// Walks over the segments before the first scan of a JPEG file, as libjpeg meets them. Copies nothing.
class JpegSegmentWalk {
 public:
  explicit JpegSegmentWalk(Bytes file) : file_(file) {}
  /// False: there is no other, or the file ends in it.
  bool next(JpegSegment& segment);

 private:
  Bytes file_;
  std::size_t at_ = 2;  // behind the start-of-image marker
};

/// Whether decoding the JPEG file in `rest` (from some marker on) takes memory for all its coefficients: it is
/// progressive, or its first scan does not have all components. Reads up to the first scan; true if it finds none.
[[nodiscard]] bool jpeg_keeps_coefficients(Bytes rest);

}  // namespace pixmill::pipeline
