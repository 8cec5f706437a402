#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/exit_code.hpp"
#include "cli/streams.hpp"
#include "cli/terminal.hpp"

#include <pixmill/error.hpp>
#include <pixmill/machine.hpp>
#include <pixmill/version.hpp>

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

namespace pixmill::cli {
namespace {

std::string_view word_for(Finding::State state) {
  switch (state) {
    case Finding::State::good:
      return "ok";
    case Finding::State::limited:
      return "limited";
    case Finding::State::missing:
      return "missing";
  }
  return "missing";
}

Colour colour_for(Finding::State state) {
  if (state == Finding::State::good) return Colour::green;
  return state == Finding::State::limited ? Colour::yellow : Colour::red;
}

std::string rendered(const std::vector<Finding>& findings, std::size_t width, bool colour) {
  std::size_t longest = 0;
  for (const Finding& finding : findings) longest = std::max(longest, columns(finding.topic));
  std::string out = fmt::format("pixmill {} on this machine\n\n", version());
  for (const Finding& finding : findings) {
    const std::string mark = fmt::format("{:<7}", word_for(finding.state));
    const std::string row =
        two_columns(mark + "  " + finding.topic, escape_for_terminal(finding.detail), 0, longest + 11, width);
    out += coloured(mark, colour_for(finding.state), colour) + row.substr(mark.size());
  }
  return out;
}

}  // namespace

int doctor_command(std::span<const std::string> arguments) {
  HelpPage page;
  page.usage = "pixmill doctor";
  page.summary =
      "Lists what this machine can and cannot do for pixmill, and why: 'ok', 'limited' (works, but less well), "
      "'missing' "
      "(cannot be had here). Whatever it finds, the exit code is 0.";
  page.example = "pixmill doctor";
  page.example_meaning = "what to add to a report of a problem";
  const ArgumentParser parser(page);
  std::vector<std::string> positionals;
  if (!parser.parse(arguments, positionals)) {
    write_stdout(render(parser.page(), page_width()));
    return kExitWell;
  }
  if (!positionals.empty()) throw Error(ErrorCode::usage, "takes no arguments, got " + positionals.front());
  write_stdout(rendered(diagnose_machine(), page_width(), can_colour(STDOUT_FILENO)));
  return kExitWell;
}

}  // namespace pixmill::cli
