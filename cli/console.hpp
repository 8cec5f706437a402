#pragma once

#include <mutex>
#include <string>
#include <string_view>

namespace pixmill::cli {

/// Standard error, shared between lines that stay and one status line that is redrawn below them. Any thread.
class Console {
 public:
  Console();
  ~Console();
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  /// Whether a status line can be shown at all.
  [[nodiscard]] bool animated() const { return animated_; }
  /// Whether lines may carry colour.
  [[nodiscard]] bool colour() const { return colour_; }
  /// Columns that a status line may fill without wrapping, as the terminal is now.
  [[nodiscard]] static std::size_t status_width();

  /// Writes a line above the status line.
  void line(std::string_view text);
  /// As line(), for a thread that must not wait long for one that is stuck in writing: then the line is left out.
  void urgent_line(std::string_view text);
  /// Replaces the status line; empty: none. Nothing happens where it cannot be shown.
  void status(std::string_view text);

  /// Clears the status line if that can be done without waiting, for a process that leaves at once.
  void abandon();

 private:
  void write_line(std::string_view text);

  const bool animated_;
  const bool colour_;
  std::timed_mutex mutex_;
  std::string status_;  ///< As on the screen; guarded by mutex_.
};

}  // namespace pixmill::cli
