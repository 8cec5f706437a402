#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

namespace pixmill::pipeline {

/// A queue between threads, bounded by whoever lets items come into being. Any number of producers and consumers.
template <typename Item>
class Mailbox {
 public:
  /// Dropped if the mailbox was closed.
  void push(Item item) {
    {
      const std::lock_guard lock(mutex_);
      if (closed_) return;
      items_.push_back(std::move(item));
    }
    waiting_.notify_one();
  }

  /// Waits for an item. Nothing: there will be none, because the mailbox was finished and is empty, or was closed.
  std::optional<Item> pop() {
    std::unique_lock lock(mutex_);
    waiting_.wait(lock, [&] { return closed_ || finished_ || !items_.empty(); });
    return first();
  }

  /// The next item, if there is one.
  std::optional<Item> try_pop() {
    const std::lock_guard lock(mutex_);
    return first();
  }

  /// Whether there is no item, and will be none.
  [[nodiscard]] bool exhausted() const {
    const std::lock_guard lock(mutex_);
    return closed_ || (finished_ && items_.empty());
  }

  /// Nothing more will be pushed.
  void finish() {
    {
      const std::lock_guard lock(mutex_);
      finished_ = true;
    }
    waiting_.notify_all();
  }

  /// Everybody is to leave; what is in it is dropped.
  void close() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
      items_.clear();
    }
    waiting_.notify_all();
  }

 private:
  std::optional<Item> first() {
    if (closed_ || items_.empty()) return std::nullopt;
    Item item = std::move(items_.front());
    items_.pop_front();
    return item;
  }

  mutable std::mutex mutex_;
  std::condition_variable waiting_;
  std::deque<Item> items_;
  bool finished_ = false;
  bool closed_ = false;
};

}  // namespace pixmill::pipeline
