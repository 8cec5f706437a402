#include "cli/signals.hpp"

#include "cli/exit_code.hpp"

#include <pixmill/batch.hpp>
#include <pixmill/error.hpp>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

namespace pixmill::cli {
namespace {

sigset_t watched_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  // A blocked signal reaches a signalfd even where it is ignored.
  for (const int signal : {SIGHUP, SIGTSTP}) {
    struct sigaction action {};
    sigaction(signal, nullptr, &action);
    if (action.sa_handler != SIG_IGN) sigaddset(&set, signal);
  }
  return set;
}

sigset_t stop_signal() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTSTP);
  return set;
}

// Stopped as by the signal, which is blocked everywhere else, until somebody lets it go on. Where nobody could (an
// orphaned process group), or it is ignored, the kernel does not stop it.
void stand_still() {
  pause_workers();
  const sigset_t set = stop_signal();
  raise(SIGTSTP);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  resume_workers();
}

int checked(int fd, const char* call) {
  if (fd < 0) throw Error(ErrorCode::machine, std::string(call) + ": " + std::generic_category().message(errno));
  return fd;
}

}  // namespace

SignalWatch::SignalWatch(std::stop_source stop, std::function<void(int signal)> on_first,
                         std::function<void()> on_second)
    : stop_(std::move(stop)), on_first_(std::move(on_first)), on_second_(std::move(on_second)) {
  const sigset_t set = watched_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  end_fd_ = checked(eventfd(0, EFD_CLOEXEC), "eventfd");
  signal_fd_ = checked(signalfd(-1, &set, SFD_CLOEXEC), "signalfd");
  thread_ = std::thread([this] { watch(); });
}

SignalWatch::~SignalWatch() {
  eventfd_write(end_fd_, 1);
  thread_.join();
  close(signal_fd_);
  close(end_fd_);
  const sigset_t stop = stop_signal();
  pthread_sigmask(SIG_UNBLOCK, &stop, nullptr);
}

void SignalWatch::watch() {
  for (;;) {
    pollfd fds[] = {{signal_fd_, POLLIN, 0}, {end_fd_, POLLIN, 0}};
    if (poll(fds, 2, -1) < 0) continue;
    if (fds[0].revents != 0) {
      signalfd_siginfo info{};
      if (read(signal_fd_, &info, sizeof info) != sizeof info) continue;
      const int signal = static_cast<int>(info.ssi_signo);
      if (signal == SIGTSTP) {
        stand_still();
        continue;
      }
      if (received_ != 0) {
        remove_temporary_files();
        if (on_second_) on_second_();
        _exit(kExitSignal + signal);
      }
      received_ = signal;
      stop_.request_stop();
      on_first_(signal);
    } else if (fds[1].revents != 0) {
      return;
    }
  }
}

void ignore_write_signals() {
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignore, nullptr);
  sigaction(SIGXFSZ, &ignore, nullptr);
}

}  // namespace pixmill::cli
