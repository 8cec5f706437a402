#pragma once

#include <string>

namespace pixmill::cli {

/// Why a command could not be done.
struct Failure {
  int exit_code = 0;
  std::string message;  ///< One sentence.
};

/// What the exception being handled means; call it in a catch block.
[[nodiscard]] Failure current_failure();

}  // namespace pixmill::cli
