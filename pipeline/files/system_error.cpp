#include "pipeline/files/system_error.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <system_error>

namespace pixmill::pipeline {

std::string failed_call(std::string_view call, std::string_view argument, int error) {
  return fmt::format("{}(\"{}\"): {}", call, argument, std::generic_category().message(error));
}

bool is_no_room(int error) { return error == ENOSPC || error == EDQUOT; }

}  // namespace pixmill::pipeline
