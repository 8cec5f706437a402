#include "pipeline/codecs/exif.hpp"

#include "pipeline/codecs/byte_order.hpp"

namespace pixmill::pipeline {

namespace {

constexpr std::size_t kEntryBytes = 12;
constexpr std::uint32_t kOrientationTag = 0x0112;
constexpr std::uint32_t kTypeShort = 3;
constexpr std::uint32_t kTypeLong = 4;

}  // namespace

int exif_orientation(Bytes tiff) {
  if (tiff.size() < 8) return 1;
  const bool little = byte_at(tiff, 0) == 'I' && byte_at(tiff, 1) == 'I';
  if (!little && (byte_at(tiff, 0) != 'M' || byte_at(tiff, 1) != 'M')) return 1;
  const auto read16 = [&](std::size_t at) { return little ? read_little16(tiff, at) : read_big16(tiff, at); };
  const auto read32 = [&](std::size_t at) { return little ? read_little32(tiff, at) : read_big32(tiff, at); };
  if (read16(2) != 42) return 1;

  const std::size_t directory = read32(4);
  if (directory > tiff.size() - 2) return 1;
  const std::size_t count = read16(directory);
  std::size_t entry = directory + 2;
  for (std::size_t i = 0; i < count && tiff.size() - entry >= kEntryBytes; ++i, entry += kEntryBytes) {
    if (read16(entry) != kOrientationTag) continue;
    // Some writers store it as LONG; the value lies in the entry itself either way.
    const std::uint32_t type = read16(entry + 2);
    if ((type != kTypeShort && type != kTypeLong) || read32(entry + 4) != 1) return 1;
    const std::uint32_t value = type == kTypeShort ? read16(entry + 8) : read32(entry + 8);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

}  // namespace pixmill::pipeline
