#pragma once

#include <string>

namespace pixmill::pipeline {

/// The path of pixmill-worker: `wish` if it names one; else $PIXMILL_WORKER, which is not heeded in programs that run
/// with others' rights; else where it was installed, seen from this library, or for a static one, as it was configured.
/// Throws Error (machine) if it is not there.
[[nodiscard]] std::string worker_program(const std::string& wish);

}  // namespace pixmill::pipeline
