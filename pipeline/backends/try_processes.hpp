#pragma once

#include <pixmill/machine.hpp>

namespace pixmill::pipeline {

/// Whether worker processes can be had here, by starting one and sending it a message through shared memory: memfds
/// that can be sealed, fork, clone3, pidfds. If not, which call failed and why. Takes some milliseconds, at most 20 s.
/// Forks, as the backend does. Never throws for what it finds.
[[nodiscard]] Finding diagnose_processes();

}  // namespace pixmill::pipeline
