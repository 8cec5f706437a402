#pragma once

#include "ipc/child_process.hpp"
#include "ipc/sandbox.hpp"
#include "ipc/wait.hpp"

#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <functional>
#include <ostream>
#include <span>
#include <system_error>

namespace pixmill::ipc {

/// A process of a test that locks itself in, then acts. Killed and reaped when it goes.
class Locked {
 public:
  static constexpr int kReturned = 42;     ///< Its exit code if `act` returned true.
  static constexpr int kReturnedNot = 43;  ///< If it returned false.
  static constexpr int kNotLocked = 44;    ///< If it could not be locked in.
  static constexpr unsigned kHangSeconds = 120;

  /// `act` gets the bell's descriptor. `before` runs first, not locked in.
  explicit Locked(
      const std::function<bool(int)>& act, const std::function<void()>& before = [] {},
      std::span<const int> also = {}) {
    std::fflush(nullptr);
    const pid_t pid = ::fork();
    if (pid < 0) throw std::system_error(errno, std::generic_category(), "fork");
    if (pid == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::alarm(kHangSeconds);
      before();
      if (lock_in(bell_.fd(), also)) ::_exit(kNotLocked);
      ::_exit(act(bell_.fd()) ? kReturned : kReturnedNot);
    }
    process_ = ChildProcess::adopt(pid);
  }

  [[nodiscard]] pid_t pid() const { return process_.pid(); }
  [[nodiscard]] const ChildProcess& process() const { return process_; }
  [[nodiscard]] const EventBell& bell() const { return bell_; }
  [[nodiscard]] ProcessEnd end() { return process_.reap(static_cast<int>(kHangSeconds) * 2000).value(); }

 private:
  EventBell bell_;
  ChildProcess process_;
};

/// How a locked-in process ends that does this.
inline ProcessEnd end_of(const std::function<bool(int)>& act, std::span<const int> also = {}) {
  return Locked(
             act, [] {}, also)
      .end();
}

inline constexpr ProcessEnd kReturned{false, Locked::kReturned};
inline constexpr ProcessEnd kDenied{true, SIGSYS};

/// For EXPECT_EQ's messages; googletest gives it its name.
// NOLINTNEXTLINE(readability-identifier-naming)
inline void PrintTo(const ProcessEnd& end, std::ostream* out) { *out << describe(end); }

}  // namespace pixmill::ipc
