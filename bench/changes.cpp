#include "bench/changes.hpp"

#include <pixmill/error.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace pixmill::bench {
namespace {

std::string chain_text(const std::string& chain) { return chain.empty() ? "no kernels" : chain; }

void check_workload(const OldReport::Run& old, const Workload& work) {
  if (old.images == work.images && old.pixels == work.pixels) return;
  throw Error(
      ErrorCode::usage,
      fmt::format(
          "--compare: the old report is of {} images with {} pixels, and these are {} with {}; nothing can be said",
          old.images, old.pixels, work.images, work.pixels));
}

std::vector<double> each_pass(std::vector<double> seconds, std::uint64_t passes) {
  for (double& value : seconds) value /= static_cast<double>(passes);
  return seconds;
}

}  // namespace

bool Changes::regressed() const {
  return std::any_of(all.begin(), all.end(),
                     [](const Change& change) { return change.comparison.relation == Relation::slower; });
}

void check_comparable(const OldReport& old, const std::string& chain) {
  if (old.chain == chain) return;
  throw Error(ErrorCode::usage,
              fmt::format("--compare: the old report is of {}, and this would be of {}; give the same --ops",
                          chain_text(old.chain), chain_text(chain)));
}

Changes changes_since(const OldReport& old, const Report& report) {
  check_comparable(old, report.chain);
  Changes changes;
  const double tolerance = std::max({kTolerance, old.noise, report.noise.probe_spread});
  for (const Measured& run : report.runs) {
    const auto found = std::find_if(old.runs.begin(), old.runs.end(), [&](const OldReport::Run& candidate) {
      return candidate.point.mode == run.point.mode && candidate.point.backend == run.point.backend &&
             candidate.point.jobs == run.point.jobs;
    });
    const Workload* work = workload_of(report, run.point.mode);
    if (found == old.runs.end() || work == nullptr) continue;
    check_workload(*found, *work);
    const auto before = each_pass(found->seconds, found->passes);
    const auto now = each_pass(run.seconds, work->passes);
    changes.all.push_back(
        {run.point, median(before), median(now), compare_series(before, now, tolerance, report.seed)});
  }
  if (changes.all.empty()) {
    throw Error(ErrorCode::usage, "--compare: the old report has none of these backends, jobs and modes");
  }
  if (old.cpu != report.machine.cpu) {
    changes.remarks.push_back(
        fmt::format("the old report is of another processor ({}), this one is {}", old.cpu, report.machine.cpu));
  }
  if (tolerance > kTolerance) {
    changes.remarks.push_back(
        fmt::format("the machine varied by {:.0f} %, so smaller differences count for nothing", tolerance * 100));
  }
  return changes;
}

}  // namespace pixmill::bench
