#pragma once

#include "ipc/unique_fd.hpp"
#include "ipc/worker.hpp"

#include <sys/types.h>

#include <string_view>

namespace pixmill::ipc {

/// The life of a fork server, in its own process: makes workers as it is asked over `socket`, until that is closed or
/// the coordinator dies. `warm`: plan.warm_up() as well. Never returns.
[[noreturn]] void fork_server_main(const WorkerPlan& plan, bool warm, UniqueFd socket, pid_t coordinator) noexcept;

/// The descriptor that a fork server which is a program of its own begins with. Two arguments follow its name: the
/// process id of the coordinator, and whether it shall warm up.
inline constexpr int kServerSocket = 3;
inline constexpr std::string_view kWarm = "warm";
inline constexpr std::string_view kCold = "cold";

/// For main() of such a program, with these two arguments. Never returns.
[[noreturn]] void fork_server_program(const WorkerPlan& plan, std::string_view coordinator,
                                      std::string_view warmth) noexcept;

}  // namespace pixmill::ipc
