#include "bench/report_text.hpp"

#include "bench/svg_parts.hpp"

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

/// Broken at spaces, so that no line is longer than a terminal; what follows the first is indented.
std::string wrapped(const std::string& text, std::size_t first, std::size_t others) {
  constexpr std::size_t kColumns = 80;
  std::string out;
  std::string line(first, ' ');
  std::size_t used = letters_in(line);
  bool empty = true;
  for (std::size_t at = 0; at <= text.size();) {
    // A word that has no room in any line is broken.
    std::size_t end = text.find(' ', at);
    while (end != std::string::npos && text.compare(end, 2, " %") == 0) end = text.find(' ', end + 1);  // "12.3 %"
    end = std::min({end, text.size(), at + kColumns - others});
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) --end;  // within a letter
    const std::string word = text.substr(at, end - at);
    if (!empty && used + 1 + letters_in(word) > kColumns) {
      out += line + '\n';
      line.assign(others, ' ');
      used = others;
      empty = true;
    }
    line += (empty ? "" : " ") + word;
    used += (empty ? 0 : 1) + letters_in(word);
    empty = false;
    at = end < text.size() && text[end] != ' ' ? end : end + 1;
  }
  return out + line + '\n';
}

std::string times_of(const Report& report, Mode mode) {
  std::string out = fmt::format("{:<10} {:>4} {:>8} {:<19} {:>8} {:>8} {:>5} {:>7}\n", "backend", "jobs", "median",
                                "95 % interval", "images/s", "speed-up", "eff.", "K-Flatt");
  bool oversubscribed = false;
  for (const Measured& run : report.runs) {
    if (run.point.mode != mode) continue;
    oversubscribed = oversubscribed || run.oversubscribed;
    out += fmt::format("{:<10} {:>4} {:>8} {:<19} {:>8} {:>8} {:>5} {:>7}{}\n", run.point.backend, run.point.jobs,
                       duration_text(run.median), interval_text(run.ci95), number_text(run.images_per_s),
                       optional_text(run.speedup, 2), optional_text(run.efficiency, 2),
                       optional_text(run.karp_flatt, 2), run.oversubscribed ? " *" : "");
  }
  for (const Floor& floor : report.floors) {
    if (floor.mode != mode) continue;
    const Workload* work = workload_of(report, mode);
    const double images = work == nullptr ? 0 : static_cast<double>(images_done(*work) * work->passes);
    out += fmt::format("{:<14} {} {:>7} {:<19} {:>8}\n", floor_name(mode), floor.jobs, duration_text(floor.median),
                       interval_text(floor.ci95), floor.median > 0 ? number_text(images / floor.median) : "-");
  }
  return out + (oversubscribed ? "* more workers than CPUs\n" : "");
}

std::string costs_of(const Report& report, Mode mode) {
  std::string out = fmt::format("{:<10} {:>4} {:>7} {:>8} {:>7} {:>7} {:>8} {:>6} {:>7} {:>7}\n", "costs", "jobs",
                                "Mpix/s", "outliers", "CPU s", "faults", "switches", "forced", "RSS MiB", "PSS MiB");
  for (const Measured& run : report.runs) {
    if (run.point.mode != mode) continue;
    out += fmt::format("{:<10} {:>4} {:>7} {:>8} {:>7} {:>7.0f} {:>8.0f} {:>6.0f} {:>7} {:>7}\n", run.point.backend,
                       run.point.jobs, number_text(run.mpix_per_s), run.outliers.size(), number_text(run.cpu_seconds),
                       run.minor_faults, run.voluntary_switches, run.involuntary_switches, mebibytes(run.peak_rss_kb),
                       run.peak_pss_kb ? mebibytes(*run.peak_pss_kb) : "-");
  }
  return out;
}

std::string ratio_line(const std::string& what, const Comparison& over, const std::string& words) {
  return fmt::format("  {:<34} {:>5} {:<16} {}\n", what, ratio_text(over), ratio_interval_text(over), words);
}

std::string beside_of(const Report& report, Mode mode) {
  std::string out;
  for (const Floor& floor : report.floors) {
    if (floor.mode != mode || !floor.base_over) continue;
    out += ratio_line(fmt::format("{} -j {} over {}", floor.base, floor.jobs, floor_name(mode)), *floor.base_over,
                      "times the floor");
  }
  for (const Beside& beside : report.beside) {
    if (beside.point.mode != mode) continue;
    out += ratio_line(fmt::format("{} -j {} over {}", beside.point.backend, beside.point.jobs, beside.over),
                      beside.comparison, relation_text(beside.comparison));
  }
  if (!out.empty()) out = "ratio of the times within a round, its median and 95 % interval\n" + out;
  if (report.cold && mode == Mode::files) out += wrapped(cold_text(*report.cold), 2, 4);
  return out;
}

