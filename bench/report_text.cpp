#include "bench/report_text.hpp"

#include "bench/breakdown.hpp"

#include <pixmill/batch.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace pixmill::bench {
namespace {

std::string interval_text(const Interval& interval) {
  return fmt::format("[{}, {}]", duration_text(interval.low), duration_text(interval.high));
}

std::string optional_text(const std::optional<double>& value, int digits) {
  return value ? fmt::format("{:.{}f}", *value, digits) : std::string("-");
}

std::string mebibytes(std::uint64_t kb) { return number_text(static_cast<double>(kb) / 1024); }

std::string marks(const Measured& run) {
  std::string text;
  if (!run.outliers.empty()) {
    text += fmt::format("  {} outlier{}", run.outliers.size(), run.outliers.size() == 1 ? "" : "s");
  }
  if (run.oversubscribed) text += "  more workers than CPUs";
  return text;
}

std::string table_of(const Report& report, Mode mode) {
  std::string out = fmt::format("{:<11} {:>4} {:>9} {:<22} {:>9} {:>8} {:>8} {:>6} {:>7} {:>9} {:>8} {:>8}\n",
                                "backend", "jobs", "median", "95 % interval", "images/s", "Mpix/s", "speed-up", "eff.",
                                "K-Flatt", "CPU s", "RSS MiB", "PSS MiB");
  for (const Measured& run : report.runs) {
    if (run.point.mode != mode) continue;
    out += fmt::format("{:<11} {:>4} {:>9} {:<22} {:>9} {:>8} {:>8} {:>6} {:>7} {:>9} {:>8} {:>8}{}\n",
                       run.point.backend, run.point.jobs, duration_text(run.median), interval_text(run.ci95),
                       number_text(run.images_per_s), number_text(run.mpix_per_s), optional_text(run.speedup, 2),
                       optional_text(run.efficiency, 2), optional_text(run.karp_flatt, 2), number_text(run.cpu_seconds),
                       mebibytes(run.peak_rss_kb), run.peak_pss_kb ? mebibytes(*run.peak_pss_kb) : "-", marks(run));
  }
  for (const Floor& floor : report.floors) {
    if (floor.mode != mode) continue;
    out += fmt::format("{:<14}{:>2} {:>9} {:<22} {}\n", floor_name(mode), floor.jobs, duration_text(floor.median),
                       interval_text(floor.ci95), floor_text(floor));
  }
  if (report.cold && mode == Mode::files) out += "  " + cold_text(*report.cold) + '\n';
  for (const Beside& beside : report.beside) {
    if (beside.point.mode != mode) continue;
    out += fmt::format("  {} -j {} over {}: {}\n", beside.point.backend, beside.point.jobs, beside.over,
                       comparison_text(beside.comparison));
  }
  return out;
}

/// Where time went, and what it cost besides, of each backend at its largest number of workers.
std::string costs_of(const Report& report, Mode mode) {
  std::string out;
  for (const Measured* run : widest_runs(report, mode)) {
    if (!run->breakdown) continue;
    out += fmt::format("  {} -j {}: {:.0f} minor faults, {:.0f} switches and {:.0f} forced ones\n", run->point.backend,
                       run->point.jobs, run->minor_faults, run->voluntary_switches, run->involuntary_switches);
    for (const std::string& line : breakdown_lines(*run->breakdown)) out += "    " + line + '\n';
  }
  return out.empty() ? out : "where the time goes (one run of the warm-up)\n" + out;
}

std::string workload_text(const Workload& work) {
  std::string text = fmt::format("{}: {} images, {} million pixels", to_string(work.mode), work.images,
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

std::string comparison_text(const Comparison& comparison) {
  std::string figures =
      fmt::format("{:.3f} [{:.3f}, {:.3f}]", comparison.ratio, comparison.interval.low, comparison.interval.high);
  switch (comparison.relation) {
    case Relation::equal:
      return figures + " of the time, no difference beyond the noise";
    case Relation::faster:
      return figures + " of the time, faster";
    case Relation::slower:
      return figures + " of the time, slower";
    case Relation::unclear:
      return figures + " of the time, in too few rounds to tell";
  }
  return figures;
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
  return fmt::format("{} takes {:.3f} [{:.3f}, {:.3f}] times as long", floor.base, floor.base_over->ratio,
                     floor.base_over->interval.low, floor.base_over->interval.high);
}

std::vector<std::string> circumstances(const Report& report) {
  const MachineFacts& machine = report.machine;
  const Noise& noise = report.noise;
  std::vector<std::string> lines = {
      fmt::format("pixmill {} ({}), kernels as {}", machine.pixmill, machine.build, machine.simd),
      fmt::format("{}, {} usable CPUs, {} GiB, {}", machine.cpu, machine.usable_cpus,
                  number_text(static_cast<double>(machine.memory_bytes) / 1073741824.0), machine.system)};
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

std::string text_of(const Report& report) {
  std::string out;
  for (const std::string& line : circumstances(report)) out += line + '\n';
  if (unquiet(report.noise))
    out += "THIS MACHINE WAS NOT QUIET: intervals are wide, and medians may be off by as much\n";
  for (const Workload& work : report.workloads) {
    out += '\n' + std::string(to_string(work.mode)) + '\n' + table_of(report, work.mode) + costs_of(report, work.mode);
  }
  if (!report.peers.empty()) out += '\n' + text_of(report.peers);
  if (!report.queues.empty()) out += '\n' + text_of(report.queues);
  if (!report.faults.empty()) out += '\n' + text_of(report.faults);
  const std::vector<std::string> lines = scaling_lines(report);
  if (!lines.empty()) out += "\nscaling\n";
  for (const std::string& line : lines) out += "  " + line + '\n';
  return out;
}

std::string text_of(const std::vector<QueueResult>& queues) {
  std::string out = fmt::format(
      "messages of 64 bytes between two processes\n"
      "{:<22} {:<9} {:>10} {:>10} {:>12} {:>12}   spinning ring over it: round trip, stream\n",
      "", "waiting", "trip p50", "trip p99", "stream M/s", "by 32 M/s");
  const auto ratio = [](const std::optional<Comparison>& over) {
    if (!over) return std::string("-");
    return fmt::format("{} [{}, {}]", number_text(over->ratio), number_text(over->interval.low),
                       number_text(over->interval.high));
  };
  for (const QueueResult& queue : queues) {
    out += fmt::format("{:<22} {:<9} {:>10} {:>10} {:>12} {:>12}   {}, {}\n", queue.name,
                       queue.spins ? "spinning" : "blocking", latency_text(queue.p50_ns), latency_text(queue.p99_ns),
                       number_text(queue.stream_per_s / 1e6),
                       queue.batched_per_s ? number_text(*queue.batched_per_s / 1e6) : "-", ratio(queue.ring_over_p50),
                       ratio(queue.ring_over_stream));
  }
  return out;
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
  return fmt::format("{} [{}, {}]", number_text(peer.over->ratio), number_text(peer.over->interval.low),
                     number_text(peer.over->interval.high));
}

std::string peer_outputs(const Peer& peer) {
  return peer.inputs == 0 ? "–" : fmt::format("{} of {}", peer.outputs, peer.inputs);
}

std::string peer_remark(const Peer& peer) {
  if (!peer.why_not.empty()) return (peer.version.empty() ? "not there: " : "no time: ") + peer.why_not;
  return peer.note + (peer.note.empty() || peer.differs.empty() ? "" : "; ") + peer.differs;
}

std::string text_of(const std::vector<Peer>& peers) {
  std::string out =
      fmt::format("whole programs with their start, {} worker{} each\n{:<36} {:>9} {:<22} times pixmill's\n",
                  peers.empty() ? 0 : peers.front().jobs, peers.empty() || peers.front().jobs != 1 ? "s" : "", "",
                  "median", "95 % interval");
  for (const Peer& peer : peers) {
    const std::string remark = peer_remark(peer);
    const std::string text = peer.seconds.empty() ? remark : peer_ratio(peer) + (remark.empty() ? "" : "; " + remark);
    out += fmt::format("{:<36} {:>9} {:<22} {}\n", peer.name, peer.seconds.empty() ? "-" : duration_text(peer.median),
                       peer.seconds.empty() ? "" : interval_text(peer.ci95), text);
  }
  return out;
}

std::string ending_text(const FaultResult& fault) {
  if (fault.ended) return fmt::format("ran to its end; verdict on the bad image: {}", fault.verdict);
  return "the run " + fault.how;
}

std::string text_of(const std::vector<FaultResult>& faults) {
  std::string out =
      fmt::format("one image goes wrong among {} good ones\n{:<6} {:<11} {:>4} {:>12} {:>9}   how the run ended\n",
                  faults.empty() ? 0 : faults.front().good, "fault", "backend", "jobs", "came through", "after");
  for (const FaultResult& fault : faults) {
    out += fmt::format("{:<6} {:<11} {:>4} {:>12} {:>9}   {}\n", fault.fault, fault.backend, fault.jobs,
                       fault.came_through, duration_text(fault.seconds), ending_text(fault));
  }
  return out;
}

std::string text_of(const Changes& changes) {
  std::string out;
  std::size_t equal = 0;
  for (const Change& change : changes.all) {
    if (change.comparison.relation == Relation::equal) {
      ++equal;
      continue;
    }
    out += fmt::format("  {}: {} before, {} now, {}\n", describe(change.point), duration_text(change.old_seconds),
                       duration_text(change.new_seconds), comparison_text(change.comparison));
  }
  for (const std::string& remark : changes.remarks) out += "  " + remark + '\n';
  return fmt::format("since the old report: no difference beyond the noise at {} of {} points\n", equal,
                     changes.all.size()) +
         out;
}

}  // namespace pixmill::bench
