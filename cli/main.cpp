#include "cli/command.hpp"
#include "cli/exit_code.hpp"
#include "cli/failure.hpp"
#include "cli/overview.hpp"
#include "cli/streams.hpp"
#include "cli/terminal.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <string>
#include <vector>

namespace {

using namespace pixmill::cli;

int complain(const std::string& who) {
  const Failure failure = current_failure();
  write_stderr(who + ": " + escape_for_terminal(failure.message) + '\n');
  return failure.exit_code;
}

// What a program is given to start with is 1024, for the sake of select(), which nothing here uses; some hundred
// workers need more. What cannot be had is said where it is needed.
void raise_open_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = std::max(limit.rlim_cur, std::min<rlim_t>(limit.rlim_max, 65536));
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

int dispatch(const std::vector<std::string>& arguments, std::string& who) {
  if (arguments.empty()) {
    write_stderr(short_usage());
    return kExitUsage;
  }
  const std::string& first = arguments.front();
  if (first == "--version" || first == "--help" || first == "-h") {
    write_stdout(first == "--version" ? version_line() : overview());
    return kExitWell;
  }
  const Command& command = command_named(first);
  who += ' ' + first;
  return command.run(std::span(arguments).subspan(1));
}

}  // namespace

int main(int argc, char** argv) {
  std::string who = "pixmill";
  int code = kExitWell;
  try {
    fill_missing_streams();
    raise_open_files();
    code = dispatch({argv + (argc > 0 ? 1 : 0), argv + argc}, who);
  } catch (...) {
    code = complain(who);
  }
  try {
    close_stdout();
  } catch (...) {
    return complain(who);
  }
  return code;
}
