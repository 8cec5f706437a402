#include "cli/command.hpp"
#include "cli/exit_code.hpp"
#include "cli/session.hpp"
#include "cli/streams.hpp"

#include <pixmill/error.hpp>

namespace pixmill::cli {

int run_command(std::span<const std::string> arguments) {
  BatchArguments given;
  HelpPage page;
  page.usage = "pixmill run INPUT... -o DIR [--ops CHAIN] [--reduce LIST] [options]";
  page.summary =
      "Runs a chain of kernels over images, each for itself, and writes the results below DIR. An image that cannot be "
      "done costs no other; the exit code is 0 if all went well, 1 if some images failed.";
  page.tables = {kernel_table(), reduction_table()};
  page.example = "pixmill run scans -r -o out --ops gray,threshold=otsu";
  page.example_meaning = "makes a black-and-white PNG of every image below scans, with the same tree below out";
  ArgumentParser parser(page);
  add_chain_options(parser, given);
  add_input_options(parser, given);
  add_destination_options(parser, given);
  add_format_options(parser, given);
  add_reduction_options(parser, given);
  add_limit_options(parser, given);
  add_manifest_options(parser, given);
  add_execution_options(parser, given);
  add_report_options(parser, given);
  if (!parse_batch_arguments(parser, arguments, given)) {
    write_stdout(render(parser.page(), page_width()));
    return kExitWell;
  }
  require_inputs(given);
  if (given.output.directory.empty()) {
    throw Error(ErrorCode::usage, "no output folder; add -o DIR, or use 'pixmill stats' for reductions alone");
  }
  given.batch.output = given.output;
  return run_session("pixmill run", given);
}

}  // namespace pixmill::cli
