#include "cli/command.hpp"
#include "cli/exit_code.hpp"
#include "cli/session.hpp"
#include "cli/streams.hpp"

namespace pixmill::cli {

int stats_command(std::span<const std::string> arguments) {
  BatchArguments given;
  given.batch.reductions = {"count", "min", "max", "mean", "std", "histogram"};
  HelpPage page;
  page.usage = "pixmill stats INPUT... [--ops CHAIN] [--reduce LIST] [options]";
  page.summary =
      "Reduces every pixel of all images, after the chain, to a few numbers, exact and the same on every machine. "
      "Writes no image but those that a reduction names.";
  page.tables = {reduction_table(), kernel_table()};
  page.example = "pixmill stats photos -r --reduce mean,std --reduce-out stats.csv";
  page.example_meaning = "writes the mean and the standard deviation of each channel over all photos";
  ArgumentParser parser(page);
  add_reduction_options(parser, given);
  add_chain_options(parser, given);
  add_input_options(parser, given);
  add_limit_options(parser, given);
  add_manifest_options(parser, given);
  parser.flag("--overwrite", "replace a manifest and images of reductions that exist", given.batch.overwrite_manifest);
  add_execution_options(parser, given);
  add_report_options(parser, given);
  if (!parse_batch_arguments(parser, arguments, given)) {
    write_stdout(render(parser.page(), page_width()));
    return kExitWell;
  }
  require_inputs(given);
  return run_session("pixmill stats", given);
}

}  // namespace pixmill::cli
