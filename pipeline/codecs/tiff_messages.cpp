#include "pipeline/codecs/tiff_messages.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <string_view>

namespace pixmill::pipeline {

namespace {

constexpr int kHandled = 1;  // libtiff then does not call its global handler, which prints

struct Known {
  std::string_view part;
  Verdict verdict;
  std::string_view words;
};

// libtiff's words are for programmers; these are what they mean. The first that fits counts.
constexpr std::array<Known, 15> kKnown{{
    {"beyond the", Verdict::too_large, "decoding it takes more memory than is allowed"},
    {"No space", Verdict::out_of_memory, "not enough memory to decode it"},
    {"ut of memory", Verdict::out_of_memory, "not enough memory to decode it"},
    {"Insufficient memory", Verdict::out_of_memory, "not enough memory to decode it"},
    {"too many scans", Verdict::too_large, "its JPEG data has too many scans"},
    {"LIBTIFF_JPEG_MAX", Verdict::too_large, "its JPEG data has too many scans"},
    {"data precision", Verdict::unsupported, "its JPEG data does not have 8 bits"},
    {"Unsupported JPEG process", Verdict::unsupported, "its JPEG data is of a kind that is not read"},
    {"Uncompressed data", Verdict::unsupported, "its fax data is in uncompressed mode"},
    {"not configured", Verdict::unsupported, "its compression is not in this libtiff"},
    {"ot enough data", Verdict::corrupt, "its data ends early"},
    {"Premature EOL", Verdict::corrupt, "a line of its fax data ends early"},
    {"Line length mismatch", Verdict::corrupt, "a line of its fax data is too long"},
    {"remature", Verdict::corrupt, "its data ends early"},
    {"lack of data", Verdict::corrupt, "its data ends early"},
}};

// What libtiff remarks on and decodes as it is meant all the same.
constexpr std::array<std::string_view, 4> kHarmless{"Old-style LZW", "progressive mode",
                                                    "size exceeds expected dimensions", "fractional scanline"};

}  // namespace

CodecStatus TiffMessages::status() const {
  const std::string_view said(text_.data());
  const auto* known =
      std::find_if(kKnown.begin(), kKnown.end(), [said](const Known& k) { return said.find(k.part) != said.npos; });
  if (known != kKnown.end()) return {known->verdict, std::string(known->words)};
  std::string detail = "its compressed data is damaged";
  if (!said.empty()) detail.append(" (").append(said).append(")");
  return {Verdict::corrupt, std::move(detail)};
}

std::optional<std::uint32_t> TiffMessages::line() const {
  const std::string_view said(text_.data());
  constexpr std::string_view kBefore = " at line ";
  const std::size_t found = said.find(kBefore);
  if (found == said.npos) return std::nullopt;
  std::uint32_t line = 0;
  const char* const first = said.data() + found + kBefore.size();
  const auto [end, error] = std::from_chars(first, said.data() + said.size(), line);
  if (error != std::errc()) return std::nullopt;
  return line;
}

int TiffMessages::on_error(TIFF* /*tiff*/, void* self, const char* /*module*/, const char* format,
                           std::va_list arguments) {
  TiffMessages& messages = *static_cast<TiffMessages*>(self);
  if (messages.damaged()) return kHandled;
  if (std::vsnprintf(messages.text_.data(), messages.text_.size(), format, arguments) <= 0) messages.text_[0] = '?';
  // Words of a file's own may be quoted in it, and some messages have two lines.
  for (char& c : messages.text_) {
    if (c != '\0' && (c < ' ' || c > '~')) c = ' ';
  }
  return kHandled;
}

int TiffMessages::on_warning(TIFF* tiff, void* self, const char* module, const char* format, std::va_list arguments) {
  const std::string_view said(format);
  const bool harmless =
      std::any_of(kHarmless.begin(), kHarmless.end(), [said](std::string_view h) { return said.find(h) != said.npos; });
  return harmless ? kHandled : on_error(tiff, self, module, format, arguments);
}

}  // namespace pixmill::pipeline
