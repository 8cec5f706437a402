#pragma once

#include "cli/options.hpp"

#include <string_view>

namespace pixmill::cli {

/// Runs the batch that `arguments` describe, as `command` ("pixmill run"): signals, progress, log, report, summary.
/// Returns the exit code. Call it before any thread is started. Throws nothing: errors are logged, and
/// are exit codes.
[[nodiscard]] int run_session(std::string_view command, BatchArguments& arguments);

}  // namespace pixmill::cli
