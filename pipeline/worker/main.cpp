// pixmill-worker: the fork server of a pixmill::Pool or a batch, a program of its own so that theirs need not be
// forked.
#include "ipc/fork_server_main.hpp"
#include "pipeline/worker_job.hpp"
#include "pipeline/worker_plan.hpp"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <vector>

int main(int argc, char** argv) try {
  using namespace pixmill;
  const std::vector<std::string> arguments(argv + std::min(argc, 3), argv + argc);
  const std::optional<pipeline::WorkerJob> job = pipeline::job_of(arguments);
  if (!job) {
    std::fputs("pixmill-worker: libpixmill starts this program for its workers; people start pixmill\n", stderr);
    return 2;
  }
  ipc::fork_server_program(pipeline::plan_in_program(*job), argv[1], argv[2]);
} catch (const std::exception&) {
  return 71;  // no memory to begin with; the library tells of the end of its server
}
