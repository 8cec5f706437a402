#pragma once

#include "pipeline/codecs/codec.hpp"

#include <array>
#include <optional>

namespace pixmill::pipeline {

/// Where a chunk lies in its file.
struct PngChunk {
  std::array<char, 4> type{};
  std::size_t offset = 0;  ///< Of its length field.
  std::size_t length = 0;  ///< Of its data, as far as the file has it.
};

/// The chunks of a PNG that pixels depend on, and the first damage among them.
///
/// Ancillary chunks other than tRNS and eXIf are passed over by their lengths: neither text, profiles nor their
/// compressed payloads are ever looked into here. Where those lie that read_png_metadata() may want is noted.
struct PngLayout {
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  int bit_depth = 0;
  int colour_type = 0;
  bool interlaced = false;
  int orientation = 1;
  std::optional<PngChunk> palette;       ///< Of an indexed image.
  std::optional<PngChunk> transparency;  ///< A tRNS that is sound.
  std::size_t data_begin = 0;            ///< The IDAT chunks lie side by side, from here …
  std::size_t data_end = 0;              ///< … to here; equal if there are none.
  std::optional<PngChunk> cut_data;      ///< The IDAT that the file ends in, the last before data_end.
  std::optional<PngChunk> exif;          ///< The eXIf that the orientation is from; its sum is right.
  std::optional<PngChunk> profile;       ///< The first iCCP before the data, unread.
  std::optional<PngChunk> density;       ///< The first pHYs before the data, unread.
  CodecStatus damage;                    ///< ok, or the first thing wrong after a good header.

  [[nodiscard]] int palette_entries() const { return palette ? static_cast<int>(palette->length / 3) : 0; }
};

inline constexpr std::size_t kPngHeaderEnd = 33;  ///< Signature and IHDR.

/// The data of a chunk that the file has whole.
[[nodiscard]] Bytes png_chunk_data(Bytes file, const PngChunk& chunk);
/// Whether the checksum of such a chunk is right.
[[nodiscard]] bool png_sum_is_right(Bytes file, const PngChunk& chunk);

/// Reads the chunk list of `file`. Not usable: no image can be had from it, and why. Otherwise `layout.damage` may
/// still hold what is wrong further on. Takes no memory.
[[nodiscard]] CodecStatus read_png_layout(Bytes file, PngLayout& layout);

/// Checks the sums of the IDAT chunks, and sets `layout.damage` where it is ok and one is wrong. About 0.1 ms a
/// megabyte.
void check_png_data(Bytes file, PngLayout& layout);

}  // namespace pixmill::pipeline
