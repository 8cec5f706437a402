#pragma once

#include <string>
#include <string_view>

namespace pixmill::pipeline {

/// The path of pixmill-worker, of which workers are made: `wish` if it names one; else $PIXMILL_WORKER, which is not
/// heeded in programs that run with others' rights; else where it was installed, seen from this library, or for a
/// static one, as it was configured. Throws Error (machine) if it is not there; `remedy` is how else to say where it
/// is.
[[nodiscard]] std::string worker_program(const std::string& wish, std::string_view remedy);

}  // namespace pixmill::pipeline
