#pragma once

#include "pipeline/codecs/tiff_layout.hpp"

#include <vector>

namespace pixmill::pipeline {

/// Writes the header and directory of a TIFF whose only strip is one block of `layout`, `rows` high and `bytes` long;
/// the block belongs right behind them. Byte order as in the file itself, so that libtiff turns samples into this
/// machine's. `compression` is the layout's, unless libtiff had better take the block for another. Replaces `out`.
void write_tiff_strip_file(const TiffLayout& layout, int compression, std::uint32_t rows, std::uint64_t bytes,
                           std::vector<std::byte>& out);

/// JPEGTables longer than this are not believed.
inline constexpr std::size_t kMostJpegTables = std::size_t{64} << 10;

}  // namespace pixmill::pipeline