/// Where time went, of each backend at its largest number of workers.
std::string breakdown_of(const Report& report, Mode mode) {
  std::string out;
  for (const Measured* run : widest_runs(report, mode)) {
    if (!run->breakdown) continue;
    out += fmt::format("  {} -j {}\n", run->point.backend, run->point.jobs);
    for (const std::string& line : breakdown_lines(*run->breakdown)) out += wrapped(line, 4, 6);
  }
  return out.empty() ? out : "where the time goes (one run of the warm-up)\n" + out;
}

}  // namespace

std::string text_of(const Report& report) {
  std::string out;
  for (const std::string& line : circumstances(report)) out += wrapped(line, 0, 2);
  if (unquiet(report.noise)) out += "THIS MACHINE WAS NOT QUIET: intervals are wide, medians may be off by as much\n";
  for (const Workload& work : report.workloads) {
    out += '\n' + std::string(to_string(work.mode)) + '\n' + times_of(report, work.mode) +
           beside_of(report, work.mode) + costs_of(report, work.mode) + breakdown_of(report, work.mode);
  }
  if (!report.peers.empty()) out += '\n' + text_of(report.peers);
  if (!report.queues.empty()) out += '\n' + text_of(report.queues);
  if (!report.faults.empty()) out += '\n' + text_of(report.faults);
  const std::vector<std::string> lines = scaling_lines(report);
  if (!lines.empty()) out += "\nscaling\n";
  for (const std::string& line : lines) out += wrapped(line, 2, 4);
  return out;
}

std::string text_of(const std::vector<QueueResult>& queues) {
  const auto ratio = [](const std::optional<Comparison>& over) {
    return over ? number_text(over->ratio) : std::string("-");
  };
  std::string out = fmt::format(
      "messages of 64 bytes between two processes; a round trip, a stream one way\n"
      "{:<20} {:<9} {:>8} {:>8} {:>7} {:>7}   ring over it\n"
      "{:<20} {:<9} {:>8} {:>8} {:>7} {:>7} {:>7} {:>7}\n",
      "", "", "trip", "trip", "stream", "by 32", "", "waiting", "p50", "p99", "M/s", "M/s", "trip", "stream");
  for (const QueueResult& queue : queues) {
    out += fmt::format("{:<20} {:<9} {:>8} {:>8} {:>7} {:>7} {:>7} {:>7}\n", queue.name,
                       queue.spins ? "spinning" : "blocking", latency_text(queue.p50_ns), latency_text(queue.p99_ns),
                       number_text(queue.stream_per_s / 1e6),
                       queue.batched_per_s ? number_text(*queue.batched_per_s / 1e6) : "-", ratio(queue.ring_over_p50),
                       ratio(queue.ring_over_stream));
  }
  return out;
}

std::string text_of(const std::vector<Peer>& peers) {
  std::string out =
      fmt::format("whole programs with their start, {} worker{} each\n{:<33} {:>8} {:<20} {:>5} {:>8}\n",
                  peers.empty() ? 0 : peers.front().jobs, peers.empty() || peers.front().jobs != 1 ? "s" : "", "",
                  "median", "times pixmill's", "CPUs", "outputs");
  for (const Peer& peer : peers) {
    const bool timed = !peer.seconds.empty();
    out += fmt::format("{:<33} {:>8} {:<20} {:>5} {:>8}\n", peer.name, timed ? duration_text(peer.median) : "-",
                       peer_ratio(peer), timed ? fmt::format("{:.2f}", peer.busy_cpus) : "-", peer_outputs(peer));
    if (const std::string remark = peer_remark(peer); !remark.empty()) out += wrapped(remark, 4, 6);
  }
  return out;
}

std::string text_of(const std::vector<FaultResult>& faults) {
  constexpr std::size_t kHow = 46;
  std::string out =
      fmt::format("one image goes wrong among {} good ones\n{:<6} {:<10} {:>4} {:>12} {:>8}  how the run ended\n",
                  faults.empty() ? 0 : faults.front().good, "fault", "backend", "jobs", "came through", "after");
  for (const FaultResult& fault : faults) {
    const std::string figures = fmt::format("{:<6} {:<10} {:>4} {:>12} {:>8}  ", fault.fault, fault.backend, fault.jobs,
                                            fault.came_through, duration_text(fault.seconds));
    out += figures + wrapped(ending_text(fault), kHow, kHow).substr(kHow);
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
    out += wrapped(fmt::format("{}: {} before, {} now, {}", describe(change.point), duration_text(change.old_seconds),
                               duration_text(change.new_seconds), comparison_text(change.comparison)),
                   2, 4);
  }
  for (const std::string& remark : changes.remarks) out += wrapped(remark, 2, 4);
  return fmt::format("since the old report: no difference beyond the noise at {} of {} points\n", equal,
                     changes.all.size()) +
         out;
}

}  // namespace pixmill::bench
