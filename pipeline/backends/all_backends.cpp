#include "pipeline/backends/table.hpp"

#include <array>

namespace pixmill::pipeline {
namespace {

constexpr std::size_t kKeptBetweenImages = std::size_t{64} << 20;

constexpr std::array kBackends = {
    Backend{{"processes", "isolated worker processes that may die without harm to other images", true, true},
            run_processes,
            begin_processes},
    Backend{{"threads", "a pool of threads in this process, reading ahead", true}, run_threads},
    Backend{{"tbb", "a oneTBB pipeline in this process", true}, run_tbb},
    Backend{{"serial", "one image after the other, on the calling thread", false}, run_serial},
};

}  // namespace

std::span<const Backend> all_backends() { return kBackends; }

const Backend* find_backend(std::string_view name) {
  for (const Backend& backend : kBackends) {
    if (backend.descriptor.name == name) return &backend;
  }
  return nullptr;
}

bool needs_program(const Task& task) { return task.read.usable() && (task.want.anything() || !task.finished); }

ProgramResult result_without_program(const Task& task) {
  ProgramResult result;
  if (!task.read.usable()) {
    result.verdict = task.read.verdict;
    result.detail = task.read.detail;
  }
  return result;
}

void load(const Job& job, Row row, std::uint64_t index, Task& task) {
  if (job.probe == nullptr) {
    job.source.load(index, task);
    return;
  }
  StageSpan span{monotonic_ns(), 0, static_cast<std::uint32_t>(Stage::read), 0};
  job.source.load(index, task);
  span.end_ns = monotonic_ns();
  job.probe->add({row, index, {&span, 1}, {}});
}

void deliver(const Job& job, Row row, const Task& task, ProgramResult result, Bytes encoded) {
  if (job.probe == nullptr) {
    job.outcomes.deliver(task, std::move(result), encoded);
    return;
  }
  const Verdict verdict = result.verdict;
  StageSpan span{monotonic_ns(), 0, static_cast<std::uint32_t>(Stage::write), 0};
  job.outcomes.deliver(task, std::move(result), encoded);
  span.end_ns = monotonic_ns();
  job.probe->add({row, task.index, {&span, 1}, verdict});
}

void process(const Job& job, int place, const Task& task, WorkerMemory& memory) {
  const Row row{Crew::worker, place};
  ProgramResult result =
      needs_program(task) ? job.program.run(task.file.bytes(), task.want, memory) : result_without_program(task);
  if (job.probe != nullptr) job.probe->add({row, task.index, result.spans, {}});
  deliver(job, row, task, std::move(result), memory.encoded);
  memory.trim(kKeptBetweenImages);
}

}  // namespace pixmill::pipeline
