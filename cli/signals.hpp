#pragma once

#include <csignal>
#include <functional>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>

namespace pixmill::cli {

/// Turns SIGINT, SIGTERM and SIGHUP into a request to stop while it lives.
///
/// The signals are blocked for the calling thread and those that it starts from then on, and taken by a thread of its
/// own; so make it before any other thread. The first one requests the stop; the second leaves at once with the exit
/// code 128 + signal, after removing the temporary files. SIGHUP stays ignored where it was (nohup). The signals stay
/// blocked afterwards.
///
/// SIGTSTP (Ctrl-Z) makes the workers of a batch stand still and then stops this process; they go on with it. Its
/// action must be the default one, or to ignore it. It is not blocked afterwards.
class SignalWatch {
 public:
  /// `on_first` is called from the thread, after the stop was requested. Throws std::system_error if no thread can
  /// start. `on_second`, if any, is called right before it leaves, and must not wait for anything.
  SignalWatch(std::stop_source stop, std::function<void(int signal)> on_first, std::function<void()> on_second = {});
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

  /// The first signal that came, or 0.
  [[nodiscard]] int received() const { return received_; }

 private:
  void watch(sigset_t set);

  std::stop_source stop_;
  const std::function<void(int)> on_first_;
  const std::function<void()> on_second_;
  std::atomic<int> received_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool waits_ = false;                ///< The thread does nothing any more but wait. Under the mutex.
  std::atomic<bool> ending_ = false;  ///< The next signal is this object's own.
  std::thread thread_;
};

/// From here on a reader of standard output that goes away, and a file that reaches its limit, are errors of writing
/// and no signals.
void ignore_write_signals();

}  // namespace pixmill::cli
