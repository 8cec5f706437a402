#include "ipc/child_process.hpp"

#include <pixmill/error.hpp>

#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>
#include <utility>

namespace pixmill::ipc {
namespace {

// Not in glibc 2.36's headers under every feature set; the kernel's number.
constexpr idtype_t kByPidfd = static_cast<idtype_t>(3);
// A process that does not die of SIGKILL in this time hangs in the kernel (a dead network disk): nobody can reap it.
constexpr int kLongestDeathMs = 10000;

}  // namespace

std::string describe(const ProcessEnd& end) {
  if (!end.by_signal) return "exited with " + std::to_string(end.number);
  const char* name = ::sigabbrev_np(end.number);
  const char* meaning = ::sigdescr_np(end.number);
  // Nothing else sends it.
  if (end.number == SIGSYS) return "killed by SIGSYS (the sandbox: it made a system call that workers may not make)";
  if (name == nullptr || meaning == nullptr) return "killed by signal " + std::to_string(end.number);
  return "killed by SIG" + std::string(name) + " (" + meaning + ")";
}

std::string describe_event(const ProcessEnd& end) { return (end.by_signal ? "was " : "") + describe(end); }

ChildProcess ChildProcess::adopt(pid_t pid) {
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd) {
    const int error = errno;
    ::kill(pid, SIGKILL);
    while (::waitpid(pid, nullptr, __WALL) < 0 && errno == EINTR) {
    }
    throw Error(ErrorCode::machine, "pidfd_open: " + std::generic_category().message(error));
  }
  return {pid, std::move(pidfd)};
}

ChildProcess::~ChildProcess() { end(); }

void ChildProcess::end() noexcept {
  if (!pidfd_) return;
  kill();
  static_cast<void>(reap(kLongestDeathMs));
}

void ChildProcess::signal(int number) const {
  if (pidfd_) ::syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0);
}

bool ChildProcess::dead() const { return await_death(0); }

bool ChildProcess::await_death(int limit_ms) const {
  if (!pidfd_) return true;
  pollfd death{pidfd_.get(), POLLIN, 0};
  int ready = 0;
  do ready = ::poll(&death, 1, limit_ms);
  while (ready < 0 && errno == EINTR);
  return ready > 0;
}

bool ChildProcess::ending() const {
  if (dead()) return true;
  constexpr unsigned long kExiting = 0x4;  // PF_EXITING of the kernel's flags, see proc(5)
  std::FILE* file = std::fopen(("/proc/" + std::to_string(pid_) + "/stat").c_str(), "re");
  if (file == nullptr) return dead();
  unsigned long flags = 0;
  // The name, which its owner chose, is ours: it has no parenthesis.
  const int read = std::fscanf(file, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %lu", &flags);
  std::fclose(file);
  return (read == 1 && (flags & kExiting) != 0) || dead();
}

std::optional<ProcessEnd> ChildProcess::try_reap() {
  siginfo_t info{};
  while (::waitid(kByPidfd, static_cast<id_t>(pidfd_.get()), &info, WEXITED | WNOHANG | __WALL) != 0) {
    if (errno == EINTR) continue;
    // Reaped by somebody else in this process, who took the reason along.
    pidfd_.reset();
    return ProcessEnd{};
  }
  if (info.si_pid == 0) return std::nullopt;
  pidfd_.reset();
  return ProcessEnd{info.si_code != CLD_EXITED, info.si_status};
}

std::optional<ProcessEnd> ChildProcess::reap(int limit_ms) {
  static_cast<void>(await_death(limit_ms));
  return try_reap();
}

}  // namespace pixmill::ipc
