#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pixmill::tests {

/// Puts an EXIF block together, directory by directory. The same for the same calls.
class ExifWriter {
 public:
  static constexpr std::uint32_t kAscii = 2;
  static constexpr std::uint32_t kShort = 3;
  static constexpr std::uint32_t kLong = 4;
  static constexpr std::uint32_t kRational = 5;
  static constexpr std::uint32_t kUndefined = 7;

  explicit ExifWriter(bool little_endian) : little_(little_endian) {
    text_ = little_ ? std::string("II*\0\0\0\0\0", 8) : std::string("MM\0*\0\0\0\0", 8);
  }

  /// Begins a directory here, of so many entries, and has the four bytes at `pointer` say so (4: the first one).
  void directory(std::size_t pointer, std::uint32_t entries) {
    patch(pointer, static_cast<std::uint32_t>(text_.size()));
    put(entries, 2);
    next_entry_ = text_.size();
    next_pointer_ = text_.size() + std::size_t{entries} * 12;
    text_.append(std::size_t{entries} * 12 + 4, '\0');
  }
  /// Where the directory begun last says where the next one lies.
  [[nodiscard]] std::size_t next_pointer() const { return next_pointer_; }

  /// An entry with a number in it. Returns where the number lies.
  std::size_t number(std::uint32_t tag, std::uint32_t type, std::uint32_t value) {
    const std::size_t at = entry(tag, type, 1);
    if (type == kShort) {
      patch16(at, value);
    } else {
      patch(at, value);
    }
    return at;
  }
  /// An entry whose value of `count` parts lies here. Returns where it lies.
  std::size_t value(std::uint32_t tag, std::uint32_t type, std::uint32_t count, std::string_view bytes) {
    patch(entry(tag, type, count), static_cast<std::uint32_t>(text_.size()));
    return append(bytes);
  }
  void rational(std::uint32_t tag, std::uint32_t numerator, std::uint32_t denominator) {
    patch(entry(tag, kRational, 1), static_cast<std::uint32_t>(text_.size()));
    put(numerator, 4);
    put(denominator, 4);
  }
  std::size_t append(std::string_view bytes) {
    const std::size_t at = text_.size();
    text_ += bytes;
    return at;
  }
  void patch(std::size_t at, std::uint32_t value) { patch_bytes(at, value, 4); }
  void patch16(std::size_t at, std::uint32_t value) { patch_bytes(at, value, 2); }

  [[nodiscard]] std::size_t size() const { return text_.size(); }
  [[nodiscard]] std::vector<std::byte> block() const {
    const auto bytes = std::as_bytes(std::span(text_));
    return {bytes.begin(), bytes.end()};
  }

 private:
  std::size_t entry(std::uint32_t tag, std::uint32_t type, std::uint32_t count) {
    const std::size_t at = next_entry_;
    next_entry_ += 12;
    patch16(at, tag);
    patch16(at + 2, type);
    patch(at + 4, count);
    return at + 8;
  }
  void patch_bytes(std::size_t at, std::uint32_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) {
      const int shift = 8 * (little_ ? i : bytes - 1 - i);
      text_.at(at + static_cast<std::size_t>(i)) = static_cast<char>(value >> shift & 0xFF);
    }
  }
  void put(std::uint32_t value, int bytes) {
    const std::size_t at = text_.size();
    text_.append(static_cast<std::size_t>(bytes), '\0');
    patch_bytes(at, value, bytes);
  }

  bool little_;
  std::string text_;
  std::size_t next_entry_ = 0;
  std::size_t next_pointer_ = 0;
};

/// What a camera writes: orientation, 300 by 200 pixels an inch, a size, a maker note that points into itself by the
/// block's offsets, and a thumbnail at the end.
struct CameraExif {
  bool little_endian = true;
  int orientation = 6;
  std::uint32_t width = 4000;
  std::uint32_t height = 3000;
  std::string thumbnail = "a small picture";  ///< Empty: none.
};

inline std::vector<std::byte> camera_exif(const CameraExif& spec) {
  using W = ExifWriter;
  W exif(spec.little_endian);
  exif.directory(4, 6);
  const std::size_t next = exif.next_pointer();
  exif.value(0x010F, W::kAscii, 8, std::string_view("pixmill\0", 8));
  exif.number(0x0112, W::kShort, static_cast<std::uint32_t>(spec.orientation));
  exif.rational(0x011A, 300, 1);
  exif.rational(0x011B, 200, 1);
  exif.number(0x0128, W::kShort, 2);
  const std::size_t sub = exif.number(0x8769, W::kLong, 0);
  exif.directory(sub, 3);
  exif.number(0xA002, W::kShort, spec.width);
  exif.number(0xA003, W::kLong, spec.height);
  const std::size_t note = exif.value(0x927C, W::kUndefined, 8, std::string_view("NOTE\0\0\0\0", 8));
  exif.patch(note + 4, static_cast<std::uint32_t>(note));
  if (!spec.thumbnail.empty()) {
    exif.directory(next, 3);
    exif.number(0x0112, W::kShort, static_cast<std::uint32_t>(spec.orientation));
    const std::size_t where = exif.number(0x0201, W::kLong, 0);
    exif.number(0x0202, W::kLong, static_cast<std::uint32_t>(spec.thumbnail.size()));
    exif.patch(where, static_cast<std::uint32_t>(exif.append(spec.thumbnail)));
  }
  return exif.block();
}

/// A sound ICC profile of that colour space ("RGB ", "GRAY", "CMYK") and size, whose only tag is its last 20 bytes.
inline std::vector<std::byte> icc_profile(std::string_view space, std::size_t size = 400) {
  std::string text(size, '\0');
  for (std::size_t i = 144; i < size; ++i) text[i] = static_cast<char>(i * 7 + i / 251);
  const auto put = [&](std::size_t at, std::size_t value) {
    for (std::size_t i = 0; i < 4; ++i) text[at + i] = static_cast<char>(value >> (24 - 8 * i) & 0xFF);
  };
  put(0, size);
  text[8] = 2;
  std::memcpy(text.data() + 12, "mntr", 4);
  std::memcpy(text.data() + 16, space.data(), 4);
  std::memcpy(text.data() + 20, "XYZ ", 4);
  std::memcpy(text.data() + 36, "acsp", 4);
  put(128, 1);
  std::memcpy(text.data() + 132, "desc", 4);
  put(136, size - 20);
  put(140, 20);
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

}  // namespace pixmill::tests
