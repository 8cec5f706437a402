#pragma once

#include "pipeline/codecs/codec.hpp"

/// PNG files of every kind, sound and not, built chunk by chunk.
namespace pixmill::pipeline {

struct PngSpec {
  std::uint32_t width = 1;
  std::uint32_t height = 1;
  int bit_depth = 8;
  int colour_type = 0;
  bool interlaced = false;
};

/// A chunk with a right checksum.
[[nodiscard]] std::vector<std::byte> png_chunk(std::string_view type, Bytes data);
/// Signature and IHDR.
[[nodiscard]] std::vector<std::byte> png_start(const PngSpec& spec);
[[nodiscard]] std::vector<std::byte> deflated(std::span<const std::uint8_t> data);
/// A whole file: `lines` are the scan lines as PNG packs them, each after its filter's number; `before_data` are whole
/// chunks that go before the image data, which is split into chunks of `split` bytes (0: one).
[[nodiscard]] std::vector<std::byte> make_png(const PngSpec& spec, std::span<const std::uint8_t> lines,
                                              Bytes before_data = {}, std::size_t split = 0);
[[nodiscard]] std::vector<std::byte> make_png(const PngSpec& spec, std::initializer_list<std::uint8_t> lines);
/// Scan lines (with filter 0) of samples, one a channel and pixel, in PNG's order (R before B); interlaced if asked
/// for.
[[nodiscard]] std::vector<std::uint8_t> pack_lines(const PngSpec& spec, std::span<const std::uint16_t> samples);

void append(std::vector<std::byte>& out, Bytes more);
[[nodiscard]] std::vector<std::byte> to_bytes(std::initializer_list<int> values);

}  // namespace pixmill::pipeline
