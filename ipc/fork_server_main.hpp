#pragma once

#include "ipc/unique_fd.hpp"
#include "ipc/worker.hpp"

#include <sys/types.h>

namespace pixmill::ipc {

/// The life of a fork server, in its own process: makes workers as it is asked over `socket`, until that is closed or
/// the coordinator dies. Never returns.
[[noreturn]] void fork_server_main(const WorkerPlan& plan, UniqueFd socket, pid_t coordinator) noexcept;

/// The descriptor that a fork server which is a program of its own begins with, and the argument that follows its name:
/// the process id of the coordinator.
inline constexpr int kServerSocket = 3;

/// For main() of such a program: `coordinator` is its first argument. Never returns.
[[noreturn]] void fork_server_program(const WorkerPlan& plan, const char* coordinator) noexcept;

}  // namespace pixmill::ipc
