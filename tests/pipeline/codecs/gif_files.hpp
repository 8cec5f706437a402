#pragma once

#include "pipeline/codecs/codec.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

/// GIF files of every kind, sound and not.
namespace pixmill::pipeline {

struct GifSpec {
  int canvas_width = 1;
  int canvas_height = 1;
  int left = 0;
  int top = 0;
  int width = 1;
  int height = 1;
  std::vector<std::array<std::uint8_t, 3>> global = {};  ///< R, G, B; a power of two of them, or none.
  std::vector<std::array<std::uint8_t, 3>> local = {};
  int background = 0;
  std::optional<int> transparent = {};
  bool interlaced = false;
  int code_bits = 8;
  std::size_t block_bytes = 255;  ///< Of the blocks that the image data is cut into.
};

/// Indexes compressed by LZW with all that it has: the table grows to 4096 codes and is cleared then.
[[nodiscard]] std::vector<std::uint8_t> compress_gif(std::span<const std::uint8_t> indexes, int bits);
/// All up to the image data, then `data` (which begins with the code size) and the trailer.
[[nodiscard]] std::vector<std::byte> make_gif_with(const GifSpec& spec, std::span<const std::uint8_t> data);
/// `indexes` row by row from the top, whatever the order of the file.
[[nodiscard]] std::vector<std::byte> make_gif(const GifSpec& spec, std::span<const std::uint8_t> indexes);

}  // namespace pixmill::pipeline
