#include "cli/command.hpp"

namespace pixmill::cli {

const std::vector<Command>& commands() {
  static const std::vector<Command> table = {
      {"run", "INPUT... -o DIR [--ops CHAIN]", "process images", run_command},
      {"stats", "INPUT... [--ops CHAIN]", "reductions over all pixels; no image is written", stats_command},
      {"bench", "INPUT... [--ops CHAIN]", "compare the backends on this machine", bench_command},
      {"kernels", "[NAME]", "every kernel, its parameters, ranges and defaults", kernels_command},
      {"explain", "--ops CHAIN [INPUT...]", "what will really run, and in how much memory", explain_command},
      {"doctor", "", "what this machine can and cannot do, and why", doctor_command},
  };
  return table;
}

}  // namespace pixmill::cli
