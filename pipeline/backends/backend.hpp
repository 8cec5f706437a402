#pragma once

#include "pipeline/outcomes.hpp"
#include "pipeline/probe.hpp"
#include "pipeline/program.hpp"
#include "pipeline/source.hpp"

#include <pixmill/batch.hpp>

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace pixmill::pipeline {

/// SupervisionOptions, settled.
struct Supervision {
  std::chrono::milliseconds timeout{60000};
  int retries = 1;
  bool sandbox = true;
  StartMethod start = StartMethod::fork;
  std::string worker_program = {};
};

/// What a backend has begun before it has a job; ends when it goes.
class HeadStart {
 public:
  HeadStart() = default;
  HeadStart(const HeadStart&) = delete;
  HeadStart& operator=(const HeadStart&) = delete;
  virtual ~HeadStart() = default;
};

/// Everything that a backend needs: tasks come from `source`, go through `program` and end in `outcomes`.
struct Job {
  Source& source;
  const Program& program;
  Outcomes& outcomes;
  int jobs = 1;
  /// Heeded by backends that are isolated.
  Supervision supervision = {};
  /// Of the same backend, program, jobs and supervision; or null. Serves one run.
  HeadStart* head_start = nullptr;
  std::uint64_t queued_bytes = std::uint64_t{256} << 20;  ///< Of files, beyond one a worker.
  /// Told where time goes, or null; with one, the program has Options::time_stages.
  Probe* probe = nullptr;
};

/// Whether the program must run on a loaded task; if not, result_without_program() is what became of it.
[[nodiscard]] bool needs_program(const Task& task);
[[nodiscard]] ProgramResult result_without_program(const Task& task);

/// Source::load() by `row`.
void load(const Job& job, Row row, std::uint64_t index, Task& task);
/// Outcomes::deliver() by `row`.
void deliver(const Job& job, Row row, const Task& task, ProgramResult result, Bytes encoded);
/// The part of every backend in this process that is the same: the worker at `place` runs one loaded task and delivers
/// its outcome.
void process(const Job& job, int place, const Task& task, WorkerMemory& memory);

/// A place to run. A new one is a file and a row.
struct Backend {
  BackendDescriptor descriptor;
  /// Runs every task that the source hands out, and returns when all that were begun have been delivered. On failure of
  /// the machine (no thread to be had, no memory for itself) throws, after its threads have ended.
  void (*run)(const Job& job);
  /// Begins what takes a moment and needs no input, beside whatever else the calling thread, which must be the one that
  /// runs the job, still has to do. Null where there is nothing of the kind; returns null if it cannot be had now.
  /// Throws Error for what no worker could ever be made of.
  std::unique_ptr<HeadStart> (*begin)(const Program& program, int jobs, const Supervision& supervision) = nullptr;
};

/// Every backend; static storage. The first is the default.
[[nodiscard]] std::span<const Backend> all_backends();
[[nodiscard]] const Backend* find_backend(std::string_view name);

}  // namespace pixmill::pipeline
