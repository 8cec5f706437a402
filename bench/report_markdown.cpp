#include "bench/report_markdown.hpp"

#include "bench/breakdown.hpp"
#include "bench/report_words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

namespace pixmill::bench {
namespace {

using Cells = std::vector<std::string>;

std::string row_of(const Cells& cells) {
  std::string out = "|";
  for (const std::string& cell : cells) out += ' ' + escape_cell(cell) + " |";
  return out + '\n';
}

std::string table(const Cells& head, const std::vector<Cells>& rows) {
  std::string out = row_of(head) + "|---|";
  for (std::size_t i = 1; i < head.size(); ++i) out += "--:|";
  out += '\n';
  for (const Cells& row : rows) out += row_of(row);
  return out + '\n';
}

std::string list(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += "- " + escape_cell(line) + '\n';
  return out + '\n';
}

std::string interval_text(const Interval& interval) {
  return fmt::format("{} – {}", duration_text(interval.low), duration_text(interval.high));
}

std::string optional_text(const std::optional<double>& value) { return value ? fmt::format("{:.2f}", *value) : "–"; }

std::string mebibytes(std::uint64_t kb) { return number_text(static_cast<double>(kb) / 1024); }

std::string time_cell(double seconds) { return seconds > 0 ? milliseconds_text(seconds * 1000) : "–"; }

std::string label(const Measured& run) { return fmt::format("{} -j {}", run.point.backend, run.point.jobs); }

std::string figures_of(const Report& report, Mode mode) {
  std::vector<Cells> rows;
  for (const Measured& run : report.runs) {
    if (run.point.mode != mode) continue;
    rows.push_back({label(run) + (run.oversubscribed ? " (more than CPUs)" : ""), duration_text(run.median),
                    interval_text(run.ci95), std::to_string(run.outliers.size()), number_text(run.images_per_s),
                    number_text(run.mpix_per_s), optional_text(run.speedup), optional_text(run.efficiency),
                    optional_text(run.karp_flatt), number_text(run.cpu_seconds),
                    fmt::format("{:.0f}", run.minor_faults), fmt::format("{:.0f}", run.voluntary_switches),
                    mebibytes(run.peak_rss_kb), run.peak_pss_kb ? mebibytes(*run.peak_pss_kb) : "–"});
  }
  return table({"run", "median", "95 % interval", "outliers", "images/s", "Mpix/s", "speed-up", "efficiency",
                "Karp–Flatt", "CPU s", "minor faults", "switches", "RSS MiB", "PSS MiB"},
               rows);
}

std::string beside_of(const Report& report, Mode mode) {
  std::vector<std::string> lines;
  for (const Floor& floor : report.floors) {
    if (floor.mode != mode) continue;
    const std::string over = floor_text(floor);
    lines.push_back(fmt::format("{} on {} threads: {}, {}{}", floor_name(mode), floor.jobs, duration_text(floor.median),
                                interval_text(floor.ci95), over.empty() ? "" : "; " + over));
  }
  if (report.cold && mode == Mode::files) lines.push_back(cold_text(*report.cold));
  for (const Beside& beside : report.beside) {
    if (beside.point.mode != mode) continue;
    lines.push_back(fmt::format("{} -j {} over {}: {}", beside.point.backend, beside.point.jobs, beside.over,
                                comparison_text(beside.comparison)));
  }
  return lines.empty() ? "" : list(lines);
}

std::string breakdown_of(const Report& report, Mode mode) {
  std::string out;
  for (const Measured* run : widest_runs(report, mode)) {
    if (!run->breakdown) continue;
    const Breakdown& breakdown = *run->breakdown;
    Cells head = {label(*run) + ", ms"};
    std::vector<Cells> rows;
    std::vector<std::size_t> order = order_of_stages(breakdown.stages.size());
    std::erase_if(order, [&](std::size_t stage) {
      return std::none_of(breakdown.rows.begin(), breakdown.rows.end(),
                          [stage](const RowTimes& row) { return row.seconds.at(stage) > 0; });
    });
    for (const std::size_t i : order) head.push_back(breakdown.stages[i]);
    head.insert(head.end(), {"waiting", "idle"});
    for (const RowTimes& row : breakdown.rows) {
      Cells& cells = rows.emplace_back(Cells{row.name});
      for (const std::size_t i : order) cells.push_back(time_cell(row.seconds.at(i)));
      cells.insert(cells.end(), {time_cell(row.waiting), time_cell(row.idle)});
    }
    out += table(head, rows);
  }
  return out.empty() ? "" : "Where the time of one run of the warm-up went:\n\n" + out;
}

std::string peers_of(const std::vector<Peer>& peers) {
  if (peers.empty()) return "";
  std::vector<Cells> rows;
  for (const Peer& peer : peers) {
    const bool timed = !peer.seconds.empty();
    rows.push_back({peer.name, timed ? duration_text(peer.median) : "–", timed ? interval_text(peer.ci95) : "–",
                    peer_ratio(peer), timed ? fmt::format("{:.2f}", peer.busy_cpus) : "–", peer_outputs(peer),
                    peer.inputs == 0 ? "–" : peer_mebibytes(peer), peer.version, peer_remark(peer)});
  }
  return fmt::format("## Beside other programs\n\nWhole programs with their start, {} workers each.\n\n{}",
                     peers.front().jobs,
                     table({"program", "median", "95 % interval", "times pixmill's", "CPUs busy", "outputs", "MiB made",
                            "version", "remark"},
                           rows));
}

std::string queues_of(const std::vector<QueueResult>& queues) {
  if (queues.empty()) return "";
  const auto ratio = [](const std::optional<Comparison>& over) {
    return over ? fmt::format("{} – {}", number_text(over->interval.low), number_text(over->interval.high)) : "–";
  };
  std::vector<Cells> rows;
  rows.reserve(queues.size());
  for (const QueueResult& queue : queues) {
    rows.push_back({queue.name, queue.spins ? "spinning" : "blocking", latency_text(queue.p50_ns),
                    latency_text(queue.p99_ns), number_text(queue.stream_per_s / 1e6),
                    queue.batched_per_s ? number_text(*queue.batched_per_s / 1e6) : "–", ratio(queue.ring_over_p50),
                    ratio(queue.ring_over_stream)});
  }
  return "## Queues between processes\n\n" + table({"queue", "waiting", "trip p50", "trip p99", "stream M/s",
                                                    "by 32 M/s", "ring over it: trip", "ring over it: stream"},
                                                   rows);
}

std::string faults_of(const std::vector<FaultResult>& faults) {
  if (faults.empty()) return "";
  std::vector<Cells> rows;
  rows.reserve(faults.size());
  for (const FaultResult& fault : faults) {
    rows.push_back({fault.fault + ", " + fault.backend, std::to_string(fault.jobs),
                    fmt::format("{} of {}", fault.came_through, fault.good), duration_text(fault.seconds),
                    ending_text(fault)});
  }
  return "## One image goes wrong\n\n" +
         table({"fault, backend", "workers", "good images that came through", "after", "how the run ended"}, rows);
}

std::string changes_of(const Changes* changes) {
  if (changes == nullptr) return "";
  std::vector<Cells> rows;
  for (const Change& change : changes->all) {
    rows.push_back({describe(change.point), duration_text(change.old_seconds), duration_text(change.new_seconds),
                    comparison_text(change.comparison)});
  }
  return "## Since the old report\n\n" + (changes->remarks.empty() ? "" : list(changes->remarks)) +
         table({"run", "before, a pass", "now, a pass", "now over before"}, rows);
}

}  // namespace

std::string escape_cell(const std::string& text) {
  constexpr std::string_view kMarkup = "\\`*_{}[]<>#|~";
  std::string out;
  for (const char c : text) {
    if (c == '\n' || c == '\r') {
      out += ' ';
      continue;
    }
    if (kMarkup.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

std::string markdown_of(const Report& report, const Changes* changes) {
  std::string out = report.runs.empty() ? "# What pixmill is made of, measured\n\n"
                                        : "# The backends of pixmill beside each other\n\n";
  for (const std::string& sentence : report.unequal) out += "**" + escape_cell(sentence) + ".**\n\n";
  if (unquiet(report.noise)) {
    out += "**This machine was not quiet: intervals are wide, and medians may be off by as much.**\n\n";
  }
  if (!report.advice.empty()) out += "**" + escape_cell(report.advice) + "**\n\n";
  out += list(circumstances(report));
  for (const Workload& work : report.workloads) {
    out += work.mode == Mode::files ? "## From files to files\n\n" : "## In memory: the kernels alone\n\n";
    out += figures_of(report, work.mode) + beside_of(report, work.mode) + breakdown_of(report, work.mode);
  }
  if (const std::vector<std::string> lines = scaling_lines(report); !lines.empty()) {
    out += "## How it scales\n\n" + list(lines);
  }
  out += peers_of(report.peers) + queues_of(report.queues) + faults_of(report.faults) + changes_of(changes);
  out.pop_back();  // one of two line ends
  return out;
}

}  // namespace pixmill::bench
