#include "cli/summary.hpp"

#include "cli/quantities.hpp"

#include <fmt/format.h>

#include <string_view>

namespace pixmill::cli {
namespace {

/// The verdicts that are failures and that occurred.
std::vector<Verdict> failures_of(const BatchReport& report) {
  std::vector<Verdict> failures;
  for (const Verdict verdict : all_verdicts()) {
    if (!is_well(verdict) && verdict != Verdict::cancelled && report.count(verdict) > 0) failures.push_back(verdict);
  }
  return failures;
}

std::string counts_text(const BatchReport& report, const std::vector<Verdict>& failures) {
  std::string text = format_count_of(report.images, "image") + ": " + format_count(report.count(Verdict::ok)) + " ok";
  const auto add = [&](Verdict verdict, std::string_view words) {
    if (report.count(verdict) > 0) text += ", " + format_count(report.count(verdict)) + std::string(words);
  };
  add(Verdict::repaired, " repaired");
  add(Verdict::skipped, " done before");
  std::uint64_t failed = 0;
  std::string kinds;
  for (const Verdict verdict : failures) {
    failed += report.count(verdict);
    kinds += (kinds.empty() ? "" : ", ") + format_count(report.count(verdict)) + ' ' + std::string(to_string(verdict));
  }
  if (failed > 0) text += ", " + format_count(failed) + " failed (" + kinds + ')';
  add(Verdict::cancelled, " not done");
  return text;
}

std::string first_line(const BatchReport& report, const SummaryContext& context, const std::vector<Verdict>& failures) {
  std::string line = counts_text(report, failures) + " in " + format_duration(report.seconds);
  const std::uint64_t worked = report.images - report.count(Verdict::skipped) - report.count(Verdict::cancelled);
  if (worked > 0 && report.seconds > 0) {
    line += ", " + format_rate(static_cast<double>(worked) / report.seconds) + " images/s";
    if (context.bytes_in > 0) {
      line += ", " + format_rate(static_cast<double>(context.bytes_in) / 1e6 / report.seconds) + " MB/s";
    }
  }
  line += fmt::format(", {} x{}", report.backend, report.jobs);
  if (context.directory) line += "; outputs in " + *context.directory;
  if (context.manifest) line += (context.directory ? ", rows in " : "; rows in ") + *context.manifest;
  return line;
}

}  // namespace

std::string shell_quoted(const std::string& path) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+,:@%=-";
  if (!path.empty() && path.find_first_not_of(kPlain) == std::string::npos) return path;
  std::string quoted = "'";
  for (const char c : path) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::vector<std::string> summary_lines(const BatchReport& report, const SummaryContext& context) {
  const std::vector<Verdict> failures = failures_of(report);
  std::vector<std::string> lines = {first_line(report, context, failures)};
  for (const std::string& decision : report.decisions) lines.push_back("for the whole batch: " + decision);
  if (report.passed_over > 0) {
    lines.push_back(format_count_of(report.passed_over, "file") + " in the folders " +
                    (report.passed_over == 1 ? "is no image and was" : "are no images and were") + " passed over");
  }
  if (!failures.empty() && context.manifest) {
    std::string kinds;
    for (const Verdict verdict : failures) kinds += (kinds.empty() ? "" : "|") + std::string(to_string(verdict));
    lines.push_back(
        fmt::format("to see what failed: grep -E '\"verdict\": ?\"({})\"' {}", kinds, shell_quoted(*context.manifest)));
  } else if (!failures.empty()) {
    lines.emplace_back("to keep a row for each image, and why it failed: --manifest FILE");
  }
  if (report.count(Verdict::cancelled) > 0 && context.directory) {
    lines.emplace_back("to do the rest: the same command with --resume");
  }
  return lines;
}

}  // namespace pixmill::cli
