#include "pipeline/codecs/size_limits.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace pixmill::pipeline {

CodecStatus check_limits(const kernels::FrameShape& shape, std::uint64_t decoder_bytes, const DecodeLimits& limits) {
  const auto longest = static_cast<std::uint64_t>(std::max(shape.width, shape.height));
  if (longest > limits.max_side) {
    return {Verdict::too_large, fmt::format("the header claims {} x {} pixels; sides up to {} are read (--max-side)",
                                            shape.width, shape.height, limits.max_side)};
  }
  if (shape.pixels() > limits.max_pixels) {
    return {Verdict::too_large, fmt::format("the header claims {} x {} = {} pixels; up to {} are read (--max-pixels)",
                                            shape.width, shape.height, shape.pixels(), limits.max_pixels)};
  }
  if (decoder_bytes > limits.max_memory) {
    return {Verdict::too_large, fmt::format("{} x {} pixels need {} bytes to decode; {} are allowed (--max-memory)",
                                            shape.width, shape.height, decoder_bytes, limits.max_memory)};
  }
  return {};
}

}  // namespace pixmill::pipeline
