#include "cli/console.hpp"

#include "cli/streams.hpp"
#include "cli/terminal.hpp"

#include <poll.h>
#include <unistd.h>

#include <chrono>

namespace pixmill::cli {
namespace {

constexpr std::string_view kClearLine = "\r\x1b[K";

}  // namespace

Console::Console() : animated_(can_animate(STDERR_FILENO)), colour_(can_colour(STDERR_FILENO)) {}

Console::~Console() { status(""); }

std::size_t Console::status_width() { return terminal_width(STDERR_FILENO, 80) - 1; }

void Console::line(std::string_view text) {
  const std::lock_guard lock(mutex_);
  write_line(text);
}

void Console::urgent_line(std::string_view text) {
  // By the system's clock, because gcc 12's ThreadSanitizer does not know the call that waits by the steady one.
  const std::unique_lock lock(mutex_, std::chrono::system_clock::now() + std::chrono::milliseconds(200));
  if (lock.owns_lock()) write_line(text);
}

void Console::write_line(std::string_view text) {
  std::string out;
  if (!status_.empty()) out += kClearLine;
  out += text;
  out += '\n';
  out += status_;
  write_stderr(out);  // In one piece, so that lines of several processes do not mix.
}

void Console::abandon() {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  pollfd room{STDERR_FILENO, POLLOUT, 0};
  if (lock.owns_lock() && !status_.empty() && poll(&room, 1, 0) == 1) write_stderr(kClearLine);
}

void Console::status(std::string_view text) {
  if (!animated_) return;
  const std::lock_guard lock(mutex_);
  if (text == status_) return;
  status_ = text;
  write_stderr(std::string(kClearLine) + status_);
}

}  // namespace pixmill::cli
