#include "pipeline/codecs/png_stream.hpp"

#include "pipeline/codecs/byte_order.hpp"

#include <algorithm>
#include <cstring>

namespace pixmill::pipeline {

namespace {

constexpr std::array<unsigned char, 12> kEndChunk{0, 0, 0, 0, 'I', 'E', 'N', 'D', 0xAE, 0x42, 0x60, 0x82};

Bytes whole(Bytes file, const PngChunk& chunk) { return file.subspan(chunk.offset, chunk.length + 12); }

}  // namespace

void PngStream::open(Bytes file, const PngLayout& layout) {
  count_ = current_ = left_ = 0;
  add(file.first(kPngHeaderEnd));
  if (layout.palette) add(whole(file, *layout.palette));
  if (!layout.cut_data) {
    add(file.subspan(layout.data_begin, layout.data_end - layout.data_begin));
    add(std::as_bytes(std::span(kEndChunk)));
    return;
  }
  const PngChunk& cut = *layout.cut_data;
  add(file.subspan(layout.data_begin, cut.offset - layout.data_begin));
  write_big32(cut_prefix_.data(), static_cast<std::uint32_t>(cut.length));
  std::memcpy(cut_prefix_.data() + 4, cut.type.data(), cut.type.size());
  add(cut_prefix_);
  add(file.subspan(cut.offset + 8, cut.length));
}

void PngStream::add(Bytes piece) {
  pieces_[count_++] = piece;
  left_ += piece.size();
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
