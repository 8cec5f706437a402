#include "pipeline/codecs/exif_block.hpp"

#include <algorithm>
#include <array>

namespace pixmill::pipeline {

namespace {

constexpr std::size_t kHeaderBytes = 8;
constexpr std::size_t kInlineBytes = 4;

/// Bytes of one value of each type, from 1 (BYTE) to 13 (IFD); 0: there is no such type.
constexpr std::array<std::uint64_t, 14> kTypeBytes{0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4};

}  // namespace

ExifBlock::ExifBlock(Bytes tiff) : bytes_(tiff) {
  if (tiff.size() < kHeaderBytes) return;
  little_ = byte_at(tiff, 0) == 'I' && byte_at(tiff, 1) == 'I';
  const bool big = byte_at(tiff, 0) == 'M' && byte_at(tiff, 1) == 'M';
  has_header_ = (little_ || big) && read16(2) == 42;
}

ExifDirectory ExifBlock::directory(std::size_t offset) const {
  if (offset > bytes_.size() || bytes_.size() - offset < 2) return {offset, 0, false};
  const std::size_t claimed = read16(offset);
  const std::size_t room = (bytes_.size() - offset - 2) / ExifEntry::kBytes;
  return {offset, std::min(claimed, room), claimed <= room};
}

std::size_t ExifBlock::next_offset(const ExifDirectory& directory) const {
  if (!directory.whole || bytes_.size() - directory.end() < 4) return 0;
  return read32(directory.end());
}

ExifEntry ExifBlock::entry(const ExifDirectory& directory, std::size_t index) const {
  const std::size_t at = directory.offset + 2 + index * ExifEntry::kBytes;
  return {at, read16(at), read16(at + 2), read32(at + 4)};
}

std::optional<ExifEntry> ExifBlock::find(const ExifDirectory& directory, std::uint32_t tag) const {
  for (std::size_t i = 0; i < directory.entries; ++i) {
    const ExifEntry found = entry(directory, i);
    if (found.tag == tag) return found;
  }
  return std::nullopt;
}

std::optional<std::uint32_t> ExifBlock::number(const ExifEntry& entry) const {
  if (entry.count != 1) return std::nullopt;
  if (entry.type == ExifEntry::kShort) return read16(entry.offset + 8);
  if (entry.type == ExifEntry::kLong) return read32(entry.offset + 8);
  return std::nullopt;
}

std::optional<std::size_t> ExifBlock::pointer(const ExifEntry& entry) const {
  if (entry.count != 1 || (entry.type != ExifEntry::kLong && entry.type != ExifEntry::kIfd)) return std::nullopt;
  return read32(entry.offset + 8);
}

std::optional<ExifRange> ExifBlock::value(const ExifEntry& entry) const {
  if (entry.type >= kTypeBytes.size() || kTypeBytes[entry.type] == 0) return std::nullopt;
  const std::uint64_t bytes = kTypeBytes[entry.type] * entry.count;
  if (bytes <= kInlineBytes) return ExifRange{entry.offset + 8, entry.offset + 8 + static_cast<std::size_t>(bytes)};
  const std::size_t begin = read32(entry.offset + 8);
  if (begin > bytes_.size() || bytes > bytes_.size() - begin) return std::nullopt;
  return ExifRange{begin, begin + static_cast<std::size_t>(bytes)};
}

}  // namespace pixmill::pipeline
