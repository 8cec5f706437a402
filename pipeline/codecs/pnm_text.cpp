#include "pipeline/codecs/pnm_text.hpp"

#include "pipeline/codecs/byte_order.hpp"

#include <algorithm>

namespace pixmill::pipeline {

namespace {

/// With vertical tabs and form feeds, as in OpenCV and Pillow; Netpbm's pages name only the other four.
bool is_blank(std::uint32_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool ends_line(std::uint32_t c) { return c == '\n' || c == '\r'; }
bool is_digit(std::uint32_t c) { return c >= '0' && c <= '9'; }

}  // namespace

void PnmText::skip_blanks() {
  while (at_ < file_.size()) {
    const std::uint32_t c = byte_at(file_, at_);
    if (c == '#') {
      while (at_ < file_.size() && !ends_line(byte_at(file_, at_))) ++at_;
    } else if (is_blank(c)) {
      ++at_;
    } else {
      return;
    }
  }
}

PnmText::Found PnmText::next_number(std::uint64_t& value) {
  skip_blanks();
  if (at_ == file_.size()) return Found::end;
  if (!is_digit(byte_at(file_, at_))) return Found::other;
  constexpr std::uint64_t kMost = std::uint64_t{1} << 63;
  value = 0;
  for (; at_ < file_.size() && is_digit(byte_at(file_, at_)); ++at_) {
    const std::uint64_t digit = byte_at(file_, at_) - '0';
    value = value > (kMost - digit) / 10 ? kMost : 10 * value + digit;
  }
  return Found::number;
}

PnmText::Found PnmText::next_bit(std::uint64_t& value) {
  skip_blanks();
  if (at_ == file_.size()) return Found::end;
  const std::uint32_t c = byte_at(file_, at_);
  if (c != '0' && c != '1') return Found::other;
  value = c - '0';
  ++at_;
  return Found::number;
}

bool PnmText::take_separator() {
  if (at_ == file_.size()) return false;
  const std::uint32_t c = byte_at(file_, at_);
  if (c == '#') {
    while (at_ < file_.size() && !ends_line(byte_at(file_, at_))) ++at_;
    if (at_ == file_.size()) return false;
  } else if (!is_blank(c)) {
    return false;
  }
  ++at_;
  return true;
}

}  // namespace pixmill::pipeline
