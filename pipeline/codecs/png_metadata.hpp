#pragma once

#include "pipeline/codecs/png_layout.hpp"

struct libdeflate_compressor;

namespace pixmill::pipeline {

/// What the chunks iCCP, eXIf and pHYs (in pixels a metre) of a PNG file say. A profile is inflated into at most
/// kMostMetadataBytes, whatever it claims: about 10 ms at the worst. Any bytes are safe; `layout` is the file's.
void read_png_metadata(Bytes file, const PngLayout& layout, Metadata& metadata);

/// Upper bound of what write_png_metadata() writes.
[[nodiscard]] std::size_t png_metadata_bound(const Metadata& metadata);

/// Sets `out` to kPngChunksStart bytes of anything and the chunks of that metadata behind them. The detail tells what
/// is left out. Throws std::bad_alloc.
CodecStatus write_png_metadata(const Metadata& metadata, libdeflate_compressor* compressor,
                               std::vector<std::byte>& out);

}  // namespace pixmill::pipeline
