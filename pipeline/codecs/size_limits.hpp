#pragma once

#include "pipeline/codecs/codec.hpp"

namespace pixmill::pipeline {

/// ok, or too-large with the numbers, for an image of that shape whose decoder takes `decoder_bytes`.
[[nodiscard]] CodecStatus check_limits(const kernels::FrameShape& shape, std::uint64_t decoder_bytes,
                                       const DecodeLimits& limits);

}  // namespace pixmill::pipeline
