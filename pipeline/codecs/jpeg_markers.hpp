#pragma once

#include "pipeline/codecs/codec.hpp"

namespace pixmill::pipeline {

/// How many scans begin in `rest`, the bytes of a JPEG file from some marker on, up to its end-of-image marker.
///
/// Stops counting beyond `enough`. Decodes nothing: a look at the markers, about a tenth of a millisecond a megabyte,
/// so that a file that would be scanned thousands of times over is refused before the first.
[[nodiscard]] int count_jpeg_scans(Bytes rest, int enough);

}  // namespace pixmill::pipeline
