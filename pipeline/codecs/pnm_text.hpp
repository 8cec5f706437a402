#pragma once

#include "pipeline/codecs/codec.hpp"

#include <cstdint>

namespace pixmill::pipeline {

/// Reads numbers written as text, with white space and comments ("#" to the end of the line) between them.
class PnmText {
 public:
  PnmText(Bytes file, std::size_t at) : file_(file), at_(at) {}

  enum class Found : unsigned char { number, end, other };
  /// A decimal number; one beyond 2^63 counts as 2^63. What stands behind it is not taken.
  Found next_number(std::uint64_t& value);
  /// A single digit 0 or 1, white space before it or not.
  Found next_bit(std::uint64_t& value);
  /// Takes the one white-space character, or the comment, that ends a header. False if there is none.
  bool take_separator();

  [[nodiscard]] std::size_t at() const { return at_; }

 private:
  void skip_blanks();

  Bytes file_;
  std::size_t at_;
};

}  // namespace pixmill::pipeline
