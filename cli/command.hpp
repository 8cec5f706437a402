#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pixmill::cli {

/// One subcommand. All views refer to static storage.
struct Command {
  std::string_view name;
  std::string_view arguments;  ///< As in the list of commands: "INPUT... -o DIR [options]".
  std::string_view summary;
  /// Does it, given what stands after its name, and returns the exit code. Throws Error for what the user must change.
  int (*run)(std::span<const std::string> arguments);
};

/// Every subcommand, in the order of the help: the one place where a subcommand is added.
[[nodiscard]] const std::vector<Command>& commands();

int run_command(std::span<const std::string> arguments);
int stats_command(std::span<const std::string> arguments);
int bench_command(std::span<const std::string> arguments);
int kernels_command(std::span<const std::string> arguments);
int explain_command(std::span<const std::string> arguments);
int doctor_command(std::span<const std::string> arguments);

}  // namespace pixmill::cli
