#include "pipeline/codecs/webp_lossless.hpp"

#include "pipeline/codecs/byte_order.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace pixmill::pipeline {

namespace {

constexpr unsigned kLiterals = 256;
constexpr unsigned kLengths = 24;
constexpr unsigned kDistances = 40;
constexpr unsigned kMostCacheBits = 11;
constexpr unsigned kMostSymbols = kLiterals + kLengths + (1U << kMostCacheBits);
constexpr unsigned kMostCodeBits = 15;
constexpr std::uint64_t kLengthsBytes = 6 * kMostSymbols;  // while codes are built: their lengths, sorted symbols

/// Bits, least significant first. Beyond the end there are zeros, and failed() says so.
class BitReader {
 public:
  explicit BitReader(Bytes bytes) : bytes_(bytes) {}

  [[nodiscard]] bool failed() const { return failed_; }

  unsigned read(unsigned count) {
    unsigned value = 0;
    for (unsigned i = 0; i < count; ++i) value |= bit() << i;
    return value;
  }

  unsigned bit() {
    const std::size_t byte = at_ >> 3;
    if (byte >= bytes_.size()) {
      failed_ = true;
      return 0;
    }
    return byte_at(bytes_, byte) >> (at_++ & 7) & 1;
  }

 private:
  Bytes bytes_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

/// A canonical prefix code, as deflate has it.
class PrefixCode {
 public:
  /// False: the lengths make no complete code.
  bool build(std::span<const unsigned char> lengths) {
    counts_.fill(0);
    for (const unsigned char length : lengths) ++counts_[length];
    const std::size_t used = lengths.size() - counts_[0];
    counts_[0] = 0;
    std::array<unsigned, kMostCodeBits + 2> offsets{};
    int left = 1;
    for (unsigned bits = 1; bits <= kMostCodeBits; ++bits) {
      offsets[bits + 1] = offsets[bits] + counts_[bits];
      left = 2 * left - counts_[bits];
      if (left < 0) return false;
    }
    for (std::size_t symbol = 0; symbol < lengths.size(); ++symbol) {
      if (lengths[symbol] != 0) symbols_[offsets[lengths[symbol]]++] = static_cast<std::uint16_t>(symbol);
    }
    // A code of one symbol takes no bits.
    single_ = used == 1;
    return single_ || (used > 0 && left == 0);
  }

  unsigned read(BitReader& bits) const {
    if (single_) return symbols_[0];
    int code = 0;
    int first = 0;
    int index = 0;
    for (unsigned length = 1; length <= kMostCodeBits; ++length) {
      code |= static_cast<int>(bits.bit());
      const int count = counts_[length];
      if (code - count < first) return symbols_[static_cast<std::size_t>(index + code - first)];
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    return 0;  // not reached: codes are complete
  }

 private:
  std::array<std::uint16_t, kMostCodeBits + 1> counts_{};
  std::array<std::uint16_t, kMostSymbols> symbols_{};
  bool single_ = false;
};

/// libwebp's look-up table of eight bits and what hangs from it, in entries: the most that complete codes need for the
/// alphabets of red, blue, alpha and distance, and for green with a colour cache of so many bits.
std::uint64_t table_entries(unsigned cache_bits) {
  constexpr std::uint64_t kOthers = 3 * 630 + 410;
  constexpr std::array<std::uint64_t, kMostCacheBits + 1> kGreen{654, 656, 658, 662,  670,  686,
                                                                 718, 782, 912, 1168, 1680, 2704};
  return kOthers + kGreen[cache_bits];
}

std::uint64_t group_bytes(unsigned cache_bits, std::uint64_t groups) {
  // Entries of four bytes; where the first block of tables is full, libwebp takes another as large.
  constexpr std::uint64_t kGroup = 640;  // its pointers and its table of packed codes
  return groups * (kGroup + 2 * 4 * table_entries(cache_bits));
}

std::uint64_t cache_bytes(unsigned cache_bits) {
  return cache_bits == 0 ? 0 : std::uint64_t{2} * 4 << cache_bits;  // and its copy
}

struct Size {
  std::uint64_t width = 0;
  std::uint64_t height = 0;
  [[nodiscard]] std::uint64_t pixels() const { return width * height; }
  [[nodiscard]] Size shrunk(unsigned bits) const {
    return {(width + (1U << bits) - 1) >> bits, (height + (1U << bits) - 1) >> bits};
  }
};

class Reckoner {
 public:
  explicit Reckoner(Bytes stream) : bits_(stream) {}

  std::uint64_t run(Size size) {
    const Size full = size;
    const bool read = read_transforms(size) && read_groups(size);
    // The pixels before the transforms are undone, the row above, and 16 rows of result. 4 bytes each.
    if (read) total_ += 4 * (size.pixels() + 17 * full.width);
    return total_ + passing_;
  }

 private:
  bool read_transforms(Size& size) {
    unsigned seen = 0;
    while (bits_.bit() != 0) {
      const unsigned type = bits_.read(2);
      if ((seen >> type & 1) != 0) return false;
      seen |= 1U << type;
      if (type == kPredictor || type == kCrossColour) {
        if (!read_image(size.shrunk(bits_.read(3) + 2))) return false;
      } else if (type == kColourIndexing) {
        const unsigned colours = bits_.read(8) + 1;
        if (!read_image({colours, 1})) return false;
        total_ += 4 * 256;  // the palette in its final size
        if (colours <= 16) size = {size.shrunk(colours > 4 ? 1 : colours > 2 ? 2 : 3).width, size.height};
      }
    }
    return !bits_.failed();
  }

