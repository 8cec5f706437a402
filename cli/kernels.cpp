#include "cli/arguments.hpp"
#include "cli/command.hpp"
#include "cli/exit_code.hpp"
#include "cli/kernel_text.hpp"
#include "cli/streams.hpp"

#include <pixmill/error.hpp>
#include <pixmill/plan.hpp>

namespace pixmill::cli {
namespace {

const KernelDescriptor& kernel_named(const std::string& name) {
  std::vector<std::string_view> names;
  for (const KernelDescriptor* kernel : kernel_descriptors()) {
    if (kernel->name == name) return *kernel;
    names.push_back(kernel->name);
  }
  const std::string near = nearest_name(name, names);
  throw Error(ErrorCode::usage, "no kernel '" + name + "'; " + (near.empty() ? "" : "did you mean " + near + "? ") +
                                    "the kernels are " + list_words(names, "and"));
}

}  // namespace

int kernels_command(std::span<const std::string> arguments) {
  HelpPage page;
  page.usage = "pixmill kernels [NAME]";
  page.summary = "Lists every kernel that a chain (--ops) may name; with NAME, all about that one.";
  page.example = "pixmill kernels threshold";
  page.example_meaning = "shows its parameters, their ranges and defaults, and how it is defined";
  const ArgumentParser parser(page);
  std::vector<std::string> names;
  if (!parser.parse(arguments, names)) {
    write_stdout(render(parser.page(), page_width()));
    return kExitWell;
  }
  if (names.empty()) {
    write_stdout(kernel_list(kernel_descriptors(), page_width()));
    return kExitWell;
  }
  std::string text;
  for (const std::string& name : names) {
    text += (text.empty() ? "" : "\n") + kernel_details(kernel_named(name), page_width());
  }
  write_stdout(text);
  return kExitWell;
}

}  // namespace pixmill::cli
