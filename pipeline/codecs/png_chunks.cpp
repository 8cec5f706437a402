#include "pipeline/codecs/png_chunks.hpp"

#include "pipeline/codecs/byte_order.hpp"

#include <libdeflate.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace pixmill::pipeline {

namespace {

constexpr std::size_t kFrameBytes = kPngChunkPrefix + kPngChunkSum;
constexpr std::array<unsigned char, 8> kSignature{0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};

std::size_t chunks_for(std::size_t data_bytes, std::size_t max_chunk) {
  return std::max<std::size_t>((data_bytes + max_chunk - 1) / max_chunk, 1);
}

}  // namespace

std::size_t png_overhead(std::size_t data_bytes) {
  // Signature, IHDR, IEND, and the frames of the IDATs.
  return kSignature.size() + kFrameBytes + 13 + kFrameBytes + chunks_for(data_bytes, kMaxPngChunk) * kFrameBytes;
}

void frame_png_chunk(std::byte* at, const char* type, std::size_t length) {
  write_big32(at, static_cast<std::uint32_t>(length));
  std::memcpy(at + 4, type, 4);
  write_big32(at + kPngChunkPrefix + length, libdeflate_crc32(0, at + 4, length + 4));
}

void wrap_png(const PngHeader& header, std::size_t data_start, std::size_t data_bytes, std::size_t max_chunk,
              std::vector<std::byte>& out) {
  const std::size_t first = data_start - kPngChunkPrefix;
  const std::size_t chunks = chunks_for(data_bytes, max_chunk);
  out.resize(first + data_bytes + chunks * kFrameBytes + kFrameBytes);
  std::byte* const start = out.data();
  std::memcpy(start, kSignature.data(), kSignature.size());
  std::byte* ihdr = start + kSignature.size();
  write_big32(ihdr + 8, header.width);
  write_big32(ihdr + 12, header.height);
  const std::array<std::byte, 5> rest{static_cast<std::byte>(header.bit_depth),
                                      static_cast<std::byte>(header.colour_type)};
  std::memcpy(ihdr + 16, rest.data(), rest.size());
  frame_png_chunk(ihdr, "IHDR", 13);
  // From the last to the first: each moves up by the frames of those before it.
  for (std::size_t i = chunks; i-- > 0;) {
    const std::size_t length = std::min(max_chunk, data_bytes - i * max_chunk);
    std::byte* at = start + first + i * (max_chunk + kFrameBytes);
    std::memmove(at + kPngChunkPrefix, start + data_start + i * max_chunk, length);
    frame_png_chunk(at, "IDAT", length);
  }
  frame_png_chunk(start + out.size() - kFrameBytes, "IEND", 0);
}

}  // namespace pixmill::pipeline
