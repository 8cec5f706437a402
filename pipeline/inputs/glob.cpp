#include "pipeline/inputs/glob.hpp"

#include <cstddef>
#include <optional>

namespace pixmill::pipeline {
namespace {

constexpr std::size_t kNone = std::string_view::npos;

/// How many bytes the first one of a UTF-8 sequence promises; 0 if it begins none.
std::size_t sequence_length(unsigned char first) {
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first < 0xe0) return 2;
  if (first >= 0xe0 && first < 0xf0) return 3;
  if (first >= 0xf0 && first < 0xf5) return 4;
  return 0;
}

/// The character at `position`, which moves behind it. A byte outside UTF-8 gets a value that no character has.
char32_t next_character(std::string_view text, std::size_t& position) {
  constexpr char32_t kBeyondUnicode = 0x200000;
  const auto first = static_cast<unsigned char>(text[position]);
  const std::size_t length = sequence_length(first);
  if (length == 0 || length > text.size() - position) {
    ++position;
    return kBeyondUnicode + first;
  }
  char32_t value = length == 1 ? first : first & (0x7fU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    const auto byte = static_cast<unsigned char>(text[position + i]);
    if ((byte & 0xc0U) != 0x80U) {
      ++position;
      return kBeyondUnicode + first;
    }
    value = (value << 6U) | (byte & 0x3fU);
  }
  position += length;
  return value;
}

char32_t next_literal(std::string_view pattern, std::size_t& position) {
  if (pattern[position] == '\\' && position + 1 < pattern.size()) ++position;
  return next_character(pattern, position);
}

/// Whether the set that begins behind the `[` at `position` has `character`; `position` moves behind the `]`. Nothing,
/// and `position` stays, if there is no `]`.
std::optional<bool> match_set(std::string_view pattern, std::size_t& position, char32_t character) {
  std::size_t p = position + 1;
  const bool negated = p < pattern.size() && (pattern[p] == '!' || pattern[p] == '^');
  if (negated) ++p;
  bool found = false;
  for (bool first = true; p < pattern.size(); first = false) {
    if (pattern[p] == ']' && !first) {
      position = p + 1;
      return found != negated;
    }
    const char32_t low = next_literal(pattern, p);
    char32_t high = low;
    if (p + 1 < pattern.size() && pattern[p] == '-' && pattern[p + 1] != ']') {
      ++p;
      high = next_literal(pattern, p);
    }
    found = found || (low <= character && character <= high);
  }
  return std::nullopt;
}

/// Matches one character against what is at `p`, which is no star. Both positions move on if it does.
bool match_one(std::string_view pattern, std::size_t& p, std::string_view name, std::size_t& n) {
  std::size_t behind_name = n;
  const char32_t character = next_character(name, behind_name);
  std::size_t behind_pattern = p;
  bool matches = false;
  if (pattern[p] == '?') {
    matches = true;
    ++behind_pattern;
  } else {
    std::optional<bool> in_set;
    if (pattern[p] == '[') in_set = match_set(pattern, behind_pattern, character);
    matches = in_set ? *in_set : next_literal(pattern, behind_pattern) == character;
  }
  if (!matches) return false;
  p = behind_pattern;
  n = behind_name;
  return true;
}

}  // namespace

bool has_wildcards(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '*' || text[i] == '?' || text[i] == '[') {
      return true;
    }
  }
  return false;
}

bool glob_match(std::string_view pattern, std::string_view name) {
  std::size_t p = 0;
  std::size_t n = 0;
  std::size_t star = kNone;  // behind the last `*`, where matching goes on with one character more given to it
  std::size_t star_name = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = ++p;
      star_name = n;
    } else if (p < pattern.size() && match_one(pattern, p, name, n)) {
      continue;
    } else if (star != kNone) {
      next_character(name, star_name);
      p = star;
      n = star_name;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::string without_escapes(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    out += text[i];
  }
  return out;
}

}  // namespace pixmill::pipeline
