#pragma once

#include "pipeline/source.hpp"

#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace pixmill::pipeline {

/// Tasks whose buffers are used again, as long as they do not add up to much: a long list of small files followed by
/// large ones must not leave a large buffer in each of many tasks. Any thread.
class SpareTasks {
 public:
  std::unique_ptr<Task> take() {
    const std::lock_guard lock(mutex_);
    if (spare_.empty()) return std::make_unique<Task>();
    std::unique_ptr<Task> task = std::move(spare_.back());
    spare_.pop_back();
    kept_bytes_ -= task->file.capacity();
    return task;
  }
  void put_back(std::unique_ptr<Task> task) {
    const std::size_t bytes = task->file.capacity();
    const std::lock_guard lock(mutex_);
    if (bytes > kMostKeptBytes - kept_bytes_) return;
    kept_bytes_ += bytes;
    spare_.push_back(std::move(task));
  }

 private:
  static constexpr std::size_t kMostKeptBytes = std::size_t{64} << 20;

  std::mutex mutex_;
  std::size_t kept_bytes_ = 0;
  std::vector<std::unique_ptr<Task>> spare_;
};

}  // namespace pixmill::pipeline
