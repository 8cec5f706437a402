#pragma once

#include <algorithm>
#include <chrono>

namespace pixmill::ipc {

/// Attempts in a row to start a process that came to nothing: how long to wait before the next, and when to give up.
/// One thread.
class StartFailures {
 public:
  /// `killed`: by SIGKILL, which says nothing against the next attempt: somebody did it, or the kernel for memory.
  void add(bool killed) {
    ++all_;
    killed_ += killed ? 1 : 0;
  }
  void forget() { *this = {}; }

  /// Those in which it was not killed.
  [[nodiscard]] int own() const { return all_ - killed_; }
  [[nodiscard]] bool hopeless() const { return own() >= kMost || all_ >= kMostWithKilled; }

  /// None after the first, then 20 ms and four times as long each time, at most 1 s.
  [[nodiscard]] std::chrono::milliseconds back_off() const { return back_off(all_); }
  [[nodiscard]] static std::chrono::milliseconds back_off(int failures) {
    constexpr int kLongestMs = 1000;
    int wait_ms = failures < 2 ? 0 : 20;
    for (int i = 2; i < failures && wait_ms < kLongestMs; ++i) wait_ms *= 4;
    return std::chrono::milliseconds(std::min(wait_ms, kLongestMs));
  }

 private:
  static constexpr int kMost = 5;
  static constexpr int kMostWithKilled = 50;  // three quarters of a minute
  int all_ = 0;
  int killed_ = 0;
};

}  // namespace pixmill::ipc
