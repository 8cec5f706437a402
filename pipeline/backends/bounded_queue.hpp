#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

namespace pixmill::pipeline {

/// A queue between threads that is bounded by count and by bytes: a producer asks for room before it takes memory. Any
/// number of producers and consumers.
template <typename Item>
class BoundedQueue {
 public:
  BoundedQueue(std::size_t most_items, std::uint64_t most_bytes) : most_items_(most_items), most_bytes_(most_bytes) {}

  /// Waits for room for an item of so many bytes, and holds it. An item larger than the whole bound is let in when
  /// nothing else is held. False: the queue was closed.
  bool hold(std::uint64_t bytes) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] {
      return closed_ || held_items_ == 0 || (held_items_ < most_items_ && held_bytes_ + bytes <= most_bytes_);
    });
    if (closed_) return false;
    ++held_items_;
    held_bytes_ += bytes;
    return true;
  }

  /// Puts in the item that room is held for. Dropped if the queue was closed.
  void push(Item item) {
    {
      const std::lock_guard lock(mutex_);
      if (closed_) return;
      items_.push_back(std::move(item));
    }
    items_waiting_.notify_one();
  }

  /// Gives back the room of an item that is used up, or was never pushed.
  void release(std::uint64_t bytes) {
    {
      const std::lock_guard lock(mutex_);
      --held_items_;
      held_bytes_ -= bytes;
    }
    room_.notify_all();
  }

  /// Waits for an item. Nothing: there will be none, because the queue was finished and is empty, or was closed.
  std::optional<Item> pop() {
    std::unique_lock lock(mutex_);
    items_waiting_.wait(lock, [&] { return closed_ || finished_ || !items_.empty(); });
    if (closed_ || items_.empty()) return std::nullopt;
    Item item = std::move(items_.front());
    items_.pop_front();
    return item;
  }

  /// Nothing more will be pushed.
  void finish() {
    {
      const std::lock_guard lock(mutex_);
      finished_ = true;
    }
    items_waiting_.notify_all();
  }

  /// Everybody is to leave; what is queued is dropped.
  void close() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
      items_.clear();
    }
    items_waiting_.notify_all();
    room_.notify_all();
  }

 private:
  const std::size_t most_items_;
  const std::uint64_t most_bytes_;
  std::mutex mutex_;
  std::condition_variable room_;
  std::condition_variable items_waiting_;
  std::deque<Item> items_;
  std::size_t held_items_ = 0;
  std::uint64_t held_bytes_ = 0;
  bool finished_ = false;
  bool closed_ = false;
};

}  // namespace pixmill::pipeline
