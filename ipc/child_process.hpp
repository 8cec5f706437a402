#pragma once

#include "ipc/unique_fd.hpp"

#include <sys/types.h>

#include <csignal>
#include <optional>
#include <string>
#include <utility>

namespace pixmill::ipc {

/// How a process ended.
struct ProcessEnd {
  bool by_signal = false;
  int number = 0;  ///< The signal, or the exit code.

  friend bool operator==(const ProcessEnd&, const ProcessEnd&) = default;
};

/// "killed by SIGSEGV (Segmentation fault)", "exited with 3".
[[nodiscard]] std::string describe(const ProcessEnd& end);
/// The same with its verb: "was killed by SIGSEGV (Segmentation fault)", "exited with 3".
[[nodiscard]] std::string describe_event(const ProcessEnd& end);

/// A child of this process, held by a pidfd: its number can be given to nobody else meanwhile, so a signal never
/// reaches a stranger. Ends the child and reaps it when it goes. Movable; one thread at a time.
class ChildProcess {
 public:
  ChildProcess() = default;
  /// `pid` must be a child of this process that is not reaped yet, `pidfd` its pidfd.
  ChildProcess(pid_t pid, UniqueFd pidfd) : pid_(pid), pidfd_(static_cast<UniqueFd&&>(pidfd)) {}
  /// Opens the pidfd itself. Throws pixmill::Error (machine) without descriptors, or on a kernel before 5.3; the child
  /// is killed and reaped then.
  [[nodiscard]] static ChildProcess adopt(pid_t pid);
  ChildProcess(ChildProcess&& other) noexcept
      : pid_(std::exchange(other.pid_, 0)), pidfd_(static_cast<UniqueFd&&>(other.pidfd_)) {}
  ChildProcess& operator=(ChildProcess&& other) noexcept {
    if (this == &other) return *this;
    end();
    pid_ = std::exchange(other.pid_, 0);
    pidfd_ = static_cast<UniqueFd&&>(other.pidfd_);
    return *this;
  }
  ~ChildProcess();

  [[nodiscard]] explicit operator bool() const { return static_cast<bool>(pidfd_); }
  [[nodiscard]] pid_t pid() const { return pid_; }
  /// Readable, for poll and epoll, once the process is dead.
  [[nodiscard]] int pidfd() const { return pidfd_.get(); }

  /// Whether it is dead; without reaping it.
  [[nodiscard]] bool dead() const;
  /// Whether it is dead or on its way there: it runs no instruction of its own any more. Reads /proc.
  [[nodiscard]] bool ending() const;
  /// Waits up to `limit_ms` for its death, and leaves it to be reaped. False: it lives.
  [[nodiscard]] bool await_death(int limit_ms) const;
  /// Nothing happens where it is dead already.
  void signal(int number) const;
  void kill() const { signal(SIGKILL); }

  /// Reaps it if it is dead; nothing if it is not. Afterwards this holds no process.
  [[nodiscard]] std::optional<ProcessEnd> try_reap();
  /// Waits up to `limit_ms` for its death, then reaps it.
  [[nodiscard]] std::optional<ProcessEnd> reap(int limit_ms);

 private:
  void end() noexcept;

  pid_t pid_ = 0;
  UniqueFd pidfd_;
};

}  // namespace pixmill::ipc
