#include "pipeline/backends/failure.hpp"
#include "pipeline/backends/table.hpp"

#include <pixmill/error.hpp>

#include <fmt/format.h>
#include <oneapi/tbb/enumerable_thread_specific.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_pipeline.h>
#include <oneapi/tbb/task_arena.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <vector>

namespace pixmill::pipeline {
namespace {

struct Worker {
  int place = 0;  // of all that there are
  WorkerMemory memory;
  Task task;
};

// A token is an index: its bytes are read by the thread that goes on to process them, so no more files are in memory
// than there are threads, whatever their size. A filter that waited for room would hang an arena of one thread.
void run_pipeline(const Job& job) {
  namespace tbb = oneapi::tbb;
  const auto jobs = static_cast<std::size_t>(job.jobs);
  const tbb::global_control limit(
      tbb::global_control::max_allowed_parallelism,
      std::max(jobs, tbb::global_control::active_value(tbb::global_control::max_allowed_parallelism)));
  std::atomic<int> places{0};
  // Nothing is thrown through TBB, which needs memory to carry it to the caller: where there is none, it ends the
  // program.
  FirstFailure failure;
  std::atomic<bool> broken{false};
  const auto guarded = [&](const auto& body) {
    try {
      body();
    } catch (...) {
      failure.keep(std::current_exception());
      broken = true;
    }
  };
  tbb::enumerable_thread_specific<Worker> workers([&places] { return Worker{places++, {}, {}}; });
  const auto next = [&](tbb::flow_control& control) -> std::uint64_t {
    std::optional<std::uint64_t> index;
    if (!broken) guarded([&] { index = job.source.claim(); });
    if (!index) control.stop();
    return index.value_or(0);
  };
  const auto one = [&](std::uint64_t index) {
    if (broken) return;
    // Where OpenCV runs on TBB as well, a thread that waits inside a kernel must not take up a second image.
    tbb::this_task_arena::isolate([&] {
      guarded([&] {
        Worker& worker = workers.local();
        load(job, {Crew::worker, worker.place}, index, worker.task);
        process(job, worker.place, worker.task, worker.memory);
      });
    });
  };
  tbb::task_arena arena(job.jobs);
  arena.execute([&] {
    tbb::parallel_pipeline(jobs * 2, tbb::make_filter<void, std::uint64_t>(tbb::filter_mode::serial_in_order, next) &
                                         tbb::make_filter<std::uint64_t, void>(tbb::filter_mode::parallel, one));
  });
  failure.rethrow();
}

Error no_thread(const std::exception& error) {
  return {
      ErrorCode::machine,
      fmt::format("a thread could not be started ({}); use a smaller -j, or raise the process limit", error.what())};
}

// TBB starts its threads from threads of its own, where a failure ends the program. So as many are started here first;
// the stacks of those that have ended are there for the next.
void check_threads(int jobs) {
  std::mutex all_there;
  std::vector<std::jthread> threads;
  const std::lock_guard wait(all_there);
  try {
    threads.reserve(static_cast<std::size_t>(jobs));
    for (int i = 0; i < jobs; ++i) threads.emplace_back([&all_there] { const std::lock_guard end(all_there); });
  } catch (const std::exception& error) {
    throw no_thread(error);
  }
}

}  // namespace

void run_tbb(const Job& job) {
  check_threads(job.jobs);
  try {
    run_pipeline(job);
  } catch (const std::runtime_error& error) {
    // It says so in no other way.
    if (std::string_view(error.what()).find("pthread_") == std::string_view::npos) throw;
    throw no_thread(error);
  }
}

}  // namespace pixmill::pipeline
