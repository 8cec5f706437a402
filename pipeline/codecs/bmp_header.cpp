#include "pipeline/codecs/bmp_header.hpp"

#include "pipeline/codecs/byte_order.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <limits>

namespace pixmill::pipeline {

namespace {

constexpr std::size_t kFileHeaderBytes = 14;
constexpr std::uint32_t kOs2Old = 12;
constexpr std::uint32_t kWindows3 = 40;
constexpr std::uint32_t kWindows4 = 108;
constexpr std::uint32_t kWindows5 = 124;

// What the compression field may say; two numbers have another meaning in OS/2.
constexpr std::uint32_t kNone = 0;
constexpr std::uint32_t kRle8 = 1;
constexpr std::uint32_t kRle4 = 2;
constexpr std::uint32_t kMasks = 3;  // or Huffman 1D
constexpr std::uint32_t kJpeg = 4;   // or RLE24
constexpr std::uint32_t kPng = 5;
constexpr std::uint32_t kMasksWithAlpha = 6;
constexpr std::uint32_t kFirstInk = 11;
constexpr std::uint32_t kLastInk = 13;

CodecStatus corrupt(std::string detail) { return {Verdict::corrupt, std::move(detail)}; }
CodecStatus unsupported(std::string detail) { return {Verdict::unsupported, std::move(detail)}; }

bool is_gray_colour(const std::array<std::uint8_t, 3>& colour) {
  return colour[0] == colour[1] && colour[1] == colour[2];
}

class HeaderReader {
 public:
  HeaderReader(Bytes file, BmpHeader& header) : file_(file), header_(header) {}

  CodecStatus read() {
    // An OS/2 bitmap array begins with a header of the same length; offsets count from the beginning of the file.
    if (file_.size() >= 2 && file_[0] == std::byte{'B'} && file_[1] == std::byte{'A'}) begin_ = kFileHeaderBytes;
    if (file_.size() < begin_ + kFileHeaderBytes + 4) return cut("in its header");
    size_ = read_little32(file_, begin_ + kFileHeaderBytes);
    if (!known_size()) {
      return corrupt(fmt::format("the information header claims {} bytes, which no version of BMP has", size_));
    }
    if (file_.size() < info() + size_) return cut("in its header");
    for (const auto step : {&HeaderReader::read_size, &HeaderReader::read_format, &HeaderReader::read_masks,
                            &HeaderReader::find_pixels, &HeaderReader::read_palette}) {
      CodecStatus status = (this->*step)();
      if (!status.usable()) return status;
    }
    read_extras();
    return {};
  }

 private:
  [[nodiscard]] std::size_t info() const { return begin_ + kFileHeaderBytes; }
  static CodecStatus cut(std::string_view where) {
    return {Verdict::truncated, fmt::format("the file ends {}", where)};
  }
  [[nodiscard]] bool known_size() const {
    return size_ == kOs2Old || (size_ >= 16 && size_ <= 64) || size_ == kWindows4 || size_ == kWindows5;
  }
  /// A field of the information header; 0 where the header is too short to have it.
  [[nodiscard]] std::uint32_t field16(std::size_t offset) const {
    return offset + 2 <= size_ ? read_little16(file_, info() + offset) : 0;
  }
  [[nodiscard]] std::uint32_t field32(std::size_t offset) const {
    return offset + 4 <= size_ ? read_little32(file_, info() + offset) : 0;
  }
  [[nodiscard]] std::int64_t signed32(std::size_t offset) const { return static_cast<std::int32_t>(field32(offset)); }
  [[nodiscard]] bool windows() const { return size_ == kWindows3 || size_ == 52 || size_ == 56 || size_ >= kWindows4; }

  CodecStatus read_size() {
    const bool old = size_ == kOs2Old;
    const std::int64_t width = old ? field16(4) : signed32(4);
    const std::int64_t height = old ? field16(6) : signed32(8);
    if (width <= 0 || height == 0) return corrupt(fmt::format("the header claims {} x {} pixels", width, height));
    header_.width = width;
    header_.height = height < 0 ? -height : height;
    header_.top_down = height < 0;
    const std::uint32_t planes = field16(old ? 8 : 12);
    header_.bits = static_cast<int>(field16(old ? 10 : 14));
    if (planes != 1) return corrupt(fmt::format("the header claims {} planes, where BMP has 1", planes));
    return {};
  }

