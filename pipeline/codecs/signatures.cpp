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

bool looks_like_png(Bytes head) { return has_text(head, 0, std::string_view("\x89PNG\r\n\x1a\n", 8)); }

bool looks_like_jpeg(Bytes head) { return has_text(head, 0, "\xFF\xD8\xFF"); }

bool looks_like_tiff(Bytes head) {
  return has_text(head, 0, std::string_view("II*\0", 4)) || has_text(head, 0, std::string_view("MM\0*", 4)) ||
         has_text(head, 0, std::string_view("II+\0\x08\0\0\0", 8)) ||
         has_text(head, 0, std::string_view("MM\0+\0\x08\0\0", 8));
}

bool looks_like_webp(Bytes head) { return has_text(head, 0, "RIFF") && has_text(head, 8, "WEBPVP8"); }

bool looks_like_bmp(Bytes head) {
  if (!has_text(head, 0, "BM") || head.size() < 18) return false;
  // "BM" begins many a text; the size of the information header is one of a few numbers, and pixels come after it.
  constexpr std::array<std::uint32_t, 8> kHeaderSizes{12, 16, 40, 52, 56, 64, 108, 124};
  const std::uint32_t header_size = read_little32(head, 14);
  return std::find(kHeaderSizes.begin(), kHeaderSizes.end(), header_size) != kHeaderSizes.end();
}

bool looks_like_pnm(Bytes head) {
  if (head.size() < 4 || head[0] != std::byte{'P'}) return false;
  const auto kind = std::to_integer<char>(head[1]);
  const auto space = std::to_integer<char>(head[2]);
  const auto next = std::to_integer<char>(head[3]);
  if (kind == '7') return has_text(head, 2, "\nWIDTH") || has_text(head, 2, "\n#");
  if (kind < '1' || kind > '6') return false;
  const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  return is_space(space) && (is_space(next) || next == '#' || (next >= '0' && next <= '9'));
}

bool looks_like_gif(Bytes head) { return has_text(head, 0, "GIF87a") || has_text(head, 0, "GIF89a"); }

}  // namespace pixmill::pipeline
