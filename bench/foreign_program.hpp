#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace pixmill::bench {

/// How a program of somebody else ended.
struct ForeignRun {
  int exit_code = 0;  ///< 128 and the signal, where one ended it.
  double seconds = 0;
  double cpu_seconds = 0;  ///< Of all its processes.
  std::string output;      ///< The first of its standard output, where that was wanted.
};

/// Runs a program that is looked for in PATH, in a process group of its own and told to use one thread (OpenMP,
/// Magick), and waits for its end. Nothing if `stop`
/// ended it, or it was not done within `limit` (zero: there is none): the group is killed then. Its standard error and
/// what is not wanted of its output go nowhere. Exit code 127: there is no such program. Throws Error (machine) when no
/// process can be made. Timed from before the process is made to its end.
[[nodiscard]] std::optional<ForeignRun> run_program(const std::vector<std::string>& words, bool want_output,
                                                    const std::stop_token& stop, std::chrono::milliseconds limit = {});

}  // namespace pixmill::bench
