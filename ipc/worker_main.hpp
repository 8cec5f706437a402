#pragma once

#include "ipc/unique_fd.hpp"
#include "ipc/worker.hpp"

#include <sys/types.h>

#include <cstdint>

namespace pixmill::ipc {

/// What a worker process begins with.
struct WorkerStart {
  pid_t coordinator = 0;
  std::uint32_t epoch = 0;
  std::uint32_t ring_capacity = 0;
  std::uint64_t region_bytes = 0;
  UniqueFd region;
  UniqueFd bell;
};

/// The life of a worker, in its own process from its first instruction on. Never returns: ends the process when the
/// coordinator is gone or has retired its region, by _exit and with nothing of the parent's left to run.
[[noreturn]] void worker_main(const WorkerPlan& plan, WorkerStart start) noexcept;

/// Exit codes of workers and fork servers, for the coordinator's messages.
enum class WorkerExit : int {
  orphaned = 0,  ///< Its coordinator is gone, or wants it no more.
  unable = 71,   ///< It could not be set up.
};

}  // namespace pixmill::ipc
