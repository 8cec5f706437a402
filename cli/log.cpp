#include "cli/log.hpp"

#include "cli/quantities.hpp"
#include "cli/terminal.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <ctime>

namespace pixmill::cli {
namespace {

/// Columns of the verdicts that lead lines, so that the paths below each other begin in one column.
constexpr std::size_t kVerdictColumns = 13;

constexpr std::string_view name_of(Level level) {
  switch (level) {
    case Level::error:
      return "error";
    case Level::warning:
      return "warning";
    case Level::info:
      return "info";
    case Level::debug:
      return "debug";
  }
  return "error";
}

std::string utc_now() {
  const auto now = std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
                     utc.tm_hour, utc.tm_min, utc.tm_sec, ms);
}

Colour colour_of(Verdict verdict) {
  if (verdict == Verdict::ok) return Colour::green;
  if (verdict == Verdict::skipped || verdict == Verdict::cancelled) return Colour::faint;
  return is_well(verdict) ? Colour::yellow : Colour::red;
}

Level level_of(Verdict verdict) {
  const bool routine = verdict == Verdict::ok || verdict == Verdict::skipped;
  // After an interruption all the rest is cancelled: the summary says how many, a line each would bury it.
  return routine || verdict == Verdict::cancelled ? Level::debug : Level::warning;
}

}  // namespace

std::string json_line(const LogEntry& entry, std::string_view time) {
  nlohmann::ordered_json json;
  json["time"] = time;
  json["level"] = name_of(entry.level);
  json["message"] = entry.message;
  if (!entry.input.empty()) json["input"] = entry.input;
  if (entry.verdict) json["verdict"] = to_string(*entry.verdict);
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string text_line(const LogEntry& entry, std::string_view command, bool colour) {
  std::string message = escape_for_terminal(entry.message);
  if (entry.verdict) {
    const std::string verdict = fmt::format("{:<{}}", to_string(*entry.verdict), kVerdictColumns);
    return coloured(verdict, colour_of(*entry.verdict), colour) + "  " + escape_for_terminal(entry.input) +
           (message.empty() ? "" : ": " + message);
  }
  if (entry.level == Level::error) return coloured(command, Colour::red, colour) + ": " + message;
  if (entry.level == Level::warning) return coloured("warning", Colour::yellow, colour) + ": " + message;
  return message;
}

LogEntry entry_for(const ImageOutcome& outcome) {
  LogEntry entry;
  entry.input = outcome.input;
  entry.verdict = outcome.verdict;
  entry.message = outcome.detail;
  entry.level = level_of(outcome.verdict);
  if (outcome.verdict == Verdict::ok) {
    if (!entry.message.empty()) entry.message = "; " + entry.message;
    entry.message = fmt::format("{}x{}, {} ms", outcome.width, outcome.height, format_rate(outcome.ms)) + entry.message;
    if (!outcome.output.empty()) entry.message = outcome.output + ", " + entry.message;
  }
  return entry;
}

bool Log::wanted(Level level) const {
  return level <= (options_.quiet ? Level::error : options_.verbose ? Level::debug : Level::info);
}

std::string Log::formatted(const LogEntry& entry) const {
  return options_.json ? json_line(entry, utc_now()) : text_line(entry, command_, console_.colour());
}

void Log::write(const LogEntry& entry) {
  if (wanted(entry.level)) console_.line(formatted(entry));
}

void Log::image(const ImageOutcome& outcome) {
  if (wanted(level_of(outcome.verdict))) write(entry_for(outcome));
}

void Log::urgent(const std::string& message) { console_.urgent_line(formatted({Level::info, message, "", {}})); }

}  // namespace pixmill::cli
