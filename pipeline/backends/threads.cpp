#include "pipeline/backends/failure.hpp"
#include "pipeline/backends/gate.hpp"
#include "pipeline/backends/mailbox.hpp"
#include "pipeline/backends/spare_tasks.hpp"
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

class ThreadPool {
 public:
  explicit ThreadPool(const Job& job) : job_(job), gate_(bounds(job)) {}

  void run() {
    const int readers = std::min(job_.jobs, kMostReaders);
    reading_ = readers;
    {
      std::vector<std::jthread> threads;
      try {
        for (int i = 0; i < readers; ++i) threads.emplace_back([this, i] { guarded(&ThreadPool::read, i); });
        for (int i = 0; i < job_.jobs; ++i) threads.emplace_back([this, i] { guarded(&ThreadPool::work, i); });
      } catch (const std::system_error& error) {
        close();
        throw Error(ErrorCode::machine,
                    fmt::format("a thread could not be started ({}); use a smaller -j, or raise the process limit",
                                error.code().message()));
      } catch (...) {
        close();
        throw;
      }
    }
    failure_.rethrow();
  }

 private:
  static Gate::Bounds bounds(const Job& job) {
    const auto workers = static_cast<std::size_t>(job.jobs);
    return {.few = workers * kReadAheadPerWorker, .most_bytes = job.queued_bytes, .always = workers};
  }

  void guarded(void (ThreadPool::*body)(int), int place) {
    try {
      (this->*body)(place);
    } catch (...) {
      failure_.keep(std::current_exception());
      close();
    }
  }

  void close() {
    gate_.close();
    loaded_.close();
  }

  void read(int place) {
    while (const auto index = job_.source.claim()) {
      const std::uint64_t bytes = job_.source.expected_bytes(*index);
      if (!gate_.hold(bytes)) return;
      Loaded loaded{spare_.take(), bytes};
      load(job_, {Crew::reader, place}, *index, *loaded.task);
      loaded_.push(std::move(loaded));
    }
    if (reading_.fetch_sub(1) == 1) loaded_.finish();
  }

  void work(int place) {
    WorkerMemory memory;
    while (auto loaded = loaded_.pop()) {
      if (job_.source.stopping()) {
        close();
        return;
      }
      process(job_, place, *loaded->task, memory);
      spare_.put_back(std::move(loaded->task));
      gate_.release(loaded->held_bytes);
    }
  }

  struct Loaded {
    std::unique_ptr<Task> task;
    std::uint64_t held_bytes = 0;
  };

  const Job& job_;
  Gate gate_;
  Mailbox<Loaded> loaded_;
  SpareTasks spare_;
  std::atomic<int> reading_{0};
  FirstFailure failure_;
};

}  // namespace

void run_threads(const Job& job) { ThreadPool(job).run(); }

}  // namespace pixmill::pipeline
