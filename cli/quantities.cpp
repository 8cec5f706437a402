#include "cli/quantities.hpp"

#include <pixmill/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

namespace pixmill::cli {
namespace {

constexpr std::string_view kSizeSyntax = "expected a size such as 512M, 1G or 1.5GiB (K, M, G, T are powers of 1024)";

/// The power of 1024 that a suffix stands for, or -1.
int suffix_power(std::string suffix) {
  std::transform(suffix.begin(), suffix.end(), suffix.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  if (suffix.empty() || suffix == "B") return 0;
  const std::size_t power = std::string_view("KMGT").find(suffix.front());
  const std::string_view rest = std::string_view(suffix).substr(1);
  if (power == std::string_view::npos || !(rest.empty() || rest == "B" || rest == "IB")) return -1;
  return static_cast<int>(power) + 1;
}

}  // namespace

std::uint64_t parse_size(std::string_view text) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + digits, number, std::chars_format::fixed);
  std::string_view suffix = text.substr(digits);
  if (!suffix.empty() && suffix.front() == ' ') suffix.remove_prefix(1);
  const int power = suffix_power(std::string(suffix));
  if (digits == 0 || error != std::errc() || end != text.data() + digits || power < 0) {
    throw Error(ErrorCode::usage, std::string(kSizeSyntax));
  }
  const double bytes = std::floor(std::ldexp(number, 10 * power));
  // Beyond 2^63 no machine follows, and a double no longer fits.
  if (bytes >= std::ldexp(1.0, 63)) throw Error(ErrorCode::usage, "that is more bytes than there are");
  if (bytes < 1) throw Error(ErrorCode::usage, "it must be at least one byte; " + std::string(kSizeSyntax));
  return static_cast<std::uint64_t>(bytes);
}

std::uint64_t parse_whole(std::string_view text, std::uint64_t min, std::uint64_t max) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size() && number >= min && number <= max) return number;
  const bool bounded = max < std::numeric_limits<std::int64_t>::max();
  throw Error(ErrorCode::usage, bounded ? fmt::format("expected a whole number from {} to {}", min, max)
                                        : fmt::format("expected a whole number, {} or more", min));
}

std::chrono::milliseconds parse_seconds(std::string_view text) {
  constexpr double kYear = 31536000;
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc() || end != text.data() + text.size() || !(number >= 0) || number > kYear) {
    throw Error(ErrorCode::usage, "expected seconds such as 60 or 0.5, at most a year; 0 is no limit");
  }
  // What is not nothing must not become so by rounding.
  return std::chrono::milliseconds(static_cast<std::int64_t>(std::ceil(number * 1000)));
}

std::string format_count(std::uint64_t count) {
  std::string text = std::to_string(count);
  for (std::size_t at = text.size(); at > 3;) {
    at -= 3;
    text.insert(at, ",");
  }
  return text;
}

std::string format_count_of(std::uint64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", format_count(count), noun, count == 1 ? "" : "s");
}

std::string format_size(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 5> kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  double number = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (number >= 1024 && unit + 1 < kUnits.size()) {
    number /= 1024;
    ++unit;
  }
  const bool whole = number >= 100 || number == std::floor(number);
  return whole ? fmt::format("{:.0f} {}", number, kUnits[unit]) : fmt::format("{:.1f} {}", number, kUnits[unit]);
}

std::string format_duration(double seconds) {
  seconds = std::max(seconds, 0.0);
  if (seconds < 10) return fmt::format("{:.2f} s", seconds);
  if (seconds < 99.95) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<std::uint64_t>(std::llround(std::min(seconds, 1e15)));
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", format_count(whole / 3600), whole / 60 % 60);
}

std::string format_clock(double seconds) {
  const auto whole = static_cast<std::uint64_t>(std::llround(std::clamp(seconds, 0.0, 1e15)));
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

std::string format_rate(double per_second) {
  if (!(per_second > 0)) return "0";
  if (per_second < 9.995) return fmt::format("{:.2f}", per_second);
  if (per_second < 99.95) return fmt::format("{:.1f}", per_second);
  return format_count(static_cast<std::uint64_t>(std::llround(std::min(per_second, 1e15))));
}

}  // namespace pixmill::cli
