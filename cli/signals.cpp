#include "cli/signals.hpp"

#include "cli/exit_code.hpp"

#include <pixmill/batch.hpp>

#include <unistd.h>

#include <system_error>
#include <utility>

namespace pixmill::cli {
namespace {

sigset_t watched_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  // A blocked signal can be waited for even where it is ignored.
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
  sigset_t pending;
  sigpending(&pending);
  // A signal to stop takes away one to go on that was there before it: this one came after it, and is the last word.
  if (sigismember(&pending, SIGCONT) == 1) {
    resume_workers();
    return;
  }
  const sigset_t set = stop_signal();
  raise(SIGTSTP);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  resume_workers();
}

}  // namespace

SignalWatch::SignalWatch(std::stop_source stop, std::function<void(int signal)> on_first,
                         std::function<void()> on_second)
    : stop_(std::move(stop)), on_first_(std::move(on_first)), on_second_(std::move(on_second)) {
  const sigset_t set = watched_signals();
  sigset_t blocked = set;
  sigaddset(&blocked, SIGCONT);  // it goes on all the same, and stand_still() finds that it was told to
  // Not blocked, the signal that ends the thread would end the program.
  if (const int error = pthread_sigmask(SIG_BLOCK, &blocked, nullptr); error != 0) {
    throw std::system_error(error, std::generic_category(), "pthread_sigmask");
  }
  thread_ = std::thread([this, set] {
    {
      const std::lock_guard lock(mutex_);
      waits_ = true;
      changed_.notify_one();
    }
    watch(set);
  });
  // A process that is forked while a thread begins could inherit a lock that the thread holds.
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return waits_; });
}

SignalWatch::~SignalWatch() {
  ending_ = true;
  pthread_kill(thread_.native_handle(), SIGINT);
  thread_.join();
  const sigset_t stop = stop_signal();
  pthread_sigmask(SIG_UNBLOCK, &stop, nullptr);
}

void SignalWatch::watch(sigset_t set) {
  for (;;) {
    const int signal = sigwaitinfo(&set, nullptr);
    if (signal < 0) continue;
    if (ending_) return;
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
  }
}

void ignore_write_signals() {
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignore, nullptr);
  sigaction(SIGXFSZ, &ignore, nullptr);
}

}  // namespace pixmill::cli
