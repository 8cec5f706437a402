#pragma once

#include "pipeline/codecs/byte_order.hpp"
#include "pipeline/codecs/codec.hpp"

#include <optional>

namespace pixmill::pipeline {

/// The tags that are looked at (EXIF 2.32, 4.6).
namespace exif_tags {
inline constexpr std::uint32_t kImageWidth = 0x0100;
inline constexpr std::uint32_t kImageLength = 0x0101;
inline constexpr std::uint32_t kStripOffsets = 0x0111;
inline constexpr std::uint32_t kOrientation = 0x0112;
inline constexpr std::uint32_t kStripByteCounts = 0x0117;
inline constexpr std::uint32_t kXResolution = 0x011A;
inline constexpr std::uint32_t kYResolution = 0x011B;
inline constexpr std::uint32_t kResolutionUnit = 0x0128;
inline constexpr std::uint32_t kThumbnail = 0x0201;
inline constexpr std::uint32_t kThumbnailBytes = 0x0202;
inline constexpr std::uint32_t kExifDirectory = 0x8769;
inline constexpr std::uint32_t kGpsDirectory = 0x8825;
inline constexpr std::uint32_t kPixelXDimension = 0xA002;
inline constexpr std::uint32_t kPixelYDimension = 0xA003;
inline constexpr std::uint32_t kInteroperabilityDirectory = 0xA005;
}  // namespace exif_tags

/// Bytes of a block, from `begin` up to `end`.
struct ExifRange {
  std::size_t begin = 0;
  std::size_t end = 0;
  [[nodiscard]] bool meets(const ExifRange& other) const { return begin < other.end && other.begin < end; }
};

struct ExifEntry {
  static constexpr std::uint32_t kShort = 3;
  static constexpr std::uint32_t kLong = 4;
  static constexpr std::uint32_t kRational = 5;
  static constexpr std::uint32_t kIfd = 13;
  static constexpr std::size_t kBytes = 12;

  std::size_t offset = 0;  ///< Of the entry in the block.
  std::uint32_t tag = 0;
  std::uint32_t type = 0;
  std::uint32_t count = 0;
};

/// A list of entries. `whole` if the block has all that it claims; otherwise `entries` are those that it has.
struct ExifDirectory {
  std::size_t offset = 0;
  std::size_t entries = 0;
  bool whole = false;
  [[nodiscard]] std::size_t end() const { return offset + 2 + entries * ExifEntry::kBytes; }
  [[nodiscard]] ExifRange range() const { return {offset, end()}; }
};

/// A view of an EXIF block, that is of a TIFF structure: header, directories, values. Looks at the bytes anew on each
/// call; every offset is measured before it is followed. Copies and allocates nothing; the bytes must stay alive.
class ExifBlock {
 public:
  explicit ExifBlock(Bytes tiff);

  /// Whether it has a TIFF header.
  [[nodiscard]] bool has_header() const { return has_header_; }
  [[nodiscard]] bool little_endian() const { return little_; }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  [[nodiscard]] std::uint32_t read16(std::size_t at) const {
    return little_ ? read_little16(bytes_, at) : read_big16(bytes_, at);
  }
  [[nodiscard]] std::uint32_t read32(std::size_t at) const {
    return little_ ? read_little32(bytes_, at) : read_big32(bytes_, at);
  }

  /// The directory at that offset; without entries if there is no room for one.
  [[nodiscard]] ExifDirectory directory(std::size_t offset) const;
  /// The one that describes the image; only with a header.
  [[nodiscard]] ExifDirectory first_directory() const { return directory(read32(4)); }
  /// Where the one after `directory` lies (0: nowhere, or the block ends before it says).
  [[nodiscard]] std::size_t next_offset(const ExifDirectory& directory) const;

  [[nodiscard]] ExifEntry entry(const ExifDirectory& directory, std::size_t index) const;
  [[nodiscard]] std::optional<ExifEntry> find(const ExifDirectory& directory, std::uint32_t tag) const;
  /// Of a SHORT or LONG that stands alone; nothing for any other.
  [[nodiscard]] std::optional<std::uint32_t> number(const ExifEntry& entry) const;
  /// Of a LONG or IFD that stands alone, which says where a directory lies; nothing for any other.
  [[nodiscard]] std::optional<std::size_t> pointer(const ExifEntry& entry) const;
  /// Where its value lies, in the entry or elsewhere; nothing if that is not in the block or the type is unknown.
  [[nodiscard]] std::optional<ExifRange> value(const ExifEntry& entry) const;

 private:
  Bytes bytes_;
  bool little_ = false;
  bool has_header_ = false;
};

}  // namespace pixmill::pipeline
