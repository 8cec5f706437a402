#pragma once

#include <pixmill/error.hpp>

#include <string>
#include <string_view>

namespace pixmill::pipeline {

/// A path as it may stand in a message: control characters, which could break the line or steer a terminal, as \xNN.
/// Everything else, UTF-8 or not, as it is. At most about 1000 bytes, the middle of longer ones left out.
[[nodiscard]] std::string shown(std::string_view path);

/// The error for a system call that failed on `path`: "PATH: No such file or directory (stat); ADVICE". `machine` when
/// the machine ran out of something or a disk fails, else `usage`.
[[nodiscard]] Error path_error(int error_number, std::string_view path, std::string_view call, std::string_view advice);

}  // namespace pixmill::pipeline