  /// The colour cache and the codes of the picture itself.
  bool read_groups(const Size& size) {
    const std::optional<unsigned> cache = read_cache_bits();
    if (!cache) return false;
    std::uint64_t groups = 1;
    if (bits_.bit() != 0) {
      literals_ = 0;
      largest_ = 0;
      if (!read_image(size.shrunk(bits_.read(3) + 2))) return false;
      groups = largest_ + 1;
      if (groups > 1000 || groups > size.pixels()) {
        total_ += 4 * groups;  // then only those that occur count; each occurred first as a literal
        groups = std::min(groups, literals_);
      }
    }
    if (bits_.failed()) return false;
    total_ += group_bytes(*cache, groups) + cache_bytes(*cache) + kLengthsBytes;
    return true;
  }

  std::optional<unsigned> read_cache_bits() {
    if (bits_.bit() == 0) return 0;
    const unsigned cache = bits_.read(4);
    if (cache < 1 || cache > kMostCacheBits) return std::nullopt;
    return cache;
  }

  /// An image of the stream's own: one group of codes, and pixels whose values matter only to count groups.
  bool read_image(const Size& size) {
    const std::optional<unsigned> cache = read_cache_bits();
    if (!cache || bits_.failed()) return false;
    const std::uint64_t passing = group_bytes(*cache, 1) + cache_bytes(*cache) + kLengthsBytes;
    passing_ = std::max(passing_, passing);
    const unsigned greens = kLiterals + kLengths + (*cache == 0 ? 0 : 1U << *cache);
    if (!read_code(greens, green_) || !read_code(kLiterals, red_) || !read_code(kLiterals, blue_) ||
        !read_code(kLiterals, alpha_) || !read_code(kDistances, distance_)) {
      return false;
    }
    total_ += 4 * size.pixels();
    return read_pixels(size.pixels());
  }

  bool read_pixels(std::uint64_t pixels) {
    std::uint64_t done = 0;
    while (done < pixels && !bits_.failed()) {
      const unsigned green = green_.read(bits_);
      if (green < kLiterals) {
        const unsigned red = red_.read(bits_);
        static_cast<void>(blue_.read(bits_));
        static_cast<void>(alpha_.read(bits_));
        largest_ = std::max<std::uint64_t>(largest_, red << 8 | green);
        ++literals_;
        ++done;
      } else if (green < kLiterals + kLengths) {
        const std::uint64_t length = read_extended(green - kLiterals);
        static_cast<void>(read_extended(distance_.read(bits_)));
        if (length > pixels - done) return false;
        done += length;
      } else {
        ++done;  // a colour from the cache, which was a literal once
      }
    }
    return !bits_.failed();
  }

  /// A length or a distance.
  std::uint64_t read_extended(unsigned symbol) {
    if (symbol < 4) return symbol + 1;
    const unsigned extra = (symbol - 2) >> 1;
    return (std::uint64_t{2 + (symbol & 1)} << extra) + bits_.read(extra) + 1;
  }

  bool read_code(unsigned symbols, PrefixCode& code) {
    lengths_.fill(0);
    if (bits_.bit() != 0) {
      const bool two = bits_.bit() != 0;
      const bool wide = bits_.bit() != 0;
      lengths_[bits_.read(wide ? 8 : 1)] = 1;
      if (two) lengths_[bits_.read(8)] = 1;
    } else if (!read_code_lengths(symbols)) {
      return false;
    }
    return !bits_.failed() && code.build(std::span(lengths_).first(symbols));
  }

  bool read_code_lengths(unsigned symbols) {
    constexpr std::array<unsigned char, 19> kOrder{17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    std::array<unsigned char, 19> own{};
    const unsigned count = bits_.read(4) + 4;
    for (unsigned i = 0; i < count; ++i) own[kOrder[i]] = static_cast<unsigned char>(bits_.read(3));
    if (!lengths_code_.build(own)) return false;
    unsigned coded = symbols;
    if (bits_.bit() != 0) coded = 2 + bits_.read(2 + 2 * bits_.read(3));
    if (coded > symbols) return false;
    unsigned char previous = 8;
    for (unsigned symbol = 0; symbol < symbols && coded > 0; --coded) {
      const unsigned length = lengths_code_.read(bits_);
      if (length < 16) {
        lengths_[symbol++] = static_cast<unsigned char>(length);
        if (length != 0) previous = static_cast<unsigned char>(length);
        continue;
      }
      const unsigned repeat = length == 16 ? 3 + bits_.read(2) : length == 17 ? 3 + bits_.read(3) : 11 + bits_.read(7);
      if (symbol + repeat > symbols) return false;
      std::fill_n(lengths_.begin() + symbol, repeat, length == 16 ? previous : static_cast<unsigned char>(0));
      symbol += repeat;
    }
    return true;
  }

  static constexpr unsigned kPredictor = 0;
  static constexpr unsigned kCrossColour = 1;
  static constexpr unsigned kColourIndexing = 3;

  BitReader bits_;
  std::uint64_t total_ = 0;
  std::uint64_t passing_ = 0;  // the most that is given back before the picture's own codes are read
  std::uint64_t literals_ = 0;
  std::uint64_t largest_ = 0;  // group number
  std::array<unsigned char, kMostSymbols> lengths_{};
  PrefixCode green_, red_, blue_, alpha_, distance_, lengths_code_;
};

}  // namespace

std::uint64_t webp_lossless_bytes(Bytes stream, std::uint32_t width, std::uint32_t height) {
  return Reckoner(stream).run({width, height});
}

}  // namespace pixmill::pipeline
