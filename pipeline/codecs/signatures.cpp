#include "pipeline/codecs/signatures.hpp"

#include "pipeline/codecs/byte_order.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace pixmill::pipeline {

namespace {

bool has_text(Bytes head, std::size_t offset, std::string_view text) {
  if (head.size() < offset + text.size()) return false;
  return std::equal(text.begin(), text.end(), head.begin() + static_cast<std::ptrdiff_t>(offset),
                    [](char a, std::byte b) { return static_cast<unsigned char>(a) == std::to_integer<unsigned>(b); });
}

}  // namespace

bool has_png_signature(Bytes head) { return has_text(head, 0, std::string_view("\x89PNG\r\n\x1a\n", 8)); }

bool looks_like_png(Bytes head) {
  if (has_png_signature(head)) return true;
  // Line ends that were changed make eight bytes up to two more or one less, and the 13 in front of IHDR a 10.
  constexpr std::size_t kFirst = 7;
  constexpr std::size_t kLast = 11;
  for (std::size_t at = kFirst; at <= kLast; ++at) {
    if (has_text(head, at, std::string_view("\0\0\0\rIHDR", 8)) ||
        has_text(head, at, std::string_view("\0\0\0\nIHDR", 8)) ||
        has_text(head, at, std::string_view("\0\0\0\r\nIHDR", 9))) {
      return true;
    }
  }
  return false;
}

bool looks_like_jpeg(Bytes head) { return has_text(head, 0, "\xFF\xD8\xFF"); }

bool looks_like_tiff(Bytes head) {
  return has_text(head, 0, std::string_view("II*\0", 4)) || has_text(head, 0, std::string_view("MM\0*", 4)) ||
         has_text(head, 0, std::string_view("II+\0\x08\0\0\0", 8)) ||
         has_text(head, 0, std::string_view("MM\0+\0\x08\0\0", 8));
}

bool looks_like_webp(Bytes head) { return has_text(head, 0, "RIFF") && has_text(head, 8, "WEBPVP8"); }

bool looks_like_bmp(Bytes head) {
  // An OS/2 bitmap array begins with a header of its own, as long as that of the file.
  const std::size_t begin = has_text(head, 0, "BA") && has_text(head, 14, "BM") ? 14 : 0;
  if (!has_text(head, begin, "BM") || head.size() < begin + 18) return false;
  // "BM" begins many a text; the size of the information header is a small number. If it was damaged, what follows it
  // is still "1 plane of so many bits".
  const std::uint32_t header_size = read_little32(head, begin + 14);
  if (header_size >= 12 && header_size <= 255) return true;
  if (head.size() < begin + 30 || read_little16(head, begin + 26) != 1) return false;
  constexpr std::array<std::uint32_t, 6> kDepths{1, 4, 8, 16, 24, 32};
  return std::find(kDepths.begin(), kDepths.end(), read_little16(head, begin + 28)) != kDepths.end();
}

bool looks_like_pnm(Bytes head) {
  if (head.size() < 4 || head[0] != std::byte{'P'}) return false;
  const auto kind = std::to_integer<char>(head[1]);
  const auto space = std::to_integer<char>(head[2]);
  const auto next = std::to_integer<char>(head[3]);
  if (kind == '7') {
    constexpr std::array<std::string_view, 7> kWords{"\n#",      "\nWIDTH",    "\nHEIGHT", "\nDEPTH",
                                                     "\nMAXVAL", "\nTUPLTYPE", "\nENDHDR"};
    return std::any_of(kWords.begin(), kWords.end(), [&](std::string_view word) { return has_text(head, 2, word); });
  }
  if (kind < '1' || kind > '6') return false;
  if (space == '#') return true;
  const auto is_space = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  return is_space(space) && (is_space(next) || next == '#' || (next >= '0' && next <= '9'));
}

bool looks_like_gif(Bytes head) { return has_text(head, 0, "GIF87a") || has_text(head, 0, "GIF89a"); }

}  // namespace pixmill::pipeline
