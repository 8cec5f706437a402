#pragma once

#include "pipeline/source.hpp"

#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace pixmill::pipeline {

/// Tasks whose buffers are used again. Any thread.
class SpareTasks {
 public:
  std::unique_ptr<Task> take() {
    const std::lock_guard lock(mutex_);
    if (spare_.empty()) return std::make_unique<Task>();
    std::unique_ptr<Task> task = std::move(spare_.back());
    spare_.pop_back();
    return task;
  }
  void put_back(std::unique_ptr<Task> task) {
    constexpr std::size_t kKeptBuffer = std::size_t{16} << 20;
    if (task->file.capacity() > kKeptBuffer) return;
    const std::lock_guard lock(mutex_);
    spare_.push_back(std::move(task));
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Task>> spare_;
};

}  // namespace pixmill::pipeline
