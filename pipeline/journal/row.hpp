#pragma once

#include <pixmill/batch.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// The lines of the manifest.
namespace pixmill::pipeline {

/// One image's line, with its newline. `plan` identifies what was done (see plan_identity()). Text that is no UTF-8 is
/// shown with replacement characters; a path that is none is given exactly as well, in `input_b64` or `output_b64`.
[[nodiscard]] std::string row_line(const ImageOutcome& outcome, std::uint64_t plan);

/// The last line: what became of all images, with its newline.
[[nodiscard]] std::string summary_line(const BatchReport& report);

/// An image's line read back.
struct ManifestRow {
  ImageOutcome outcome;
  std::uint64_t plan = 0;  ///< 0: the line did not say.
};

/// Reads one line; nothing for a summary, for a line cut short and for any other text. Never throws on account of the
/// text, whatever it is; reads no more than the keys that it knows.
[[nodiscard]] std::optional<ManifestRow> parse_row(std::string_view line);

/// Whether a line is the summary that a run ends with; and whether it is JSON at all, so not cut short. Never throw.
[[nodiscard]] bool is_summary(std::string_view line);
[[nodiscard]] bool is_whole_line(std::string_view line);

/// Whether JSON can hold a text as it is.
[[nodiscard]] bool is_utf8(const std::string& text);

/// The 16 digits of a hash, and back.
[[nodiscard]] std::string hash_text(std::uint64_t hash);
[[nodiscard]] std::optional<std::uint64_t> hash_from_text(std::string_view text);

}  // namespace pixmill::pipeline
