#pragma once

#include "bench/report.hpp"

#include <string>
#include <utility>
#include <vector>

namespace pixmill::bench::tests {

/// Seven timings about `middle`, up to `noise` away.
inline std::vector<double> timings(double middle, double noise, std::uint64_t seed) {
  Random random(seed);
  std::vector<double> values(7);
  for (double& value : values) {
    value = middle * (1 + noise * (static_cast<double>(random.below(2001)) / 1000.0 - 1));
  }
  return values;
}

/// A report of runs from files whose timings are made up: backend, jobs, seconds.
struct Made {
  std::string backend;
  int jobs = 1;
  double seconds = 1;
};
inline Report made_report(const std::vector<Made>& runs, double noise = 0.01, std::uint64_t seed = 1, int cpus = 4) {
  Report report;
  report.machine.cpu = "a processor";
  report.machine.usable_cpus = cpus;
  report.chain = "gray";
  report.seed = seed;
  report.repeats = 7;
  Workload work;
  work.images = 100;
  work.pixels = 20'000'000;
  work.bytes = 5'000'000;
  work.warm_ups = {1, 1};
  report.workloads.push_back(work);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    Measured run;
    run.point = {Mode::files, runs[i].backend, runs[i].jobs};
    run.seconds = timings(runs[i].seconds, noise, seed * 1000 + i);
    run.output_hash = 42;
    report.runs.push_back(std::move(run));
  }
  conclude(report);
  return report;
}

}  // namespace pixmill::bench::tests
