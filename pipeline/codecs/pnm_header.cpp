#include "pipeline/codecs/pnm_header.hpp"

#include "pipeline/codecs/byte_order.hpp"
#include "pipeline/codecs/pnm_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>

namespace pixmill::pipeline {

namespace {

CodecStatus corrupt(std::string detail) { return {Verdict::corrupt, std::move(detail)}; }
CodecStatus cut_in_header() { return {Verdict::truncated, "the file ends in its header"}; }

CodecStatus take_size(std::uint64_t width, std::uint64_t height, PnmHeader& header) {
  if (width == 0 || height == 0) return corrupt(fmt::format("the header claims {} x {} pixels", width, height));
  constexpr std::uint64_t kMost = std::numeric_limits<std::int32_t>::max();
  header.width = static_cast<std::int64_t>(std::min(width, kMost));
  header.height = static_cast<std::int64_t>(std::min(height, kMost));
  return {};
}

CodecStatus take_max_value(std::uint64_t value, PnmHeader& header) {
  if (value == 0 || value > 65535) {
    return corrupt(fmt::format("the header claims {} as the largest value, which must be from 1 to 65535", value));
  }
  header.max_value = static_cast<std::uint32_t>(value);
  return {};
}

CodecStatus read_plain_header(Bytes file, PnmHeader& header) {
  PnmText text(file, 2);
  std::array<std::uint64_t, 3> numbers{0, 0, 1};
  const bool bitmap = header.kind == 1 || header.kind == 4;
  for (std::size_t i = 0; i < (bitmap ? 2U : 3U); ++i) {
    const PnmText::Found found = text.next_number(numbers[i]);
    if (found == PnmText::Found::end) return cut_in_header();
    if (found == PnmText::Found::other) {
      return corrupt(fmt::format("byte {} is no number, where the header must have one", text.at()));
    }
  }
  CodecStatus status = take_size(numbers[0], numbers[1], header);
  if (status.usable()) status = take_max_value(numbers[2], header);
  if (!status.usable()) return status;
  header.channels = header.kind == 3 || header.kind == 6 ? 3 : 1;
  if (!text.take_separator()) {
    // Text may go on at once with a comment; bytes may not.
    if (text.at() == file.size()) return cut_in_header();
    return corrupt(fmt::format("byte {} is no white space, where the header must end", text.at()));
  }
  header.raster_begin = text.at();
  return {};
}

/// The header of P7: lines of a word and a value.
class PamHeader {
 public:
  PamHeader(Bytes file, PnmHeader& header) : file_(file), header_(header) {}

  CodecStatus read() {
    while (next_line()) {
      if (word_ == "ENDHDR") return finish();
      CodecStatus status = take();
      if (!status.usable()) return status;
    }
    return cut_in_header();
  }

 private:
  /// The word and the rest of the next line that is neither empty nor a comment. False at the end of the file.
  bool next_line() {
    const std::string_view text(reinterpret_cast<const char*>(file_.data()), file_.size());
    while (at_ < text.size()) {
      const std::size_t end = text.find('\n', at_);
      if (end == std::string_view::npos) return false;
      std::string_view line = trimmed(text.substr(at_, end - at_));
      at_ = end + 1;
      if (line.empty() || line.front() == '#') continue;
      const std::size_t space = std::min(line.find_first_of(kBlanks), line.size());
      word_ = line.substr(0, space);
      value_ = trimmed(line.substr(space));
      return true;
    }
    return false;
  }

  static std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(kBlanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kBlanks) + 1 - first);
  }

  CodecStatus take() {
    if (word_ == "TUPLTYPE") {
      // More than one line makes a type that nobody uses, and is refused below as one.
      if (!type_.empty()) type_ += ' ';
      type_ += value_.substr(0, kLongestType);
      return type_.size() > kLongestType ? corrupt("the type of its tuples is too long") : CodecStatus{};
    }
    constexpr std::array<std::string_view, 4> kWords{"WIDTH", "HEIGHT", "DEPTH", "MAXVAL"};
    const auto* word = std::find(kWords.begin(), kWords.end(), word_);
    if (word == kWords.end())
      return corrupt(fmt::format("the header's line before byte {} has no meaning in PAM", at_));
    std::uint64_t& number = numbers_[static_cast<std::size_t>(word - kWords.begin())];
    PnmText text(std::as_bytes(std::span(value_)), 0);
    if (text.next_number(number) != PnmText::Found::number || text.at() != value_.size()) {
      return corrupt(fmt::format("{} is followed by no number in the header", *word));
    }
    return {};
  }

  CodecStatus finish() {
    CodecStatus status = take_size(numbers_[0], numbers_[1], header_);
    if (status.usable()) status = take_max_value(numbers_[3], header_);
    if (!status.usable()) return status;
    header_.raster_begin = at_;
    const std::uint64_t depth = numbers_[2];
    header_.channels = static_cast<int>(std::min<std::uint64_t>(std::max<std::uint64_t>(depth, 1), 4));
    if (depth == 0) return corrupt("the header claims tuples of 0 samples");
    // Without a type, the number of samples says what they are, as in Netpbm's own programs.
    constexpr std::array<std::pair<std::string_view, std::uint64_t>, 6> kTypes{{{"BLACKANDWHITE", 1},
                                                                                {"GRAYSCALE", 1},
                                                                                {"BLACKANDWHITE_ALPHA", 2},
                                                                                {"GRAYSCALE_ALPHA", 2},
                                                                                {"RGB", 3},
                                                                                {"RGB_ALPHA", 4}}};
    const auto* type = std::find_if(kTypes.begin(), kTypes.end(), [&](const auto& t) { return t.first == type_; });
    if (type_.empty() ? depth > 4 : type == kTypes.end()) {
      return {Verdict::unsupported, fmt::format("a PAM of {} samples a pixel that are neither gray nor RGB", depth)};
    }
    if (!type_.empty() && type->second != depth) {
      return corrupt(
          fmt::format("the header claims {} samples a pixel, but {} has {}", depth, type->first, type->second));
    }
    return {};
  }

  static constexpr std::string_view kBlanks = " \t\r\v\f";
  static constexpr std::size_t kLongestType = 255;
  Bytes file_;
  PnmHeader& header_;
  std::size_t at_ = 3;
  std::string_view word_;
  std::string_view value_;
  std::array<std::uint64_t, 4> numbers_{};
  std::string type_;
};

}  // namespace

std::uint64_t PnmHeader::row_bytes() const {
  const auto samples = static_cast<std::uint64_t>(width) * static_cast<std::uint64_t>(channels);
  return is_packed() ? (samples + 7) / 8 : samples * (is_wide() ? 2 : 1);
}

std::uint64_t PnmHeader::least_raster_bytes() const {
  const auto rows = static_cast<std::uint64_t>(height);
  if (!is_text()) return rows * row_bytes();
  const std::uint64_t samples = rows * static_cast<std::uint64_t>(width) * static_cast<std::uint64_t>(channels);
  return kind == 1 ? samples : 2 * samples - 1;
}

CodecStatus read_pnm_header(Bytes file, PnmHeader& header) {
  header = {};
  if (file.size() < 3) return cut_in_header();
  header.kind = static_cast<int>(byte_at(file, 1)) - '0';
  if (header.kind == 7) return PamHeader(file, header).read();
  return read_plain_header(file, header);
}

}  // namespace pixmill::pipeline
