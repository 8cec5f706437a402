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

void process(const Job& job, const Task& task, WorkerMemory& memory) {
  ProgramResult result =
      needs_program(task) ? job.program.run(task.file.bytes(), task.want, memory) : result_without_program(task);
  job.outcomes.deliver(task, std::move(result), memory.encoded);
  memory.trim(kKeptBetweenImages);
}

}  // namespace pixmill::pipeline
