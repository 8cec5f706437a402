#include "pipeline/codecs/exif_parts.hpp"

#include "pipeline/codecs/byte_order.hpp"
#include "pipeline/codecs/exif_block.hpp"

#include <algorithm>

namespace pixmill::pipeline {

namespace {

using namespace exif_tags;

constexpr std::uint64_t kMostEntries = 65535;
constexpr std::uint32_t kAscii = 2;
constexpr std::uint32_t kLong8 = 16;
constexpr std::uint32_t kIfd8 = 18;

// DocumentName, ImageDescription, Make, Model, PageName, Software, DateTime, Artist, HostComputer, Copyright.
constexpr std::array<std::uint32_t, 10> kTexts{269, 270, 271, 272, 285, 305, 306, 315, 316, 33432};

// BYTE, ASCII, SHORT, LONG, RATIONAL, SBYTE, UNDEFINED, SSHORT, SLONG, SRATIONAL, FLOAT, DOUBLE. What points elsewhere
// (IFD) and what EXIF has not (LONG8) is not copied.
constexpr std::array<std::uint8_t, 13> kTypeBytes{0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8};

bool is_text(std::uint32_t tag) { return std::find(kTexts.begin(), kTexts.end(), tag) != kTexts.end(); }

/// What of the first directory is about the picture.
bool describes_image(std::uint32_t tag, std::uint32_t type, std::uint64_t count) {
  if (is_text(tag)) return type == kAscii;
  if (tag == kOrientation || tag == kResolutionUnit) return type == ExifEntry::kShort && count == 1;
  return (tag == kXResolution || tag == kYResolution) && type == ExifEntry::kRational && count == 1;
}

std::uint64_t even(std::uint64_t bytes) { return bytes + bytes % 2; }

}  // namespace

ExifParts::ExifParts(Bytes tiff) : tiff_(tiff) {
  if (tiff.size() < 8) return;
  little_ = byte_at(tiff, 0) == 'I';
  if (byte_at(tiff, 0) != byte_at(tiff, 1) || (!little_ && byte_at(tiff, 0) != 'M')) return;
  big_ = read16(2) == 43;
  if ((!big_ && read16(2) != 42) || (big_ && tiff.size() < 16)) return;
  directories_[image] = directory(big_ ? read_offset(8) : read32(4));
  find_child(image, kExifDirectory, exif);
  find_child(exif, kInteroperabilityDirectory, interoperability);
  find_child(image, kGpsDirectory, gps);
  for (const Part part : {image, exif, interoperability, gps}) {
    for (std::uint64_t i = 0; i < directories_[part].entries; ++i) {
      Field field;
      const Found found = look(part, i, field);
      const bool matters = field.child == parts && (part != image || is_text(field.tag));
      damaged_ = damaged_ || (matters && found == Found::damaged);
      empty_ = empty_ && !(matters && found == Found::wanted);
    }
  }
}

std::uint32_t ExifParts::read16(std::uint64_t at) const {
  return little_ ? read_little16(tiff_, at) : read_big16(tiff_, at);
}

std::uint32_t ExifParts::read32(std::uint64_t at) const {
  return little_ ? read_little32(tiff_, at) : read_big32(tiff_, at);
}

std::uint64_t ExifParts::read_offset(std::uint64_t at) const {
  if (!big_) return read32(at);
  const std::uint64_t first = read32(at);
  const std::uint64_t second = read32(at + 4);
  return little_ ? second << 32 | first : first << 32 | second;
}

/// The directory there; without entries if it is empty, or not all of it is there.
ExifParts::Directory ExifParts::directory(std::uint64_t offset) {
  const std::uint64_t count_bytes = big_ ? 8 : 2;
  if (offset < (big_ ? 16U : 8U) || offset > tiff_.size() || tiff_.size() - offset < count_bytes) {
    damaged_ = true;
    return {};
  }
  const std::uint64_t count = big_ ? read_offset(offset) : read16(offset);
  if (count > kMostEntries || count > (tiff_.size() - offset - count_bytes) / entry_bytes()) {
    damaged_ = true;
    return {};
  }
  return {offset + count_bytes, count, 0};
}

/// The first entry with that tag counts, and only if it points to a directory that is no other one's.
void ExifParts::find_child(Part parent, std::uint32_t tag, Part child) {
  const Directory& from = directories_[parent];
  for (std::uint64_t i = 0; i < from.entries; ++i) {
    const std::uint64_t at = from.first + i * entry_bytes();
    if (read16(at) != tag) continue;
    const std::uint32_t type = read16(at + 2);
    const bool narrow = type == ExifEntry::kLong || type == ExifEntry::kIfd;
    const bool wide = big_ && (type == kLong8 || type == kIfd8);
    if ((!narrow && !wide) || (big_ ? read_offset(at + 4) : read32(at + 4)) != 1) {
      damaged_ = true;
      return;
    }
    const std::uint64_t value_at = at + (big_ ? 12 : 8);
    Directory found = directory(wide ? read_offset(value_at) : read32(value_at));
    const bool known = std::any_of(directories_.begin(), directories_.end(),
                                   [&](const Directory& other) { return other.there() && other.first == found.first; });
    damaged_ = damaged_ || known;
    found.pointer = at;
    if (!known) directories_[child] = found;
    return;
  }
}

ExifParts::Found ExifParts::look(Part part, std::uint64_t index, Field& field) const {
  const std::uint64_t at = directories_[part].first + index * entry_bytes();
  field = {read16(at), read16(at + 2), big_ ? read_offset(at + 4) : read32(at + 4), 0, 0, parts};
  if (field.tag == kExifDirectory || field.tag == kGpsDirectory || field.tag == kInteroperabilityDirectory) {
    for (const Part child : {exif, interoperability, gps}) {
      if (!directories_[child].there() || directories_[child].pointer != at) continue;
      field.child = child;
      return Found::wanted;
    }
    return Found::unwanted;
  }
  if (part == image && !describes_image(field.tag, field.type, field.count)) return Found::unwanted;
  const std::uint64_t size = field.type < kTypeBytes.size() ? kTypeBytes.at(field.type) : 0;
  if (size == 0 || field.count > tiff_.size() / size) return Found::damaged;
  field.bytes = field.count * size;
  const std::uint64_t value_at = at + (big_ ? 12 : 8);
  field.at = field.bytes <= (big_ ? 8U : 4U) ? value_at : read_offset(value_at);
  return field.at <= tiff_.size() && field.bytes <= tiff_.size() - field.at ? Found::wanted : Found::damaged;
}

std::uint64_t ExifParts::part_bytes(Part part, bool big_tiff) const {
  const Directory& directory = directories_[part];
  if (!directory.there()) return 0;
  std::uint64_t bytes = big_tiff ? 16 : 6;
  Field field;
  for (std::uint64_t i = 0; i < directory.entries; ++i) {
    if (look(part, i, field) != Found::wanted) continue;
    bytes += (big_tiff ? 20 : 12) + (field.bytes > (big_tiff ? 8U : 4U) ? even(field.bytes) : 0);
  }
  return bytes;
}

std::uint64_t ExifParts::bytes(bool big_tiff) const {
  constexpr std::uint64_t kHeaderAndAlignment = 16;
  std::uint64_t all = kHeaderAndAlignment;
  for (const Part part : {image, exif, interoperability, gps}) all += part_bytes(part, big_tiff);
  return all;
}

void ExifParts::put(std::uint64_t value, int bytes, std::vector<std::byte>& out) const {
  for (int i = 0; i < bytes; ++i) {
    out.push_back(static_cast<std::byte>(value >> 8 * (little_ ? i : bytes - 1 - i) & 0xFF));
  }
}

/// Appends a directory with its values. Returns where it lies; 0: there is nothing to write.
std::uint64_t ExifParts::write(Part part, bool big_tiff, const Offsets& children, std::vector<std::byte>& out) const {
  const Directory& directory = directories_[part];
  Field field;
  const auto wanted = [&](std::uint64_t i) {
    return look(part, i, field) == Found::wanted && (field.child == parts || children.at(field.child) != 0);
  };
  std::uint64_t count = 0;
  for (std::uint64_t i = 0; i < directory.entries; ++i) count += wanted(i) ? 1 : 0;
  if (count == 0) return 0;
  const std::uint32_t pointer_type = big_tiff ? kIfd8 : ExifEntry::kLong;
  const int offset_bytes = big_tiff ? 8 : 4;
  const std::uint64_t inline_bytes = big_tiff ? 8 : 4;
  out.resize(even(out.size()));
  const std::uint64_t begin = out.size();
  put(count, big_tiff ? 8 : 2, out);
  std::uint64_t value_at = out.size() + count * (big_tiff ? 20 : 12) + inline_bytes;
  const auto append_value = [&] {
    const auto from = tiff_.begin() + static_cast<std::ptrdiff_t>(field.at);
    out.insert(out.end(), from, from + static_cast<std::ptrdiff_t>(field.bytes));
  };
  for (std::uint64_t i = 0; i < directory.entries; ++i) {
    if (!wanted(i)) continue;
    put(field.tag, 2, out);
    const bool pointer = field.child != parts;
    put(pointer ? pointer_type : field.type, 2, out);
    put(pointer ? 1 : field.count, offset_bytes, out);
    if (pointer) {
      put(children.at(field.child), offset_bytes, out);
    } else if (field.bytes <= inline_bytes) {
      append_value();
      out.resize(out.size() + inline_bytes - field.bytes);
    } else {
      put(value_at, offset_bytes, out);
      value_at += even(field.bytes);
    }
  }
  put(0, offset_bytes, out);  // no directory after it
  for (std::uint64_t i = 0; i < directory.entries; ++i) {
    if (!wanted(i) || field.child != parts || field.bytes <= inline_bytes) continue;
    append_value();
    out.resize(even(out.size()));
  }
  return begin;
}

ExifParts::Places ExifParts::append_directories(bool big_tiff, std::vector<std::byte>& file) const {
  Offsets written{};
  written[interoperability] = write(interoperability, big_tiff, written, file);
  written[exif] = write(exif, big_tiff, written, file);
  written[gps] = write(gps, big_tiff, written, file);
  return {written[exif], written[gps]};
}

std::vector<std::byte> ExifParts::block() const {
  std::vector<std::byte> out;
  out.reserve(bytes(false));
  const std::byte order{static_cast<unsigned char>(little_ ? 'I' : 'M')};
  out.assign(2, order);
  put(42, 2, out);
  out.resize(8);
  const Places children = append_directories(false, out);
  Offsets written{};
  written[exif] = children.exif;
  written[gps] = children.gps;
  const std::uint64_t first = write(image, false, written, out);
  std::vector<std::byte> pointer;
  put(first, 4, pointer);
  std::copy(pointer.begin(), pointer.end(), out.begin() + 4);
  return out;
}

void ExifParts::each_text(const std::function<void(std::uint32_t tag, const std::string& text)>& use) const {
  Field field;
  for (std::uint64_t i = 0; i < directories_[image].entries; ++i) {
    if (look(image, i, field) != Found::wanted || !is_text(field.tag)) continue;
    const Bytes value = tiff_.subspan(field.at, field.bytes);
    const auto end = std::find(value.begin(), value.end(), std::byte{0});
    std::string text(static_cast<std::size_t>(end - value.begin()), '\0');
    std::transform(value.begin(), end, text.begin(), [](std::byte b) { return std::to_integer<char>(b); });
    if (!text.empty()) use(field.tag, text);
  }
}

}  // namespace pixmill::pipeline