  CodecStatus read_format() {
    compression_ = field32(16);
    const int bits = header_.bits;
    if (compression_ == kJpeg && (size_ >= kWindows4 || bits == 0)) return unsupported("a BMP that wraps a JPEG");
    if (compression_ == kPng && (size_ >= kWindows4 || bits == 0)) return unsupported("a BMP that wraps a PNG");
    if (compression_ == kMasks && bits == 1) return unsupported("a BMP with Huffman 1D compression (OS/2)");
    if (compression_ >= kFirstInk && compression_ <= kLastInk) return unsupported("a BMP of CMYK colours");
    if (bits == 64) return unsupported("a BMP of 64 bits a pixel (GDI+)");
    constexpr std::array<int, 7> kDepths{1, 2, 4, 8, 16, 24, 32};
    if (std::find(kDepths.begin(), kDepths.end(), bits) == kDepths.end()) {
      return corrupt(fmt::format("the header claims {} bits a pixel, which BMP does not have", bits));
    }
    return read_packing();
  }

  CodecStatus read_packing() {
    const int bits = header_.bits;
    bool fits = false;
    switch (compression_) {
      case kNone:
        fits = true;
        break;
      case kRle8:
        header_.packing = BmpPacking::rle8;
        fits = bits == 8;
        break;
      case kRle4:
        header_.packing = BmpPacking::rle4;
        fits = bits == 4;
        break;
      case kJpeg:
        header_.packing = BmpPacking::rle24;
        fits = bits == 24;
        break;
      case kMasks:
      case kMasksWithAlpha:
        fits = windows() && (bits == 16 || bits == 32);
        break;
      default:
        break;
    }
    if (!fits)
      return corrupt(
          fmt::format("the header claims compression {} at {} bits a pixel, which BMP does not "
                      "have",
                      compression_, bits));
    if (header_.packing != BmpPacking::lines && header_.top_down) {
      return corrupt("the header claims a negative height, which a run-length encoded BMP cannot have");
    }
    return {};
  }

  CodecStatus read_masks() {
    tables_ = info() + size_;
    if (header_.bits != 16 && header_.bits != 32) return {};
    header_.masks = header_.bits == 16 ? std::array<std::uint32_t, 4>{0x7C00, 0x03E0, 0x001F, 0}
                                       : std::array<std::uint32_t, 4>{0xFF0000, 0xFF00, 0xFF, 0};
    if (compression_ == kNone) return {};
    // In the header from 52 bytes on, else behind it.
    std::size_t count = compression_ == kMasksWithAlpha ? 4 : 3;
    if (size_ > kWindows3) {
      count = size_ >= 56 ? 4 : 3;
    } else {
      tables_ += 4 * count;
      if (file_.size() < tables_) return cut("in its colour masks");
    }
    header_.masks[3] = 0;
    for (std::size_t i = 0; i < count; ++i) header_.masks[i] = read_little32(file_, info() + kWindows3 + 4 * i);
    return check_masks();
  }

  CodecStatus check_masks() {
    std::uint32_t taken = header_.bits == 16 ? 0xFFFF0000U : 0;
    for (const std::uint32_t mask : header_.masks) {
      const std::uint32_t run = mask == 0 ? 0 : mask >> std::countr_zero(mask);
      if ((run & (run + 1)) != 0 || (mask & taken) != 0) {
        return corrupt(fmt::format("the colour masks {:08x} {:08x} {:08x} {:08x} are no masks of {} bits",
                                   header_.masks[0], header_.masks[1], header_.masks[2], header_.masks[3],
                                   header_.bits));
      }
      taken |= mask;
    }
    if ((header_.masks[0] | header_.masks[1] | header_.masks[2]) == 0) return corrupt("the colour masks are all 0");
    return {};
  }

