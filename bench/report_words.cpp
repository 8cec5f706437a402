#include "bench/report_words.hpp"

#include "bench/breakdown.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace pixmill::bench {
namespace {

std::string interval_text(const Interval& interval) {
  return fmt::format("[{}, {}]", duration_text(interval.low), duration_text(interval.high));
}

// No more than the interval is good for.
int digits_of(const Comparison& comparison) {
  const double width = comparison.interval.high - comparison.interval.low;
  return width >= 1 || comparison.ratio >= 10 ? 1 : width >= 0.05 || comparison.ratio >= 2 ? 2 : 3;
}

std::string workload_text(const Workload& work) {
  const bool some_fail = work.mode == Mode::files && work.failed > 0;
  std::string text =
      fmt::format("{}: {} images{}, {} million pixels", to_string(work.mode), work.images,
                  some_fail ? fmt::format(" ({} in every run alike, and in no rate)",
                                          work.failed == 1 ? "1 fails" : fmt::format("{} fail", work.failed))
                            : "",
                  number_text(static_cast<double>(work.pixels) / 1e6));
  if (work.mode == Mode::files) {
    text +=
        fmt::format(", {} MiB of files, from files to files", number_text(static_cast<double>(work.bytes) / 1048576));
  } else {
    text +=
        fmt::format(", {} MiB decoded, {} time{} over a run, kernels alone",
                    number_text(static_cast<double>(work.bytes) / 1048576), work.passes, work.passes == 1 ? "" : "s");
  }
  if (work.left_out > 0) text += fmt::format("; {} more did not fit in memory", work.left_out);
  return text;
}

std::string warm_up_text(const Workload& work) {
  return fmt::format(
      "{}: {} rounds of warm-up, {}", to_string(work.mode), work.warm_ups.size(),
      work.settled ? "until two took as long" : "and times had not settled by then: take the figures with care");
}

std::string cache_text(const Workload& work) {
  constexpr double kAll = 0.99;
  if (!work.cached_share) return "files: whether they were in the page cache cannot be told";
  return fmt::format(
      "files: {:.0f} % of them in the page cache before the rounds that count{}", *work.cached_share * 100,
      *work.cached_share < kAll ? "; the rest was read from the disk, and that is part of the time" : "");
}

std::string rounds_text(const Report& report) {
  std::string text = fmt::format("{} round{}, order shuffled with --seed {}", report.repeats,
                                 report.repeats == 1 ? "" : "s", report.seed);
  if (!report.runs.empty()) text += "; each run a process of its own; OpenCV on one thread";
  if (report.repeats < static_cast<int>(kLeastForInterval)) {
    text +=
        fmt::format("; of fewer than {} rounds the interval is the range, and holds the median less often than 95 %",
                    kLeastForInterval);
  }
  return text;
}

std::string predictions_text(const std::vector<Prediction>& predictions) {
  std::vector<std::string> parts;
  parts.reserve(predictions.size());
  for (const Prediction& one : predictions) {
    parts.push_back(
        fmt::format("{:.1f} [{:.1f}, {:.1f}] on {}", one.speedup, one.interval.low, one.interval.high, one.jobs));
  }
  return fmt::format("predicted, not measured: speed-up {} cores", fmt::join(parts, ", "));
}

}  // namespace

bool unquiet(const Noise& noise) {
  constexpr double kMuch = 0.1;
  return std::max({noise.probe_spread, noise.others_share, noise.stolen_share}) > kMuch;
}

std::string duration_text(double seconds) {
  if (seconds >= 100) return fmt::format("{:.0f} s", seconds);
  if (seconds >= 1) return fmt::format("{:.{}f} s", seconds, seconds >= 10 ? 1 : 2);
  const double ms = seconds * 1000;
  return fmt::format("{:.{}f} ms", ms, ms >= 100 ? 0 : ms >= 10 ? 1 : 2);
}

std::string latency_text(double nanoseconds) {
  if (nanoseconds < 1000) return fmt::format("{:.0f} ns", nanoseconds);
  const double us = nanoseconds / 1000;
  return us < 1000 ? number_text(us) + " µs" : number_text(us / 1000) + " ms";
}

std::string number_text(double value) {
  const double size = std::abs(value);
  return fmt::format("{:.{}f}", value, size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3);
}

std::string milliseconds_text(double milliseconds) {
  return fmt::format("{:.{}f}", milliseconds, milliseconds >= 100 ? 0 : milliseconds >= 1 ? 1 : 2);
}

std::string ratio_text(const Comparison& comparison) {
  return fmt::format("{:.{}f}", comparison.ratio, digits_of(comparison));
}

std::string ratio_interval_text(const Comparison& comparison) {
  return fmt::format("[{0:.{2}f}, {1:.{2}f}]", comparison.interval.low, comparison.interval.high,
                     digits_of(comparison));
}

std::string relation_text(const Comparison& comparison) {
  switch (comparison.relation) {
    case Relation::equal:
      if (comparison.interval.low < 1 - kTolerance || comparison.interval.high > 1 + kTolerance) {
        return "no difference seen";
      }
      return fmt::format("equal within {:.0f} %", kTolerance * 100);
    case Relation::faster:
      return "faster";
    case Relation::slower:
      return "slower";
    case Relation::unclear:
      return "too few rounds";
  }
  return "";
}

std::string comparison_text(const Comparison& comparison) {
  return fmt::format("{} {} of the time, {}", ratio_text(comparison), ratio_interval_text(comparison),
                     relation_text(comparison));
}

