#pragma once

#include "pipeline/program.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace pixmill::pipeline {

/// What holds for workers, whatever they are made of.
struct WorkerLimits {
  std::uint64_t memory_bytes = 0;
  std::uint64_t spin_ns = 0;
  bool sandbox = true;
};

/// Program::Options as plain values, for a program that works on files.
struct FileJob {
  LimitOptions limits = {};
  bool lenient = false;
  bool apply_orientation = true;
  bool write = false;
  bool keep_metadata = false;
  std::string format = {};  ///< The name of a codec; empty: the same as the input's.
  EncodeOptions encode = {};
  bool reduce = false;
  bool reduce_histogram = false;
  bool time_stages = false;
  std::vector<std::string> own_reductions = {};
  std::vector<std::vector<std::int64_t>> decided = {};  ///< LevelOperation::decided_numbers() of each.
  bool until_undecided = false;
};

/// The version of the library, and of what it and its workers say to each other, which both must agree in.
[[nodiscard]] std::string worker_protocol();

/// What the program pixmill-worker is told when it is started.
struct WorkerJob {
  std::string protocol = {};  ///< worker_protocol() of the library.
  WorkerLimits limits = {};
  std::string plan = {};
  std::vector<int> system_calls = {};           ///< That its own code needs beside those of every worker.
  std::vector<std::string> plugins = {};        ///< That this is from.
  std::vector<std::string> identities = {};     ///< Of Program::own_parts().
  std::optional<FileJob> files = std::nullopt;  ///< Nothing: the workers take frames.
};

/// The job that makes workers which do what `program` does, with files or with frames. Throws Error (usage) for own
/// code that this process has registered, which no other program has.
[[nodiscard]] WorkerJob frame_job(const Program& program, const WorkerLimits& limits);
[[nodiscard]] WorkerJob file_job(const Program& program, const WorkerLimits& limits);

/// The job as arguments of a program, and back; nothing if they make no sense. Of a job of another version, the version
/// alone comes back.
[[nodiscard]] std::vector<std::string> arguments_of(const WorkerJob& job);
[[nodiscard]] std::optional<WorkerJob> job_of(std::span<const std::string> arguments);

/// In the program: loads the plug-ins and compiles the plan. Throws Error if library and program are not of one
/// version, or own code is not what it was there.
void compile(const WorkerJob& job, std::optional<Program>& program);

}  // namespace pixmill::pipeline
