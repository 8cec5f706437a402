#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace pixmill::pipeline {

/// Bounds what is read ahead, by count and by bytes: who reads asks before it takes memory. Any thread.
class Gate {
 public:
  struct Bounds {
    std::size_t few = 0;           ///< So many items are let in as long as they stay within most_bytes …
    std::uint64_t most_bytes = 0;  ///< … and
    std::size_t many = 0;          ///< so many as long as they stay within small_bytes.
    std::uint64_t small_bytes = 0;
    std::size_t always = 1;  ///< So many are let in however large they are: those that are worked on, not ahead.
  };
  explicit Gate(Bounds bounds) : bounds_(bounds) {}

  /// Waits for room for an item of so many bytes, and holds it. False: the gate was closed.
  bool hold(std::uint64_t bytes) {
    std::unique_lock lock(mutex_);
    while (!closed_ && !lets_in(bytes)) {
      wake_at_ = std::max(wake_at_, std::max(items_ / 2, bounds_.always));
      room_.wait(lock);
    }
    if (closed_) return false;
    ++items_;
    bytes_ += bytes;
    return true;
  }

  /// Gives back the room of an item that is used up. Who waits is woken when half of what was in is gone, and then
  /// reads several: to be woken for each small file costs as much as to read it.
  void release(std::uint64_t bytes) {
    {
      const std::lock_guard lock(mutex_);
      --items_;
      bytes_ -= bytes;
      if (items_ > wake_at_) return;
      wake_at_ = 0;
    }
    room_.notify_all();
  }

  /// Nobody is let in any more.
  void close() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    room_.notify_all();
  }

 private:
  [[nodiscard]] bool lets_in(std::uint64_t bytes) const {
    return items_ < bounds_.always || (items_ < bounds_.few && bytes_ + bytes <= bounds_.most_bytes) ||
           (items_ < bounds_.many && bytes_ + bytes <= bounds_.small_bytes);
  }

  const Bounds bounds_;
  std::mutex mutex_;
  std::condition_variable room_;
  std::size_t items_ = 0;
  std::uint64_t bytes_ = 0;
  std::size_t wake_at_ = 0;  // somebody waits until no more items than that are in
  bool closed_ = false;
};

}  // namespace pixmill::pipeline
