#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/exit_code.hpp"
#include "cli/kernel_text.hpp"
#include "cli/options.hpp"
#include "cli/streams.hpp"

#include <pixmill/error.hpp>
#include <pixmill/plan.hpp>

namespace pixmill::cli {
namespace {

std::string details_of(const std::string& wanted) {
  const std::string name = wanted.substr(0, wanted.find('='));  // as it would be written
  std::vector<std::string_view> names;
  for (const KernelDescriptor* kernel : kernel_descriptors()) {
    if (kernel->name == name) return kernel_details(*kernel, page_width());
    names.push_back(kernel->name);
  }
  for (const ReductionDescriptor* reduction : reduction_descriptors()) {
    if (reduction->name == name) return reduction_details(*reduction, page_width());
    names.push_back(reduction->name);
  }
  const std::string near = nearest_name(name, names);
  throw Error(ErrorCode::usage, "no kernel or reduction '" + name + "'; " +
                                    (near.empty() ? "" : "did you mean " + near + "? ") + "there are " +
                                    list_words(names, "and"));
}

std::string everything() {
  return "kernels, for --ops; values in brackets are defaults:\n\n" + kernel_list(kernel_descriptors(), page_width()) +
         "\nreductions, for --reduce:\n\n" + reduction_list(reduction_descriptors(), page_width()) +
         "\n'pixmill kernels NAME' tells all about one.\n";
}

}  // namespace

int kernels_command(std::span<const std::string> arguments) {
  HelpPage page;
  page.usage = "pixmill kernels [NAME...] [--plugin FILE.so]";
  page.summary =
      "Lists every kernel that a chain (--ops) may name, and every reduction (--reduce); with NAME, all about that "
      "one.";
  page.example = "pixmill kernels threshold";
  page.example_meaning = "shows its parameters, their ranges and defaults, and how it is defined";
  ArgumentParser parser(page);
  std::vector<std::string> plugins;
  parser.group("what is listed");
  add_plugin_option(parser, plugins);
  std::vector<std::string> names;
  if (!parser.parse(arguments, names)) {
    write_stdout(render(parser.page(), page_width()));
    return kExitWell;
  }
  load_plugins(plugins);
  if (names.empty()) {
    write_stdout(everything());
    return kExitWell;
  }
  std::string text;
  for (const std::string& name : names) {
    text += (text.empty() ? "" : "\n") + details_of(name);
  }
  write_stdout(text);
  return kExitWell;
}

}  // namespace pixmill::cli
