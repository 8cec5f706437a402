#include "pipeline/codecs/exif_edit.hpp"

#include "pipeline/codecs/exif_block.hpp"

#include <algorithm>
#include <array>

namespace pixmill::pipeline {

namespace {

using namespace exif_tags;

constexpr ExifRange kHeader{0, 8};

class Editor {
 public:
  explicit Editor(std::vector<std::byte>& tiff) : tiff_(tiff), block_(tiff) {}

  bool operator()(const ExifEdit& edit) {
    if (!block_.has_header()) return false;
    image_ = block_.first_directory();
    if (!image_.whole || image_.range().meets(kHeader)) return false;
    find_directories();
    const std::optional<ExifRange> thumbnail = find_thumbnail();
    if (thumbnail) remove(*thumbnail);
    unlink_next();
    for (std::size_t i = 0; i < directories_; ++i) set_numbers(kept_[i], edit);
    if (edit.axes_swapped) swap_resolutions();
    return true;
  }

 private:
  /// The directory that `tag` points to, if nothing else claims its bytes: what is written there must not change what
  /// was found elsewhere.
  std::optional<ExifDirectory> keep(const ExifDirectory& parent, std::uint32_t tag) {
    const std::optional<ExifEntry> entry = block_.find(parent, tag);
    const std::optional<std::size_t> offset = entry ? block_.pointer(*entry) : std::nullopt;
    if (!offset) return std::nullopt;
    const ExifDirectory directory = block_.directory(*offset);
    if (!directory.whole || directory.range().meets(kHeader)) return std::nullopt;
    for (std::size_t i = 0; i < directories_; ++i) {
      // With the offset of the next directory, which is written as well.
      if (directory.range().meets({kept_[i].offset, kept_[i].end() + 4})) return std::nullopt;
    }
    kept_[directories_++] = directory;
    return directory;
  }

  void find_directories() {
    kept_[directories_++] = image_;
    if (const std::optional<ExifDirectory> exif = keep(image_, kExifDirectory)) {
      static_cast<void>(keep(*exif, kInteroperabilityDirectory));
    }
    static_cast<void>(keep(image_, kGpsDirectory));
  }

  /// The pixels of the thumbnail that the second directory tells of: a JPEG, or a single strip.
  [[nodiscard]] std::optional<ExifRange> find_thumbnail() const {
    const std::size_t offset = block_.next_offset(image_);
    if (offset == 0) return std::nullopt;
    const ExifDirectory second = block_.directory(offset);
    constexpr std::array<std::array<std::uint32_t, 2>, 2> kWays{
        {{kThumbnail, kThumbnailBytes}, {kStripOffsets, kStripByteCounts}}};
    for (const auto& [where, how_many] : kWays) {
      const std::optional<ExifEntry> begin_entry = block_.find(second, where);
      const std::optional<ExifEntry> bytes_entry = block_.find(second, how_many);
      if (!begin_entry || !bytes_entry) continue;
      const std::size_t begin = block_.number(*begin_entry).value_or(0);
      const std::size_t bytes = block_.number(*bytes_entry).value_or(0);
      if (begin == 0 || bytes == 0 || begin >= tiff_.size()) continue;
      return ExifRange{begin, begin + std::min(bytes, tiff_.size() - begin)};
    }
    return std::nullopt;
  }

  /// Whether bytes of `range` belong to something that stays.
  [[nodiscard]] bool in_use(const ExifRange& range) const {
    if (range.meets(kHeader)) return true;
    for (std::size_t i = 0; i < directories_; ++i) {
      const ExifDirectory& directory = kept_[i];
      if (range.meets({directory.offset, directory.end() + 4})) return true;
      for (std::size_t k = 0; k < directory.entries; ++k) {
        const std::optional<ExifRange> value = block_.value(block_.entry(directory, k));
        if (value && range.meets(*value)) return true;
      }
    }
    return false;
  }

