#include "pipeline/backends/table.hpp"

namespace pixmill::pipeline {

void run_serial(const Job& job) {
  WorkerMemory memory;
  Task task;
  while (const auto index = job.source.claim()) {
    load(job, {}, *index, task);
    process(job, 0, task, memory);
  }
}

}  // namespace pixmill::pipeline
