#pragma once

#include "kernels/accumulator.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// The lines of `pixmill.state.jsonl`: what each image adds to the reductions, so that a resumed run need not decode it
/// again.
namespace pixmill::pipeline {

/// A longer line is not worth keeping (16-bit histograms): resume folds that image again from its input.
inline constexpr std::size_t kLongestPartial = std::size_t{64} << 10;

/// Whose partial it is, and of which work.
struct PartialKey {
  std::string input;
  std::uint64_t input_xxh64 = 0;
  std::uint64_t plan = 0;
  friend bool operator==(const PartialKey&, const PartialKey&) = default;
};

/// One line with its newline; empty if it would be longer than kLongestPartial.
[[nodiscard]] std::string partial_line(const PartialKey& key, const kernels::Partial& partial);

/// The key of a line, or nothing if it is none. Never throws on account of the text.
[[nodiscard]] std::optional<PartialKey> parse_partial_key(std::string_view line);

/// A line read whole.
struct PartialRow {
  PartialKey key;
  kernels::Partial partial;
};

/// Reads a line; nothing if it is none, contradicts itself, or lacks the histogram that is wanted.
[[nodiscard]] std::optional<PartialRow> parse_partial(std::string_view line, bool with_histogram);

}  // namespace pixmill::pipeline