std::vector<std::string> breakdown_lines(const Breakdown& breakdown) {
  std::vector<std::string> lines;
  for (const char* const crew : {"worker", "reader", "writer"}) {
    const CrewTimes times = sum_of_crew(breakdown, crew);
    const double whole = times.whole();
    if (times.rows == 0 || whole <= 0) continue;
    std::string line = fmt::format("{} {}{}:", times.rows, crew, times.rows == 1 ? "" : "s");
    const auto add = [&](const std::string& name, double seconds) {
      if (seconds > 0.0005 * whole) line += fmt::format(" {} {:.1f} %,", name, 100 * seconds / whole);
    };
    for (const std::size_t i : order_of_stages(times.seconds.size())) add(breakdown.stages[i], times.seconds[i]);
    add("waiting", times.waiting);
    add("idle", times.idle);
    line.pop_back();
    lines.push_back(std::move(line));
  }
  return lines;
}

std::string floor_text(const Floor& floor) {
  if (!floor.base_over) return {};
  return fmt::format("{} takes {} {} times as long", floor.base, ratio_text(*floor.base_over),
                     ratio_interval_text(*floor.base_over));
}

std::vector<std::string> circumstances(const Report& report) {
  const MachineFacts& machine = report.machine;
  const Noise& noise = report.noise;
  std::vector<std::string> lines = {
      fmt::format("pixmill {} ({}), kernels as {}", machine.pixmill, machine.build, machine.simd),
      fmt::format("{}, {} usable CPUs{}, {} GiB, {}", machine.cpu, machine.usable_cpus,
                  machine.cores > 0 && machine.cores < machine.usable_cpus
                      ? fmt::format(" that share {} core{}", machine.cores, machine.cores == 1 ? "" : "s")
                      : "",
                  number_text(static_cast<double>(machine.memory_bytes) / 1073741824.0), machine.system)};
  lines.push_back("clock: " + (machine.clock.empty() ? "the machine does not tell what governs it" : machine.clock));
  if (!report.runs.empty()) lines.push_back("chain: " + (report.chain.empty() ? "none" : report.chain));
  for (const Workload& work : report.workloads) lines.push_back(workload_text(work));
  for (const Workload& work : report.workloads) lines.push_back(warm_up_text(work));
  if (const Workload* work = workload_of(report, Mode::files)) lines.push_back(cache_text(*work));
  if (!report.runs.empty() || !report.queues.empty()) lines.push_back(rounds_text(report));
  lines.push_back(fmt::format(
      "noise: the same arithmetic varied by {:.1f} %; other programs used {:.0f} % of the CPUs{}; load {:.1f} before",
      noise.probe_spread * 100, noise.others_share * 100,
      noise.stolen_share >= 0.001 ? fmt::format(", the hypervisor took {:.1f} %", noise.stolen_share * 100) : "",
      machine.load_before));
  return lines;
}

std::vector<std::string> scaling_lines(const Report& report) {
  std::vector<std::string> lines;
  std::vector<std::pair<std::string, std::string>> not_fitted;  // why, and what
  for (const Scaling& scaling : report.scaling) {
    const std::string who = fmt::format("{}, {}", to_string(scaling.mode), scaling.backend);
    if (const auto& law = scaling.amdahl) {
      lines.push_back(fmt::format("{}: Amdahl, serial share {:.3f} [{:.3f}, {:.3f}]; {}", who, law->serial_share,
                                  law->serial_interval.low, law->serial_interval.high,
                                  predictions_text(law->predictions)));
    }
    if (const auto& law = scaling.usl) {
      lines.push_back(
          fmt::format("{}: universal law, contention {:.4f} [{:.4f}, {:.4f}], coherence {:.5f} [{:.5f}, {:.5f}]; {}",
                      who, law->contention, law->contention_interval.low, law->contention_interval.high, law->coherence,
                      law->coherence_interval.low, law->coherence_interval.high, predictions_text(law->predictions)));
    }
    if (scaling.why_not.empty()) continue;
    const auto known = std::find_if(not_fitted.begin(), not_fitted.end(),
                                    [&](const auto& entry) { return entry.first == scaling.why_not; });
    if (known == not_fitted.end()) {
      not_fitted.emplace_back(scaling.why_not, who);
    } else {
      known->second += "; " + who;
    }
  }
  for (const auto& [why, who] : not_fitted) lines.push_back(fmt::format("not fitted: {} ({})", why, who));
  return lines;
}

std::string cold_text(const Cold& cold) {
  std::string text = fmt::format("{} -j {}, files not in the page cache", cold.point.backend, cold.point.jobs);
  if (!cold.why_not.empty()) return text + ": not measured, " + cold.why_not;
  text += fmt::format(" ({:.1f} % were left): {} {}", cold.left_share * 100, duration_text(cold.median),
                      interval_text(cold.ci95));
  return cold.over ? text + "; over warm: " + comparison_text(*cold.over) : text;
}

std::string peer_ratio(const Peer& peer) {
  if (!peer.over) return peer.seconds.empty() ? "–" : "1";
  return ratio_text(*peer.over) + ' ' + ratio_interval_text(*peer.over);
}

std::string peer_outputs(const Peer& peer) {
  return peer.inputs == 0 ? "–" : fmt::format("{} of {}", peer.outputs, peer.inputs);
}

std::string peer_mebibytes(const Peer& peer) { return number_text(static_cast<double>(peer.output_bytes) / 1048576); }

std::string peer_remark(const Peer& peer) {
  if (!peer.why_not.empty()) return (peer.version.empty() ? "not there: " : "no time: ") + peer.why_not;
  return peer.note + (peer.note.empty() || peer.differs.empty() ? "" : "; ") + peer.differs;
}

std::string ending_text(const FaultResult& fault) {
  if (fault.ended) return fmt::format("well; the bad image: {}", fault.verdict);
  return fault.how;
}

}  // namespace pixmill::bench
