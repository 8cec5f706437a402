#pragma once

#include "ipc/unique_fd.hpp"
#include "ipc/worker.hpp"

#include <sys/types.h>

namespace pixmill::ipc {

/// The life of a fork server, in its own process: makes workers as it is asked over `socket`, until that is closed or
/// the coordinator dies. `warm`: plan.warm_up() as well. Never returns.
[[noreturn]] void fork_server_main(const WorkerPlan& plan, bool warm, UniqueFd socket, pid_t coordinator) noexcept;

}  // namespace pixmill::ipc
