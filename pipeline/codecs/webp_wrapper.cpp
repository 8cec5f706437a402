#include "pipeline/codecs/webp_wrapper.hpp"

#include "pipeline/codecs/byte_order.hpp"

#include <array>
#include <cstring>

namespace pixmill::pipeline {

namespace {

constexpr std::size_t kRiffBytes = 12;
constexpr std::size_t kPrefixBytes = 8;
constexpr std::size_t kExtendedBytes = kPrefixBytes + 10;
constexpr std::size_t kMostBytes = 0xFFFFFFF0;
constexpr unsigned kProfileFlag = 0x20;
constexpr unsigned kAlphaFlag = 0x10;
constexpr unsigned kExifFlag = 0x08;

void write_little32(std::byte* at, std::size_t value) {
  for (int i = 0; i < 4; ++i) at[i] = static_cast<std::byte>(value >> (8 * i) & 0xFF);
}

void write_little24(std::byte* at, std::uint32_t value) {
  for (int i = 0; i < 3; ++i) at[i] = static_cast<std::byte>(value >> (8 * i) & 0xFF);
}

std::size_t chunk_bytes(std::size_t length) { return kPrefixBytes + length + (length & 1); }

/// Writes a chunk where there is room for it, and gives where the next one goes.
std::byte* write_chunk(std::byte* at, const char* type, Bytes data) {
  std::memcpy(at, type, 4);
  write_little32(at + 4, data.size());
  std::memcpy(at + kPrefixBytes, data.data(), data.size());
  if ((data.size() & 1) != 0) at[kPrefixBytes + data.size()] = std::byte{0};
  return at + chunk_bytes(data.size());
}

bool begins_with(Bytes file, const char* type) { return std::memcmp(file.data() + kRiffBytes, type, 4) == 0; }

}  // namespace

void add_webp_metadata(std::vector<std::byte>& file, std::uint32_t width, std::uint32_t height,
                       const Metadata& metadata) {
  const std::size_t profile = metadata.icc.empty() ? 0 : chunk_bytes(metadata.icc.size());
  const std::size_t exif = metadata.exif.empty() ? 0 : chunk_bytes(metadata.exif.size());
  if ((profile == 0 && exif == 0) || file.size() + kExtendedBytes + profile + exif > kMostBytes) return;

  const bool extended = begins_with(file, "VP8X");
  // A VP8L says in its own header whether it has alpha.
  const bool alpha = begins_with(file, "VP8L") && (byte_at(file, kRiffBytes + kPrefixBytes + 4) >> 4 & 1) != 0;
  unsigned flags = extended ? byte_at(file, kRiffBytes + kPrefixBytes) : alpha ? kAlphaFlag : 0;
  if (profile > 0) flags |= kProfileFlag;
  if (exif > 0) flags |= kExifFlag;

  // The extended header first, the profile before the image data, EXIF after it (RFC 9649, 2.7).
  const std::size_t old_start = kRiffBytes + (extended ? kExtendedBytes : 0);
  const std::size_t image = file.size() - old_start;
  const std::size_t new_start = kRiffBytes + kExtendedBytes + profile;
  file.resize(new_start + image + exif);
  std::byte* const start = file.data();
  std::memmove(start + new_start, start + old_start, image);
  std::array<std::byte, kExtendedBytes - kPrefixBytes> header{static_cast<std::byte>(flags)};
  write_little24(header.data() + 4, width - 1);
  write_little24(header.data() + 7, height - 1);
  std::byte* next = write_chunk(start + kRiffBytes, "VP8X", header);
  if (profile > 0) write_chunk(next, "ICCP", metadata.icc);
  if (exif > 0) write_chunk(start + new_start + image, "EXIF", metadata.exif);
  write_little32(start + 4, file.size() - kPrefixBytes);
}

}  // namespace pixmill::pipeline
