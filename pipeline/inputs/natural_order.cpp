#include "pipeline/inputs/natural_order.hpp"

#include <algorithm>
#include <cstddef>

namespace pixmill::pipeline {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Paths hold no NUL, so its rank is free for '/'.
int rank(char c) { return c == '/' ? 0 : static_cast<unsigned char>(c); }

struct DigitRun {
  std::size_t zeros;        ///< Leading ones.
  std::string_view digits;  ///< The rest; empty for the number 0.
  std::size_t end;
};

DigitRun digit_run(std::string_view text, std::size_t begin) {
  std::size_t first = begin;
  while (first < text.size() && text[first] == '0') ++first;
  std::size_t end = first;
  while (end < text.size() && is_digit(text[end])) ++end;
  return {first - begin, text.substr(first, end - first), end};
}

int compare_numbers(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  return a.compare(b);
}

}  // namespace

int natural_compare(std::string_view a, std::string_view b) {
  const std::size_t common =
      static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
  std::size_t i = common;
  // The texts may part in the middle of a number, which counts as a whole.
  while (i > 0 && is_digit(a[i - 1])) --i;
  std::size_t j = i;
  int zeros_decide = 0;
  while (i < a.size() && j < b.size()) {
    if (is_digit(a[i]) && is_digit(b[j])) {
      const DigitRun x = digit_run(a, i);
      const DigitRun y = digit_run(b, j);
      if (const int order = compare_numbers(x.digits, y.digits); order != 0) return order;
      if (zeros_decide == 0 && x.zeros != y.zeros) zeros_decide = x.zeros < y.zeros ? -1 : 1;
      i = x.end;
      j = y.end;
    } else {
      if (a[i] != b[j]) return rank(a[i]) < rank(b[j]) ? -1 : 1;
      ++i;
      ++j;
    }
  }
  if (i < a.size()) return 1;
  if (j < b.size()) return -1;
  return zeros_decide;
}

}  // namespace pixmill::pipeline
