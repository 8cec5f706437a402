#pragma once

#include "ipc/worker.hpp"
#include "pipeline/worker_job.hpp"

#include <memory>
#include <string>

/// Where workers come from, whatever they work on.
namespace pixmill::pipeline {

/// Makes what runs the program in a worker process, which it must outlive.
using MakeWorker = std::unique_ptr<ipc::Worker> (*)(const Program& program);

/// Workers that are forks of this process. `program` must outlive every fork server that is made by the plan.
[[nodiscard]] ipc::WorkerPlan plan_of_forks(const Program& program, const WorkerLimits& limits, MakeWorker make);
/// Workers that the program at `path`, pixmill-worker, makes when it is told the job.
[[nodiscard]] ipc::WorkerPlan plan_of_program(const WorkerJob& job, const std::string& path);
/// In that program: what it makes of the job. If it cannot be done, `prepare` throws Error.
[[nodiscard]] ipc::WorkerPlan plan_in_program(const WorkerJob& job);

}  // namespace pixmill::pipeline
