#pragma once

#include "cli/command.hpp"

#include <string>

namespace pixmill::cli {

/// "pixmill 0.1.0" and a newline.
[[nodiscard]] std::string version_line();
/// What pixmill is, its commands, an example: the answer to --help.
[[nodiscard]] std::string overview();
/// A few lines for whoever gave no command.
[[nodiscard]] std::string short_usage();
/// The command of that name. Throws Error (usage) naming the nearest, and all.
[[nodiscard]] const Command& command_named(const std::string& name);

}  // namespace pixmill::cli
