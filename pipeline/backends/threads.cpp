#include "pipeline/backends/bounded_queue.hpp"
#include "pipeline/backends/failure.hpp"
#include "pipeline/backends/table.hpp"

#include <pixmill/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <system_error>
#include <thread>
#include <vector>

namespace pixmill::pipeline {
namespace {

// More readers than this help no disk that we know, and a network file system no more.
constexpr int kMostReaders = 8;
constexpr std::size_t kReadAheadPerWorker = 4;

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

class ThreadPool {
 public:
  explicit ThreadPool(const Job& job)
      : job_(job), queue_(static_cast<std::size_t>(job.jobs) * kReadAheadPerWorker, job.queued_bytes) {}

  void run() {
    const int readers = std::min(job_.jobs, kMostReaders);
    reading_ = readers;
    {
      std::vector<std::jthread> threads;
      try {
        for (int i = 0; i < readers; ++i) threads.emplace_back([this] { guarded(&ThreadPool::read); });
        for (int i = 0; i < job_.jobs; ++i) threads.emplace_back([this] { guarded(&ThreadPool::work); });
      } catch (const std::system_error& error) {
        queue_.close();
        throw Error(ErrorCode::machine,
                    fmt::format("a thread could not be started ({}); use a smaller -j, or raise the process limit",
                                error.code().message()));
      } catch (...) {
        queue_.close();
        throw;
      }
    }
    failure_.rethrow();
  }

 private:
  void guarded(void (ThreadPool::*body)()) {
    try {
      (this->*body)();
    } catch (...) {
      failure_.keep(std::current_exception());
      queue_.close();
    }
  }

  void read() {
    while (const auto index = job_.source.claim()) {
      const std::uint64_t bytes = job_.source.expected_bytes(*index);
      if (!queue_.hold(bytes)) return;
      Loaded loaded{spare_.take(), bytes};
      job_.source.load(*index, *loaded.task);
      queue_.push(std::move(loaded));
    }
    if (reading_.fetch_sub(1) == 1) queue_.finish();
  }

  void work() {
    WorkerMemory memory;
    while (auto loaded = queue_.pop()) {
      if (job_.source.stopping()) {
        queue_.close();
        return;
      }
      process(job_, *loaded->task, memory);
      spare_.put_back(std::move(loaded->task));
      queue_.release(loaded->held_bytes);
    }
  }

  struct Loaded {
    std::unique_ptr<Task> task;
    std::uint64_t held_bytes = 0;
  };

  const Job& job_;
  BoundedQueue<Loaded> queue_;
  SpareTasks spare_;
  std::atomic<int> reading_{0};
  FirstFailure failure_;
};

}  // namespace

void run_threads(const Job& job) { ThreadPool(job).run(); }

}  // namespace pixmill::pipeline