  void remove(const ExifRange& thumbnail) {
    // Writers end the block at an even offset.
    const bool last = tiff_.size() - thumbnail.end < 2;
    if (last && !in_use({thumbnail.begin, tiff_.size()})) {
      tiff_.resize(thumbnail.begin);
      block_ = ExifBlock(tiff_);
    } else if (!in_use(thumbnail)) {
      std::fill(tiff_.begin() + static_cast<std::ptrdiff_t>(thumbnail.begin),
                tiff_.begin() + static_cast<std::ptrdiff_t>(thumbnail.end), std::byte{0});
    }
  }

  void unlink_next() {
    if (block_.next_offset(image_) != 0) write32(image_.end(), 0);
  }

  void set_numbers(const ExifDirectory& directory, const ExifEdit& edit) {
    for (std::size_t i = 0; i < directory.entries; ++i) {
      const ExifEntry entry = block_.entry(directory, i);
      switch (entry.tag) {
        case kOrientation:
          if (edit.upright && directory.offset == image_.offset) {
            write16(entry.offset + 2, ExifEntry::kShort);
            write32(entry.offset + 4, 1);
            write16(entry.offset + 8, 1);
            write16(entry.offset + 10, 0);
          }
          break;
        case kImageWidth:
        case kPixelXDimension:
          set_side(entry, edit.width);
          break;
        case kImageLength:
        case kPixelYDimension:
          set_side(entry, edit.height);
          break;
        default:
          break;
      }
    }
  }

  void set_side(const ExifEntry& entry, std::uint32_t side) {
    if (!block_.number(entry)) return;
    write16(entry.offset + 2, ExifEntry::kLong);
    write32(entry.offset + 8, side);
  }

  /// Everything but the tags changes places, so that values that lie elsewhere stay where they are.
  void swap_resolutions() {
    const std::optional<ExifEntry> x = block_.find(image_, kXResolution);
    const std::optional<ExifEntry> y = block_.find(image_, kYResolution);
    if (!x || !y) return;
    const auto begin = tiff_.begin() + static_cast<std::ptrdiff_t>(x->offset);
    std::swap_ranges(begin + 2, begin + ExifEntry::kBytes, tiff_.begin() + static_cast<std::ptrdiff_t>(y->offset) + 2);
  }

  void write16(std::size_t at, std::uint32_t value) {
    tiff_[at + (block_.little_endian() ? 0 : 1)] = static_cast<std::byte>(value & 0xFF);
    tiff_[at + (block_.little_endian() ? 1 : 0)] = static_cast<std::byte>(value >> 8 & 0xFF);
  }
  void write32(std::size_t at, std::uint32_t value) {
    write16(at + (block_.little_endian() ? 0 : 2), value & 0xFFFF);
    write16(at + (block_.little_endian() ? 2 : 0), value >> 16);
  }

  std::vector<std::byte>& tiff_;
  ExifBlock block_;
  ExifDirectory image_;
  std::array<ExifDirectory, 4> kept_{};  // the image's, EXIF's, interoperability's, GPS's
  std::size_t directories_ = 0;
};

}  // namespace

bool edit_exif(std::vector<std::byte>& tiff, const ExifEdit& edit) { return Editor(tiff)(edit); }

std::vector<std::byte> orientation_exif(int orientation) {
  // The header, and a directory at byte 8 with one entry: its tag, type, count and value.
  constexpr std::array<unsigned char, 26> kBlock{'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 0x01, ExifEntry::kShort,
                                                 0,   1,   0,  0, 0, 1, 0, 0, 0, 0, 0,    0,    0};
  constexpr std::size_t kValueAt = 18;
  const Bytes bytes = std::as_bytes(std::span(kBlock));
  std::vector<std::byte> block(bytes.begin(), bytes.end());
  block[kValueAt] = static_cast<std::byte>(orientation);
  return block;
}

}  // namespace pixmill::pipeline
