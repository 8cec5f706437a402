#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

/// Numbers as people write and read them.
namespace pixmill::cli {

/// Reads a size in bytes: "1G" is 2^30; K, M, G and T, each with or without "B" or "iB", in either case; decimals as in
/// "1.5G". Throws Error (usage) saying what was expected.
[[nodiscard]] std::uint64_t parse_size(std::string_view text);

/// Reads a whole number in [min, max]. Throws Error (usage) naming the range.
[[nodiscard]] std::uint64_t parse_whole(std::string_view text, std::uint64_t min, std::uint64_t max);

/// Reads seconds, with decimals or without: "60", "0.5". Throws Error (usage).
[[nodiscard]] std::chrono::milliseconds parse_seconds(std::string_view text);

/// "1,234,567".
[[nodiscard]] std::string format_count(std::uint64_t count);
/// `count` and the noun, with an s unless it is one: "1 image", "2 images".
[[nodiscard]] std::string format_count_of(std::uint64_t count, std::string_view noun);
/// A size that parse_size() reads back, rounded to three digits or so: "512 B", "1.5 MiB", "1 GiB".
[[nodiscard]] std::string format_size(std::uint64_t bytes);
/// "0.21 s", "12.3 s", "2 min 05 s", "3 h 07 min".
[[nodiscard]] std::string format_duration(double seconds);
/// For a clock in a bar: "0:07", "12:30", "3:04:05".
[[nodiscard]] std::string format_clock(double seconds);
/// Three digits or so: "0.57", "20.2", "476", "12,345".
[[nodiscard]] std::string format_rate(double per_second);

}  // namespace pixmill::cli
