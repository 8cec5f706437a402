#pragma once

#include "pipeline/codecs/codec.hpp"

namespace pixmill::pipeline {

/// Gray as PGM, colours as PPM, and a bitmap that still is black and white as PBM.
[[nodiscard]] std::unique_ptr<Encoder> make_pnm_encoder();
/// All as PPM.
[[nodiscard]] std::unique_ptr<Encoder> make_ppm_encoder();

}  // namespace pixmill::pipeline
