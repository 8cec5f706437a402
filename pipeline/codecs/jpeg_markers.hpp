#pragma once

#include "pipeline/codecs/codec.hpp"

namespace pixmill::pipeline {

/// How many scans begin in `rest`, the bytes of a JPEG file from some marker on, up to its end-of-image marker.
///
/// Stops counting beyond `enough`. Decodes nothing: a look at the markers, about a tenth of a millisecond a megabyte,
/// so that a file that would be scanned thousands of times over is refused before the first.
[[nodiscard]] int count_jpeg_scans(Bytes rest, int enough);

/// Whether decoding the JPEG file in `rest` (from some marker on) takes memory for all its coefficients: it is
/// progressive, or its first scan does not have all components. Reads up to the first scan; true if it finds none.
[[nodiscard]] bool jpeg_keeps_coefficients(Bytes rest);

}  // namespace pixmill::pipeline
