#pragma once

#include "cli/console.hpp"

#include <pixmill/batch.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace pixmill::cli {

enum class Level { error, warning, info, debug };

/// One thing to say.
struct LogEntry {
  Level level = Level::info;
  std::string message;
  std::string input;  ///< The image it is about; may be empty.
  std::optional<Verdict> verdict;
};

struct LogOptions {
  bool quiet = false;    ///< Errors only.
  bool verbose = false;  ///< Each image, too.
  bool json = false;     ///< One JSON object a line instead of text.
};

/// The entry as one JSON object {"time", "level", "message", "input", "verdict"}, the last two where they apply. `time`
/// is when it happened, "2026-01-31T12:34:56.789Z". Bytes that are no UTF-8 are replaced.
[[nodiscard]] std::string json_line(const LogEntry& entry, std::string_view time);

/// The entry for a person: "corrupt  a.jpg: the detail", or "warning: …"; nothing in it can steer a terminal.
[[nodiscard]] std::string text_line(const LogEntry& entry, std::string_view command, bool colour);

/// What is to be said of an image, and how loudly.
[[nodiscard]] LogEntry entry_for(const ImageOutcome& outcome);

/// Says things on standard error, as text or JSON, above whatever is redrawn there. Any thread.
class Log {
 public:
  /// `command` as in "pixmill run", before errors. `console` must outlive this.
  Log(Console& console, std::string_view command, LogOptions options)
      : console_(console), command_(command), options_(options) {}

  void write(const LogEntry& entry);
  void error(const std::string& message) { write({Level::error, message, "", {}}); }
  void warning(const std::string& message) { write({Level::warning, message, "", {}}); }
  void info(const std::string& message) { write({Level::info, message, "", {}}); }
  void image(const ImageOutcome& outcome);
  /// As info(), but never waits long for standard error, and is said even to those who want it quiet.
  void urgent(const std::string& message);

 private:
  [[nodiscard]] bool wanted(Level level) const;
  [[nodiscard]] std::string formatted(const LogEntry& entry) const;

  Console& console_;
  const std::string command_;
  const LogOptions options_;
};

}  // namespace pixmill::cli
