#include "pipeline/codecs/png_stream.hpp"

#include "pipeline/codecs/byte_order.hpp"

#include <algorithm>
#include <cstring>

namespace pixmill::pipeline {

namespace {

constexpr std::array<unsigned char, 12> kEndChunk{0, 0, 0, 0, 'I', 'E', 'N', 'D', 0xAE, 0x42, 0x60, 0x82};
constexpr std::array<unsigned char, 2> kZlibHeader{0x78, 0x01};
/// Deflate's stored block (RFC 1951, 3.2.4) of as many bytes as one may have: not the last, the length, its complement.
constexpr std::size_t kMostStored = 65535;
constexpr std::array<unsigned char, 5> kFullBlock{0, 0xFF, 0xFF, 0, 0};
/// Where zlib's sum of the data would be, and the chunk's.
constexpr std::array<unsigned char, 4> kNoSum{};

Bytes whole(Bytes file, const PngChunk& chunk) { return file.subspan(chunk.offset, chunk.length + 12); }

template <typename Array>
Bytes bytes_of(const Array& array) {
  return std::as_bytes(std::span(array));
}

}  // namespace

void PngStream::open(Bytes file, const PngLayout& layout) {
  begin(file, layout);
  if (!layout.cut_data) {
    add(file.subspan(layout.data_begin, layout.data_end - layout.data_begin));
    add(bytes_of(kEndChunk));
    return;
  }
  const PngChunk& cut = *layout.cut_data;
  add(file.subspan(layout.data_begin, cut.offset - layout.data_begin));
  add_prefix(cut.length);
  add(file.subspan(cut.offset + 8, cut.length));
}

void PngStream::open_inflated(Bytes file, const PngLayout& layout, Bytes lines) {
  begin(file, layout);
  const std::size_t full_blocks = lines.empty() ? 0 : (lines.size() - 1) / kMostStored;
  const std::size_t rest = lines.size() - full_blocks * kMostStored;
  const auto low = static_cast<std::byte>(rest & 0xFF);
  const auto high = static_cast<std::byte>(rest >> 8);
  last_block_ = {std::byte{1}, low, high, ~low, ~high};
  add_prefix(kZlibHeader.size() + (full_blocks + 1) * last_block_.size() + lines.size() + kNoSum.size());
  add(bytes_of(kZlibHeader));
  for (std::size_t i = 0; i < full_blocks; ++i) {
    add(bytes_of(kFullBlock));
    add(lines.subspan(i * kMostStored, kMostStored));
  }
  add(last_block_);
  add(lines.last(rest));
  add(bytes_of(kNoSum));
  add(bytes_of(kNoSum));
  add(bytes_of(kEndChunk));
}

void PngStream::begin(Bytes file, const PngLayout& layout) {
  pieces_.clear();
  current_ = left_ = 0;
  add(file.first(kPngHeaderEnd));
  if (layout.palette) add(whole(file, *layout.palette));
}

void PngStream::add(Bytes piece) {
  pieces_.push_back(piece);
  left_ += piece.size();
}

void PngStream::add_prefix(std::size_t length) {
  constexpr std::array<char, 4> kName{'I', 'D', 'A', 'T'};
  write_big32(prefix_.data(), static_cast<std::uint32_t>(length));
  std::memcpy(prefix_.data() + 4, kName.data(), kName.size());
  add(prefix_);
}

bool PngStream::read(std::byte* out, std::size_t bytes) {
  if (bytes > left_) return false;
  left_ -= bytes;
  while (bytes > 0) {
    Bytes& piece = pieces_[current_];
    const std::size_t part = std::min(bytes, piece.size());
    std::memcpy(out, piece.data(), part);
    piece = piece.subspan(part);
    if (piece.empty()) ++current_;
    out += part;
    bytes -= part;
  }
  return true;
}

}  // namespace pixmill::pipeline
