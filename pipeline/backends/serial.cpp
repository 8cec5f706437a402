#include "pipeline/backends/table.hpp"

namespace pixmill::pipeline {

void run_serial(const Job& job) {
  WorkerMemory memory;
  Task task;
  while (const auto index = job.source.claim()) {
    job.source.load(*index, task);
    process(job, task, memory);
  }
}

}  // namespace pixmill::pipeline
