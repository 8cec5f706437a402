#include "tests/pipeline/codecs/png_files.hpp"

#include "pipeline/codecs/byte_order.hpp"

#include <libdeflate.h>

#include <algorithm>
#include <array>

namespace pixmill::pipeline {

namespace {

struct Pass {
  std::uint32_t x, y, step_x, step_y;
};
constexpr std::array<Pass, 1> kWhole{{{0, 0, 1, 1}}};
constexpr std::array<Pass, 7> kAdam7{
    {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}}};

std::uint32_t channels_of(int colour_type) {
  return colour_type == 2 ? 3 : colour_type == 4 ? 2 : colour_type == 6 ? 4 : 1;
}

}  // namespace

void append(std::vector<std::byte>& out, Bytes more) { out.insert(out.end(), more.begin(), more.end()); }

std::vector<std::byte> to_bytes(std::initializer_list<int> values) {
  std::vector<std::byte> bytes;
  for (const int value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

std::vector<std::byte> png_chunk(std::string_view type, Bytes data) {
  std::vector<std::byte> chunk(data.size() + 12);
  write_big32(chunk.data(), static_cast<std::uint32_t>(data.size()));
  for (std::size_t i = 0; i < 4; ++i) chunk[4 + i] = static_cast<std::byte>(type[i]);
  std::copy(data.begin(), data.end(), chunk.begin() + 8);
  write_big32(chunk.data() + 8 + data.size(), libdeflate_crc32(0, chunk.data() + 4, data.size() + 4));
  return chunk;
}

std::vector<std::byte> png_start(const PngSpec& spec) {
  std::vector<std::byte> file = to_bytes({0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'});
  std::vector<std::byte> header(13);
  write_big32(header.data(), spec.width);
  write_big32(header.data() + 4, spec.height);
  header[8] = static_cast<std::byte>(spec.bit_depth);
  header[9] = static_cast<std::byte>(spec.colour_type);
  header[12] = static_cast<std::byte>(spec.interlaced ? 1 : 0);
  append(file, png_chunk("IHDR", header));
  return file;
}

std::vector<std::byte> deflated(std::span<const std::uint8_t> data) {
  libdeflate_compressor* compressor = libdeflate_alloc_compressor(6);
  std::vector<std::byte> out(libdeflate_zlib_compress_bound(compressor, data.size()));
  out.resize(libdeflate_zlib_compress(compressor, data.data(), data.size(), out.data(), out.size()));
  libdeflate_free_compressor(compressor);
  return out;
}

std::vector<std::byte> make_png(const PngSpec& spec, std::span<const std::uint8_t> lines, Bytes before_data,
                                std::size_t split) {
  std::vector<std::byte> file = png_start(spec);
  append(file, before_data);
  const std::vector<std::byte> data = deflated(lines);
  const std::size_t step = split == 0 ? data.size() : split;
  for (std::size_t at = 0; at < data.size(); at += step) {
    append(file, png_chunk("IDAT", Bytes(data).subspan(at, std::min(step, data.size() - at))));
  }
  append(file, png_chunk("IEND", {}));
  return file;
}

std::vector<std::byte> make_png(const PngSpec& spec, std::initializer_list<std::uint8_t> lines) {
  return make_png(spec, std::vector<std::uint8_t>(lines));
}

std::vector<std::uint8_t> pack_lines(const PngSpec& spec, std::span<const std::uint16_t> samples) {
  const std::uint32_t channels = channels_of(spec.colour_type);
  std::vector<std::uint8_t> lines;
  const std::span<const Pass> passes = spec.interlaced ? std::span<const Pass>(kAdam7) : std::span<const Pass>(kWhole);
  for (const Pass& pass : passes) {
    if (pass.x >= spec.width) continue;
    for (std::uint32_t y = pass.y; y < spec.height; y += pass.step_y) {
      lines.push_back(0);
      unsigned bits = 0;
      int filled = 0;
      for (std::uint32_t x = pass.x; x < spec.width; x += pass.step_x) {
        for (std::uint32_t c = 0; c < channels; ++c) {
          const unsigned sample = samples[(std::size_t{y} * spec.width + x) * channels + c];
          if (spec.bit_depth == 16) lines.push_back(static_cast<std::uint8_t>(sample >> 8));
          bits = bits << (spec.bit_depth == 16 ? 8 : spec.bit_depth) | (sample & 0xFF);
          filled += spec.bit_depth == 16 ? 8 : spec.bit_depth;
          if (filled == 8) lines.push_back(static_cast<std::uint8_t>(bits)), bits = 0, filled = 0;
        }
      }
      if (filled > 0) lines.push_back(static_cast<std::uint8_t>(bits << (8 - filled)));
    }
  }
  return lines;
}

}  // namespace pixmill::pipeline
