#pragma once

#include "pipeline/codecs/codec.hpp"

#include <cstdint>
#include <vector>

namespace pixmill::pipeline {

/// Adds an ICC profile and EXIF to `file`, a WebP without either as libwebp writes it: gives it the extended header
/// (VP8X) that those need. Leaves out what RIFF cannot hold. Throws std::bad_alloc.
void add_webp_metadata(std::vector<std::byte>& file, std::uint32_t width, std::uint32_t height,
                       const Metadata& metadata);

}  // namespace pixmill::pipeline
