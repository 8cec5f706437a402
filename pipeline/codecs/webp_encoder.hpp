#pragma once

#include "pipeline/codecs/codec.hpp"

namespace pixmill::pipeline {

/// WebP by libwebp on one thread: lossy at the quality asked for, its alpha without loss; two-level images are written
/// without loss, which is both exact and many times smaller. At most 16,383 pixels on a side.
[[nodiscard]] std::unique_ptr<Encoder> make_webp_encoder();

}  // namespace pixmill::pipeline
