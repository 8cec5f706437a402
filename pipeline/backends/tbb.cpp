#include "pipeline/backends/table.hpp"

#include <pixmill/error.hpp>

#include <fmt/format.h>
#include <oneapi/tbb/enumerable_thread_specific.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_pipeline.h>
#include <oneapi/tbb/task_arena.h>

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <string_view>

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
  tbb::enumerable_thread_specific<Worker> workers([&places] { return Worker{places++, {}, {}}; });
  const auto next = [&](tbb::flow_control& control) -> std::uint64_t {
    if (const auto index = job.source.claim()) return *index;
    control.stop();
    return 0;
  };
  const auto one = [&](std::uint64_t index) {
    Worker& worker = workers.local();
    // Where OpenCV runs on TBB as well, a thread that waits inside a kernel must not take up a second image.
    tbb::this_task_arena::isolate([&] {
      load(job, {Crew::worker, worker.place}, index, worker.task);
      process(job, worker.place, worker.task, worker.memory);
    });
  };
  tbb::task_arena arena(job.jobs);
  arena.execute([&] {
    tbb::parallel_pipeline(jobs * 2, tbb::make_filter<void, std::uint64_t>(tbb::filter_mode::serial_in_order, next) &
                                         tbb::make_filter<std::uint64_t, void>(tbb::filter_mode::parallel, one));
  });
}

}  // namespace

void run_tbb(const Job& job) {
  try {
    run_pipeline(job);
  } catch (const std::runtime_error& error) {
    // It says so in no other way.
    if (std::string_view(error.what()).find("pthread_") == std::string_view::npos) throw;
    throw Error(
        ErrorCode::machine,
        fmt::format("a thread could not be started ({}); use a smaller -j, or raise the process limit", error.what()));
  }
}

}  // namespace pixmill::pipeline
