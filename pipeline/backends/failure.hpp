#pragma once

#include <exception>
#include <mutex>

namespace pixmill::pipeline {

/// Remembers the first exception that escapes from any of a group of threads. Any thread.
class FirstFailure {
 public:
  void keep(std::exception_ptr failure) {
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = std::move(failure);
  }
  /// After the threads have ended.
  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  std::mutex mutex_;
  std::exception_ptr failure_;
};

}  // namespace pixmill::pipeline
