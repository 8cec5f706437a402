#pragma once

#include "pipeline/codecs/codec.hpp"

namespace pixmill::pipeline {

/// The first picture of a TIFF. Integer samples of up to 16 bits and floating-point ones are read; those become 16
/// bits, and `detail` says how although the verdict is ok.
[[nodiscard]] std::unique_ptr<Decoder> make_tiff_decoder();

}  // namespace pixmill::pipeline
