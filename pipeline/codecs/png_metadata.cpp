#include "pipeline/codecs/png_metadata.hpp"

#include "pipeline/codecs/byte_order.hpp"
#include "pipeline/codecs/exif.hpp"
#include "pipeline/codecs/png_chunks.hpp"

#include <libdeflate.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <new>

namespace pixmill::pipeline {

namespace {

constexpr std::size_t kDensityBytes = 9;
constexpr std::uint32_t kUnitMetre = 1;
constexpr std::uint32_t kMostInteger = 0x7FFFFFFF;
/// What goes before a deflated profile: its name, a NUL, and the method of compression.
constexpr std::array<char, 5> kProfileStart{'i', 'c', 'c', 0, 0};
constexpr std::size_t kMostName = 79;

struct FreeDecompressor {
  void operator()(libdeflate_decompressor* decompressor) const { libdeflate_free_decompressor(decompressor); }
};

/// Grows the room until the data fits, for a chunk does not say how large its data will be.
libdeflate_result inflate_all(Bytes deflated, std::vector<std::byte>& out) {
  const std::unique_ptr<libdeflate_decompressor, FreeDecompressor> decompressor(libdeflate_alloc_decompressor());
  if (!decompressor) throw std::bad_alloc();
  for (std::size_t room = std::size_t{16} << 10;; room *= 4) {
    room = std::min(room, kMostMetadataBytes);
    // The old room first: both at once are more than is reckoned with.
    if (out.capacity() < room) std::vector<std::byte>().swap(out);
    out.resize(room);
    std::size_t bytes = 0;
    const libdeflate_result result =
        libdeflate_zlib_decompress(decompressor.get(), deflated.data(), deflated.size(), out.data(), room, &bytes);
    if (result != LIBDEFLATE_INSUFFICIENT_SPACE || room == kMostMetadataBytes) {
      out.resize(result == LIBDEFLATE_SUCCESS ? bytes : 0);
      return result;
    }
  }
}

/// iCCP (PNG, 11.3.2.3).
void read_profile(Bytes data, Metadata& metadata) {
  const Bytes start = data.first(std::min(data.size(), kMostName + 1));
  const auto name_end = std::find(start.begin(), start.end(), std::byte{0});
  const auto name = static_cast<std::size_t>(name_end - start.begin());
  const bool deflated = name_end != start.end() && data.size() > name + 2 && data[name + 1] == std::byte{0};
  const libdeflate_result result = deflated ? inflate_all(data.subspan(name + 2), metadata.icc) : LIBDEFLATE_BAD_DATA;
  if (result == LIBDEFLATE_INSUFFICIENT_SPACE) {
    metadata.leave_out("its ICC profile is too large and was left out");
  } else if (result != LIBDEFLATE_SUCCESS) {
    metadata.leave_out("its ICC profile is damaged and was left out");
  }
}

/// pHYs (PNG, 11.3.4.3). Without a unit it is an aspect ratio only.
void read_density(Bytes data, Metadata& metadata) {
  if (data.size() != kDensityBytes || byte_at(data, 8) != kUnitMetre) return;
  const std::uint32_t x = read_big32(data, 0);
  const std::uint32_t y = read_big32(data, 4);
  if (x == 0 || y == 0) return;
  metadata.pixels_per_metre_x = x;
  metadata.pixels_per_metre_y = y;
}

/// Appends room for a chunk and returns where its data goes.
std::byte* add_room(std::vector<std::byte>& out, std::size_t bytes) {
  const std::size_t at = out.size();
  out.resize(at + kPngChunkPrefix + bytes + kPngChunkSum);
  return out.data() + at + kPngChunkPrefix;
}

CodecStatus write_profile(Bytes icc, libdeflate_compressor* compressor, std::vector<std::byte>& out) {
  const std::size_t at = out.size();
  const std::size_t bound = libdeflate_zlib_compress_bound(compressor, icc.size());
  std::byte* const data = add_room(out, kProfileStart.size() + bound);
  std::memcpy(data, kProfileStart.data(), kProfileStart.size());
  const std::size_t deflated =
      libdeflate_zlib_compress(compressor, icc.data(), icc.size(), data + kProfileStart.size(), bound);
  if (deflated == 0) return {Verdict::write_failed, "the ICC profile could not be compressed"};
  const std::size_t length = kProfileStart.size() + deflated;
  frame_png_chunk(out.data() + at, "iCCP", length);
  out.resize(at + kPngChunkPrefix + length + kPngChunkSum);
  return {};
}

void write_chunk(const char* type, Bytes data, std::vector<std::byte>& out) {
  std::byte* const room = add_room(out, data.size());
  std::memcpy(room, data.data(), data.size());
  frame_png_chunk(room - kPngChunkPrefix, type, data.size());
}

/// False: it is none that 31 bits hold.
bool write_density(double x, double y, std::vector<std::byte>& out) {
  const double across = std::round(x);
  const double down = std::round(y);
  if (across < 1 || down < 1 || across > kMostInteger || down > kMostInteger) return false;
  std::array<std::byte, kDensityBytes> data{};
  write_big32(data.data(), static_cast<std::uint32_t>(across));
  write_big32(data.data() + 4, static_cast<std::uint32_t>(down));
  data[8] = static_cast<std::byte>(kUnitMetre);
  write_chunk("pHYs", data, out);
  return true;
}

}  // namespace

void read_png_metadata(Bytes file, const PngLayout& layout, Metadata& metadata) {
  if (layout.profile) {
    if (png_sum_is_right(file, *layout.profile)) {
      read_profile(png_chunk_data(file, *layout.profile), metadata);
    } else {
      metadata.leave_out("its ICC profile is damaged and was left out");
    }
  }
  if (layout.density && png_sum_is_right(file, *layout.density)) {
    read_density(png_chunk_data(file, *layout.density), metadata);
  }
  if (!layout.exif) return;
  const Bytes exif = png_chunk_data(file, *layout.exif);
  if (exif.size() > kMostMetadataBytes) return metadata.leave_out("its EXIF block is too large and was left out");
  if (!begins_like_exif(exif)) return metadata.leave_out("its EXIF block is damaged and was left out");
  metadata.exif.assign(exif.begin(), exif.end());
}

std::size_t png_metadata_bound(const Metadata& metadata) {
  constexpr std::size_t kFrames = 3 * (kPngChunkPrefix + kPngChunkSum) + kProfileStart.size() + kDensityBytes;
  return kFrames + libdeflate_zlib_compress_bound(nullptr, metadata.icc.size()) + metadata.exif.size();
}

CodecStatus write_png_metadata(const Metadata& metadata, libdeflate_compressor* compressor,
                               std::vector<std::byte>& out) {
  out.resize(kPngChunksStart);
  if (!metadata.icc.empty()) {
    CodecStatus status = write_profile(metadata.icc, compressor, out);
    if (!status.usable()) return status;
  }
  Metadata not_held;
  if (metadata.pixels_per_metre_x > 0 &&
      !write_density(metadata.pixels_per_metre_x, metadata.pixels_per_metre_y, out)) {
    not_held.leave_out("its resolution is none that a PNG can state, and was left out");
  }
  if (!metadata.exif.empty()) write_chunk("eXIf", metadata.exif, out);
  return {Verdict::ok, std::move(not_held.left_out)};
}

}  // namespace pixmill::pipeline
