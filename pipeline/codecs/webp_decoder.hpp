#pragma once

#include "pipeline/codecs/codec.hpp"

namespace pixmill::pipeline {

/// WebP by libwebp: lossy, lossless, with alpha, extended. Of an animation, the first frame on a transparent canvas
/// (black once alpha is dropped), whatever background colour the file suggests. Pixels are those of libwebp's simple
/// functions: fancy upsampling, no dithering. There is no gray WebP: always 3 channels, or 4 with alpha.
[[nodiscard]] std::unique_ptr<Decoder> make_webp_decoder();

}  // namespace pixmill::pipeline
