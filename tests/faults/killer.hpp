#pragma once

#include "ipc/pool.hpp"
#include "ipc/unique_fd.hpp"
#include "tests/ipc/forked.hpp"

#include <sys/syscall.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

namespace pixmill::ipc {

/// A thread that sends signals to a pool's processes, at random, until it has ended so many workers. Each is held by a
/// pidfd, so that no stranger is ever hit.
class Killer {
 public:
  using Clock = std::chrono::steady_clock;

  Killer(std::uint64_t kills, std::uint64_t seed) : wanted_(kills), dice_(seed), thread_([this] { run(); }) {}
  ~Killer() {
    stop_ = true;
    thread_.join();
  }
  Killer(const Killer&) = delete;
  Killer& operator=(const Killer&) = delete;

  [[nodiscard]] bool done() const { return kills_ >= wanted_; }
  [[nodiscard]] std::uint64_t kills() const { return kills_; }
  [[nodiscard]] std::uint64_t server_kills() const { return server_kills_; }

  /// In the pool's thread, after each wait(): who lives. Adds to `delays_us` the time from the signal until now of each
  /// worker that was killed, and is gone.
  void see(const Pool::Processes& processes, std::vector<double>& delays_us) {
    const std::lock_guard lock(mutex_);
    for (auto& [pid, target] : targets_) target.seen = false;
    for (const int pid : processes.workers) look_at(pid, false);
    if (processes.server != 0) look_at(processes.server, true);
    const Clock::time_point now = Clock::now();
    std::erase_if(targets_, [&](const auto& entry) {
      const Target& target = entry.second;
      if (target.seen) return false;
      if (target.killed && !target.stopped && !target.server)
        delays_us.push_back(std::chrono::duration<double, std::micro>(now - target.when).count());
      return true;
    });
  }

 private:
  struct Target {
    UniqueFd pidfd;
    bool server = false;
    bool seen = true;
    bool killed = false;
    bool stopped = false;
    Clock::time_point when;
  };

  void look_at(int pid, bool server) {
    Target& target = targets_[pid];
    target.seen = true;
    target.server = server;
    if (!target.pidfd) target.pidfd.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  }

  void run() {
    while (!stop_ && !done()) {
      std::this_thread::sleep_for(std::chrono::microseconds(dice_.below(1200)));
      const std::lock_guard lock(mutex_);
      if (targets_.empty()) continue;
      auto at = targets_.begin();
      std::advance(at, static_cast<std::ptrdiff_t>(dice_.below(targets_.size())));
      Target& target = at->second;
      // Each death of the server costs the workers that are being started, so it comes once in many.
      if (target.killed || !target.pidfd || (target.server && kills_ < next_server_)) continue;
      if (target.server) next_server_ = kills_ + 100 + dice_.below(200);
      hit(target);
    }
  }

  void hit(Target& target) {
    static constexpr int kSignals[] = {SIGKILL, SIGKILL, SIGKILL, SIGSEGV, SIGSEGV, SIGBUS, SIGBUS, SIGABRT};
    target.stopped = dice_.once_in(target.server ? 200 : 300);
    const int signal = target.stopped ? SIGSTOP : kSignals[dice_.below(std::size(kSignals))];
    target.when = Clock::now();
    if (::syscall(SYS_pidfd_send_signal, target.pidfd.get(), signal, nullptr, 0) != 0) return;
    target.killed = true;
    ++(target.server ? server_kills_ : kills_);
  }

  std::uint64_t wanted_;
  Dice dice_;
  std::uint64_t next_server_ = 20;
  std::atomic<bool> stop_{false};
  std::atomic<std::uint64_t> kills_{0};
  std::atomic<std::uint64_t> server_kills_{0};
  std::mutex mutex_;
  std::map<int, Target> targets_;
  std::thread thread_;
};

}  // namespace pixmill::ipc
