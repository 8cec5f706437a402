#pragma once

#include <string>
#include <string_view>

namespace pixmill::pipeline {

/// "open(\"a.jpg\"): Permission denied": a failed call with its argument and the text of `error` (an errno).
[[nodiscard]] std::string failed_call(std::string_view call, std::string_view argument, int error);

/// Whether this errno says that there is no more room to write (disk or quota).
[[nodiscard]] bool is_no_room(int error);

}  // namespace pixmill::pipeline
