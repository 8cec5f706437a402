#pragma once

#include <pixmill/batch.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pixmill::cli {

/// What a summary says beyond the report.
struct SummaryContext {
  std::uint64_t bytes_in = 0;            ///< Read from inputs.
  std::optional<std::string> directory;  ///< Of the outputs.
  std::optional<std::string> manifest;   ///< Where the rows are.
};

/// What a batch came to, for a person: the first line has the counts, the speed and where things are; others, where
/// they apply, say what to do next. Paths are as given.
[[nodiscard]] std::vector<std::string> summary_lines(const BatchReport& report, const SummaryContext& context);

/// `path` as a word of a shell command.
[[nodiscard]] std::string shell_quoted(const std::string& path);

}  // namespace pixmill::cli
