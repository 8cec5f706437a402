#include "pipeline/codecs/png_inflater.hpp"

#include "pipeline/codecs/byte_order.hpp"

#include <libdeflate.h>

#include <new>

namespace pixmill::pipeline {

namespace {

constexpr std::size_t kDecompressorBytes = std::size_t{16} << 10;
constexpr std::size_t kChunkFrame = 12;
/// No byte of deflate's gives more (a repeat of 258 bytes in two bits).
constexpr std::size_t kMostRatio = 1032;

/// The data of the chunk at `offset`.
Bytes data_at(Bytes file, std::size_t offset) { return file.subspan(offset + 8, read_big32(file, offset)); }

}  // namespace

void PngInflater::Free::operator()(libdeflate_decompressor* decompressor) const {
  libdeflate_free_decompressor(decompressor);
}

PngInflater::PngInflater() : decompressor_(libdeflate_alloc_decompressor()) {
  if (!decompressor_) throw std::bad_alloc();
}

std::uint64_t PngInflater::need(const PngLayout& layout, std::uint64_t bytes) {
  return kDecompressorBytes + bytes + (layout.data_end - layout.data_begin);
}

Bytes PngInflater::run(Bytes file, const PngLayout& layout, std::size_t bytes) {
  const Bytes data = deflated(file, layout);
  if (data.size() < bytes / kMostRatio) return {};
  if (lines_.size() < bytes) {
    std::vector<std::byte>().swap(lines_);
    lines_.resize(bytes);
  }
  const libdeflate_result result =
      libdeflate_zlib_decompress(decompressor_.get(), data.data(), data.size(), lines_.data(), bytes, nullptr);
  return result == LIBDEFLATE_SUCCESS ? Bytes(lines_).first(bytes) : Bytes();
}

Bytes PngInflater::deflated(Bytes file, const PngLayout& layout) {
  const Bytes first = data_at(file, layout.data_begin);
  if (layout.data_begin + kChunkFrame + first.size() == layout.data_end) return first;
  deflated_.clear();
  deflated_.reserve(layout.data_end - layout.data_begin);
  for (std::size_t at = layout.data_begin; at < layout.data_end;) {
    const Bytes part = data_at(file, at);
    deflated_.insert(deflated_.end(), part.begin(), part.end());
    at += kChunkFrame + part.size();
  }
  return deflated_;
}

void PngInflater::trim(std::size_t keep_bytes) {
  if (deflated_.capacity() > keep_bytes) std::vector<std::byte>().swap(deflated_);
  if (lines_.capacity() > keep_bytes) std::vector<std::byte>().swap(lines_);
}

}  // namespace pixmill::pipeline