  /// Where the pixels begin, and how many entries of the palette there is room for.
  CodecStatus find_pixels() {
    const std::size_t entry = size_ == kOs2Old ? 3 : 4;
    const std::uint64_t most = header_.indexed() ? std::uint64_t{1} << header_.bits : 0;
    const std::uint64_t claimed = field32(32);
    std::uint64_t entries = claimed == 0 ? most : claimed;
    const std::uint64_t begin = read_little32(file_, begin_ + 10);
    if (begin == 0) {
      header_.pixels_begin = tables_ + std::min(entries, most) * entry;
    } else if (begin < tables_) {
      return corrupt(fmt::format("the pixels would begin at byte {}, inside the header", begin));
    } else if (header_.indexed() && tables_ + entries * entry > begin) {
      // Files whose palette is shorter than it claims are common; one that is absurd is not to be trusted.
      if (claimed > most) {
        return corrupt(fmt::format("the palette claims {} colours, for which the file has no room", claimed));
      }
      entries = (begin - tables_) / entry;
    }
    if (begin != 0) header_.pixels_begin = begin;
    header_.palette_entries = static_cast<int>(std::min(entries, most));
    const std::uint64_t tables_end = tables_ + static_cast<std::uint64_t>(header_.palette_entries) * entry;
    if (file_.size() < tables_end) return cut("in its palette");
    if (header_.indexed() && header_.palette_entries == 0 && tables_ < file_.size()) {
      return corrupt("the pixels would begin where the palette should");
    }
    if (header_.pixels_begin < file_.size()) return {};
    // Either the end is missing or the number is wrong: what the file should be long tells.
    const std::uint64_t file_bytes = read_little32(file_, begin_ + 2);
    if (header_.pixels_begin == tables_end || header_.pixels_begin < file_bytes) return cut("before its pixels");
    return corrupt(fmt::format("the pixels would begin at byte {}, beyond the end of the file at {}",
                               header_.pixels_begin, file_.size()));
  }

  CodecStatus read_palette() {
    const std::size_t entry = size_ == kOs2Old ? 3 : 4;
    for (std::size_t i = 0; i < static_cast<std::size_t>(header_.palette_entries); ++i) {
      for (std::size_t c = 0; c < 3; ++c) {
        header_.palette[i][c] = static_cast<std::uint8_t>(byte_at(file_, tables_ + i * entry + c));
      }
    }
    return {};
  }

  void read_extras() {
    const std::int64_t x = signed32(24);
    const std::int64_t y = signed32(28);
    if (x > 0 && y > 0) {
      header_.pixels_per_metre_x = static_cast<double>(x);
      header_.pixels_per_metre_y = static_cast<double>(y);
    }
    constexpr std::uint32_t kEmbedded = 0x4D424544;  // "MBED"
    if (size_ != kWindows5 || field32(56) != kEmbedded) return;
    const std::uint64_t begin = info() + std::uint64_t{field32(112)};
    const std::uint64_t bytes = field32(116);
    if (begin + bytes <= file_.size()) header_.icc = file_.subspan(begin, bytes);
  }

  Bytes file_;
  BmpHeader& header_;
  std::size_t begin_ = 0;   // of the file header
  std::uint32_t size_ = 0;  // of the information header
  std::uint32_t compression_ = 0;
  std::size_t tables_ = 0;  // where masks and headers end
};

}  // namespace

bool BmpHeader::is_gray() const {
  if (!indexed()) return false;
  return std::all_of(palette.begin(), palette.begin() + palette_entries, is_gray_colour);
}

bool BmpHeader::is_two_level() const {
  if (bits != 1 || !is_gray()) return false;
  const auto extreme = [](const std::array<std::uint8_t, 3>& colour) { return colour[0] == 0 || colour[0] == 255; };
  return std::all_of(palette.begin(), palette.begin() + palette_entries, extreme);
}

std::uint64_t BmpHeader::line_bytes() const {
  return (static_cast<std::uint64_t>(width) * static_cast<std::uint64_t>(bits) + 7) / 8;
}

std::uint64_t BmpHeader::line_stride() const { return (line_bytes() + 3) / 4 * 4; }

CodecStatus read_bmp_header(Bytes file, BmpHeader& header) {
  header = {};
  return HeaderReader(file, header).read();
}

}  // namespace pixmill::pipeline
