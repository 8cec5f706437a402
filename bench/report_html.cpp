#include "bench/report_html.hpp"

#include "bench/mode_section.hpp"
#include "bench/page_parts.hpp"
#include "bench/page_style.hpp"
#include "bench/queues.hpp"
#include "bench/report_words.hpp"
#include "bench/svg_chart.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace pixmill::bench {
namespace {

template <typename Fit>
void add_predictions(std::vector<Cells>& rows, const std::string& who, const char* law, const std::optional<Fit>& fit) {
  if (!fit) return;
  for (const Prediction& one : fit->predictions) {
    rows.push_back({who, law, std::to_string(one.jobs), fmt::format("{:.1f}", one.speedup),
                    fmt::format("{:.1f} – {:.1f}", one.interval.low, one.interval.high)});
  }
}

std::string scaling_section(const Report& report) {
  const std::vector<std::string> lines = scaling_lines(report);
  if (lines.empty()) return "";
  std::string out = "<h2>How it scales</h2>\n<ul>\n";
  for (const std::string& line : lines) out += "<li>" + escape_markup(line) + "</li>\n";
  out += "</ul>\n";
  std::vector<Cells> rows;
  for (const Scaling& scaling : report.scaling) {
    const std::string who = fmt::format("{}, {}", to_string(scaling.mode), scaling.backend);
    add_predictions(rows, who, "Amdahl", scaling.amdahl);
    add_predictions(rows, who, "universal law", scaling.usl);
  }
  if (rows.empty()) return out;
  return out + "<p class=\"note\">Predictions, not measurements: what the fit says of more cores of this kind.</p>\n" +
         table({"backend", "law", "cores", "speed-up", "95 % interval"}, rows);
}

/// Round trips by their length: from 64 ns on, each column half an octave.
std::string latency_chart(const std::vector<QueueResult>& queues) {
  std::size_t last = 1;
  for (const QueueResult& queue : queues) {
    for (std::size_t i = 0; i < queue.histogram.size(); ++i) {
      if (queue.histogram.at(i) > 0) last = std::max(last, i + 1);
    }
  }
  std::vector<Distribution> rows;
  for (const QueueResult& queue : queues) {
    Distribution row{queue.name, latency_text(queue.p50_ns), {}, queue.spins ? 0 : 1};
    for (std::size_t i = 0; i < last; ++i) row.shares.push_back(static_cast<double>(queue.histogram.at(i)));
    rows.push_back(std::move(row));
  }
  std::vector<std::pair<double, std::string>> ticks;
  for (double ns = 100; ns < 1e9 && latency_place(ns) < static_cast<double>(last); ns *= 100) {
    ticks.emplace_back(latency_place(ns), ns < 1e3   ? fmt::format("{:g} ns", ns)
                                          : ns < 1e6 ? fmt::format("{:g} µs", ns / 1e3)
                                                     : fmt::format("{:g} ms", ns / 1e6));
  }
  return distribution_chart("Round trips by their length", rows, ticks);
}

std::string peers_section(const std::vector<Peer>& peers) {
  if (peers.empty()) return "";
  std::vector<Bar> bars;
  std::vector<Cells> rows;
  for (const Peer& peer : peers) {
    const bool timed = !peer.seconds.empty();
    if (timed) {
      const std::string times = peer.over ? fmt::format(", {} ×", ratio_text(*peer.over)) : "";
      bars.push_back({peer.name.substr(0, peer.name.find(',')), duration_text(peer.median) + times, peer.median,
                      peer.ci95, &peer == &peers.front() ? 0 : 1});
    }
    rows.push_back({peer.name, timed ? duration_text(peer.median) : "–", timed ? interval_text(peer.ci95) : "–",
                    peer_ratio(peer), timed ? fmt::format("{:.2f}", peer.busy_cpus) : "–", peer_outputs(peer),
                    peer.inputs == 0 ? "–" : peer_mebibytes(peer), peer.version, peer_remark(peer)});
  }
  return fmt::format(
      "<h2>Beside other programs</h2>\n<div class=\"charts\">\n{}</div>\n{}",
      figure(
          "Time of whole programs", bar_chart("Time of whole programs", bars),
          fmt::format("Shorter is better; how many times pixmill's is the ratio within a round. From start to end, {} "
                      "worker{} each, in the same rounds; of those that made all the outputs.",
                      peers.front().jobs, peers.front().jobs == 1 ? "" : "s")),
      table({"program", "median", "95 % interval", "times pixmill's", "CPUs busy", "outputs", "MiB made", "version",
             "remark"},
            rows, {0, 7, 8}));
}

std::string queues_section(const std::vector<QueueResult>& queues) {
  if (queues.empty()) return "";
  std::vector<Bar> bars;
  std::vector<Cells> rows;
  const auto ratio = [](const std::optional<Comparison>& over) {
    return over ? fmt::format("{} [{}, {}]", number_text(over->ratio), number_text(over->interval.low),
                              number_text(over->interval.high))
                : std::string("–");
  };
  for (const QueueResult& queue : queues) {
    const double millions = queue.stream_per_s / 1e6;
    bars.push_back({queue.name, number_text(millions) + " M/s", millions,
                    Interval{queue.stream_interval.low / 1e6, queue.stream_interval.high / 1e6}, queue.spins ? 0 : 1});
    rows.push_back({queue.name, queue.spins ? "spinning" : "blocking", latency_text(queue.p50_ns),
                    latency_text(queue.p99_ns), number_text(millions),
                    queue.batched_per_s ? number_text(*queue.batched_per_s / 1e6) : "–", ratio(queue.ring_over_p50),
                    ratio(queue.ring_over_stream)});
  }
  return "<h2>Queues between processes</h2>\n<div class=\"charts\">\n" +
         figure("Round trips", latency_chart(queues),
                "Of one message of 64 bytes. Time in powers of ten; each row has its own height; the number is the "
                "median. Blue spins, orange sleeps.") +
         figure("Messages a second, one way", bar_chart("Messages a second", bars),
                "Longer is better; medians and 95 % intervals.") +
         "</div>\n" +
         table({"queue", "waiting", "trip p50", "trip p99", "stream M/s", "by 32 M/s", "ring over it: trip",
                "ring over it: stream"},
               rows);
}

std::string faults_section(const std::vector<FaultResult>& faults) {
  if (faults.empty()) return "";
  std::vector<Bar> bars;
  std::vector<Cells> rows;
  // What the backends made of the same stands together; a fault is in the order in which it first came.
  const auto place_of = [&faults](const FaultResult& fault) {
    return std::find_if(faults.begin(), faults.end(),
                        [&](const FaultResult& other) { return other.fault == fault.fault; }) -
           faults.begin();
  };
  std::vector<FaultResult> by_fault = faults;
  std::stable_sort(by_fault.begin(), by_fault.end(),
                   [&](const FaultResult& a, const FaultResult& b) { return place_of(a) < place_of(b); });
  for (const FaultResult& fault : by_fault) {
    const std::string lost = std::to_string(fault.good - fault.came_through);
    const char* const how = fault.ended ? "" : fault.how.starts_with("hung") ? ", hung" : ", died";
    bars.push_back({fault.fault + ", " + fault.backend,
                    fmt::format("{} of {}{}", fault.came_through, fault.good, how),
                    static_cast<double>(fault.came_through),
                    {},
                    fault.came_through == fault.good && fault.ended ? 2 : 1});
    rows.push_back({fault.fault, fault.backend, std::to_string(fault.jobs), std::to_string(fault.came_through), lost,
                    duration_text(fault.seconds), ending_text(fault)});
  }
  return "<h2>One image goes wrong</h2>\n<div class=\"charts\">\n" +
         figure("Good images that came through", bar_chart("Good images that came through", bars),
                "Beside one that crashes, one that hangs, or one whose header asks for far too much (a bomb); and what "
                "became of the run where it did not end well.") +
         "</div>\n" +
         table({"fault", "backend", "jobs", "came through", "lost", "after", "how the run ended"}, rows, {1, 6});
}

std::string changes_section(const Changes* changes) {
  if (changes == nullptr) return "";
  std::vector<Cells> rows;
  for (const Change& change : changes->all) {
    rows.push_back({describe(change.point), duration_text(change.old_seconds), duration_text(change.new_seconds),
                    ratio_text(change.comparison), ratio_interval_text(change.comparison),
                    relation_text(change.comparison)});
  }
  std::string out = "<h2>Since the old report</h2>\n";
  for (const std::string& remark : changes->remarks) out += "<p class=\"note\">" + escape_markup(remark) + "</p>\n";
  return out +
         table({"run", "before, a pass", "now, a pass", "now over before", "95 % interval", "that is"}, rows, {5});
}

}  // namespace

std::string html_of(const Report& report, const Changes* changes) {
  std::string out =
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>pixmill bench</title>\n<style>";
  out += kPageStyle;
  out += "</style>\n</head>\n<body>\n<h1>";
  out += report.runs.empty() ? "What pixmill is made of, measured</h1>\n"
                             : "The backends of pixmill beside each other</h1>\n";
  for (const std::string& sentence : report.unequal) {
    out += "<p class=\"lead bad\">" + escape_markup(sentence) + ".</p>\n";
  }
  if (unquiet(report.noise)) {
    out +=
        "<p class=\"lead bad\">This machine was not quiet: intervals are wide, and medians may be off by as "
        "much.</p>\n";
  }
  if (!report.advice.empty()) out += "<p class=\"lead\">" + escape_markup(report.advice) + "</p>\n";
  out += "<ul>\n";
  for (const std::string& line : circumstances(report)) out += "<li>" + escape_markup(line) + "</li>\n";
  out += "</ul>\n";
  for (const Workload& work : report.workloads) out += mode_section(report, work);
  return out + scaling_section(report) + peers_section(report.peers) + queues_section(report.queues) +
         faults_section(report.faults) + changes_section(changes) + "</body>\n</html>\n";
}

}  // namespace pixmill::bench
