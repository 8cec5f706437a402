#include "pipeline/worker_plan.hpp"

#include "pipeline/backends/warm_up.hpp"
#include "pipeline/file_worker.hpp"
#include "pipeline/frame_worker.hpp"

#include <optional>

namespace pixmill::pipeline {
namespace {

ipc::WorkerPlan with_limits(const WorkerLimits& limits) {
  ipc::WorkerPlan plan;
  plan.memory_bytes = limits.memory_bytes;
  plan.spin_ns = limits.spin_ns;
  plan.sandbox = limits.sandbox;
  return plan;
}

}  // namespace

ipc::WorkerPlan plan_of_forks(const Program& program, const WorkerLimits& limits, MakeWorker make) {
  ipc::WorkerPlan plan = with_limits(limits);
  plan.also_allowed = program.system_calls();
  plan.prepare = prepare_libraries;
  plan.warm_up = [&program] { warm_up(program); };
  plan.make = [&program, make] { return make(program); };
  return plan;
}

ipc::WorkerPlan plan_of_program(const WorkerJob& job, const std::string& path) {
  ipc::WorkerPlan plan = with_limits(job.limits);
  plan.server_program = arguments_of(job);
  plan.server_program.insert(plan.server_program.begin(), path);
  return plan;
}

ipc::WorkerPlan plan_in_program(const WorkerJob& job) {
  const auto program = std::make_shared<std::optional<Program>>();
  const MakeWorker make = job.files ? make_file_worker : make_frame_worker;
  ipc::WorkerPlan plan = with_limits(job.limits);
  plan.also_allowed = job.system_calls;
  plan.prepare = [job, program] {
    compile(job, *program);
    prepare_libraries();
  };
  plan.warm_up = [program] { warm_up(**program); };
  plan.make = [program, make] { return make(**program); };
  return plan;
}

}  // namespace pixmill::pipeline
