// pixmill-worker: the fork server of a pixmill::Pool, a program of its own so that the pool's program need not be
// forked.
#include "ipc/fork_server_main.hpp"
#include "pipeline/frame_worker.hpp"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <vector>

int main(int argc, char** argv) try {
  using namespace pixmill;
  const std::vector<std::string> arguments(argv + std::min(argc, 3), argv + argc);
  const std::optional<pipeline::FrameWorkerJob> job = pipeline::job_of(arguments);
  if (!job) {
    std::fputs("pixmill-worker: libpixmill starts this program for its pools; people start pixmill\n", stderr);
    return 2;
  }
  ipc::fork_server_program(pipeline::frame_worker_plan(*job), argv[1], argv[2]);
} catch (const std::exception&) {
  return 71;  // no memory to begin with; the pool tells of the end of its server
}
