#pragma once

#include "pipeline/codecs/codec.hpp"

#include <array>
#include <optional>

namespace pixmill::pipeline {

/// Where a chunk lies in its file.
struct WebpChunk {
  std::array<char, 4> type{};
  std::size_t offset = 0;  ///< Of its type.
  std::size_t length = 0;  ///< Of its data, as far as the file has it.
};

/// The chunks of a WebP that pixels depend on, and the first damage among them (RFC 9649).
///
/// An animation is what its first frame shows: that frame alone on a transparent canvas.
struct WebpLayout {
  std::uint32_t width = 0;  ///< The canvas.
  std::uint32_t height = 0;
  bool animated = false;
  bool has_alpha = false;  ///< The file says so, or the first frame leaves some of the canvas free.
  int orientation = 1;

  std::uint32_t x = 0;  ///< Where the picture lies on the canvas; it lies inside.
  std::uint32_t y = 0;
  std::uint32_t frame_width = 0;
  std::uint32_t frame_height = 0;
  bool lossless = false;                  ///< VP8L, else VP8.
  WebpChunk picture;                      ///< Meaningful where the layout was usable.
  std::optional<WebpChunk> transparency;  ///< The ALPH that belongs to a VP8.

  std::optional<WebpChunk> profile;  ///< ICCP.
  std::optional<WebpChunk> exif;
  CodecStatus damage;  ///< ok, or the first thing wrong with the container.
};

/// Reads the chunk list of `file`. Not usable: no picture can be had from it, and why; width and height are set if a
/// header was understood. Otherwise `layout.damage` may still hold what is wrong further on. Takes no memory; costs a
/// step a chunk.
[[nodiscard]] CodecStatus read_webp_layout(Bytes file, WebpLayout& layout);

/// The data of a chunk.
[[nodiscard]] Bytes webp_data(Bytes file, const WebpChunk& chunk);
/// A chunk of EXIF without the "Exif\0\0" that some writers put before the TIFF structure; empty if there is none.
[[nodiscard]] Bytes webp_exif(Bytes file, const WebpLayout& layout);
/// The chunk's type for people: what cannot be printed is '?'.
[[nodiscard]] std::string webp_name(const WebpChunk& chunk);

}  // namespace pixmill::pipeline
