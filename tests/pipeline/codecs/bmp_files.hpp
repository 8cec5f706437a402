#pragma once

#include "pipeline/codecs/codec.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <vector>

/// BMP files of every kind, sound and not, and what they show, both the plain way.
namespace pixmill::pipeline {

struct BmpSpec {
  const char* name = "";
  int bits = 24;
  std::uint32_t info_bytes = 40;
  std::uint32_t compression = 0;
  std::vector<std::uint32_t> masks = {};                  ///< R, G, B, alpha; behind 40 bytes, else inside.
  std::vector<std::array<std::uint8_t, 3>> palette = {};  ///< B, G, R.
  std::int64_t colours_field = -1;                        ///< What the header claims; -1: the palette's entries.
  std::int32_t width = 7;
  std::int32_t height = 5;         ///< Negative: the first line is the uppermost.
  std::size_t gap = 0;             ///< Bytes between palette and pixels.
  std::int64_t offset_field = -1;  ///< Where the pixels begin; -1: where they do.
  std::uint32_t file_bytes_field = 0;
  std::uint16_t planes = 1;
};

/// A palette of `entries` colours, or grays.
[[nodiscard]] std::vector<std::array<std::uint8_t, 3>> make_palette(int entries, bool gray);
/// Pixel values that use all bits that there are (indexes: the palette), row by row from the top.
[[nodiscard]] std::vector<std::uint32_t> make_bmp_pixels(const BmpSpec& spec);
/// Headers, masks and palette, then `data` as it is.
[[nodiscard]] std::vector<std::byte> make_bmp_with(const BmpSpec& spec, std::span<const std::uint8_t> data);
/// The pixels packed into lines.
[[nodiscard]] std::vector<std::byte> make_bmp(const BmpSpec& spec, std::span<const std::uint32_t> pixels);
/// The lines of a picture, run-length encoded by `bits` (4, 8 or 24): runs and literal pixels by turns.
[[nodiscard]] std::vector<std::uint8_t> encode_runs(const BmpSpec& spec, std::span<const std::uint32_t> pixels);
/// What a reader should see: gray, B G R, or B G R alpha, each sample from its definition.
[[nodiscard]] cv::Mat bmp_reference(const BmpSpec& spec, std::span<const std::uint32_t> pixels);

}  // namespace pixmill::pipeline
