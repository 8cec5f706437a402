#pragma once

#include "bench/report.hpp"

#include <string>
#include <vector>

namespace pixmill::bench {

/// The report as the JSON object of the contract, with a newline at the end; docs/bench.md lists its keys.
[[nodiscard]] std::string json_of(const Report& report);

/// An earlier report, as far as it is compared with.
struct OldReport {
  std::string cpu;
  std::string chain;
  double noise = 0;  ///< Noise::probe_spread.
  struct Run {
    Point point;
    std::uint64_t images = 0;
    std::uint64_t pixels = 0;
    std::uint64_t passes = 1;
    std::vector<double> seconds;
  };
  std::vector<Run> runs;
};

/// Reads what json_of() wrote. Throws Error (usage) that says what is wrong with it; `name` is what it calls the text.
[[nodiscard]] OldReport parse_old_report(const std::string& text, const std::string& name);

}  // namespace pixmill::bench
