#include "cli/overview.hpp"

#include "cli/arguments.hpp"
#include "cli/help_page.hpp"

#include <pixmill/error.hpp>
#include <pixmill/plan.hpp>
#include <pixmill/version.hpp>

namespace pixmill::cli {
namespace {

std::vector<std::string_view> command_names() {
  std::vector<std::string_view> names;
  for (const Command& command : commands()) names.push_back(command.name);
  return names;
}

}  // namespace

std::string version_line() { return std::string("pixmill ") + version() + '\n'; }

std::string overview() {
  HelpPage page;
  page.usage = "pixmill COMMAND ... | --version | --help";
  page.summary =
      "Runs threshold, grayscale and reduction kernels over folders of images. One bad image never costs another, and "
      "the answer is the same bits however it is run.";
  HelpTable table{"commands", {}, "'pixmill COMMAND --help' tells the options of one."};
  for (const Command& command : commands()) {
    table.rows.emplace_back(std::string(command.name) + ' ' + std::string(command.arguments), command.summary);
  }
  page.tables = {table};
  page.example = "pixmill run photos -r -o out --ops gray,threshold=otsu";
  page.example_meaning = "makes a black-and-white PNG of every image below photos";
  return render(page, page_width());
}

std::string short_usage() {
  std::string text = "usage: pixmill COMMAND ...\n";
  for (const Command& command : commands()) {
    text += "  pixmill " + std::string(command.name) + (command.arguments.empty() ? "" : " ") +
            std::string(command.arguments) + '\n';
  }
  return text + "'pixmill --help' tells more.\n";
}

const Command& command_named(const std::string& name) {
  for (const Command& command : commands()) {
    if (command.name == name) return command;
  }
  const std::string near = nearest_name(name, command_names());
  throw Error(ErrorCode::usage, (name.rfind('-', 0) == 0 ? "unknown option " : "no command ") + ('\'' + name + "'; ") +
                                    (near.empty() ? "" : "did you mean " + near + "? ") + "the commands are " +
                                    list_words(command_names(), "and"));
}

}  // namespace pixmill::cli
