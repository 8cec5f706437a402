#include "bench/report_html.hpp"

#include "bench/breakdown.hpp"
#include "bench/queues.hpp"
#include "bench/report_text.hpp"
#include "bench/svg_chart.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <numeric>
#include <string_view>

namespace pixmill::bench {
namespace {

constexpr std::string_view kStyle = R"css(
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1b1f24; --soft: #57606a; --rule: #d0d7de; --panel: #f6f8fa;
  --warn: #8a3b00; --s0: #1f5fbf; --s1: #b54708; --s2: #1a7f37; --s3: #8250df; --s4: #a40e5b; --s5: #3d6b73; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #0f1318; --ink: #e6eaef; --soft: #a3adb8; --rule: #38414b; --panel: #181e25; --warn: #ffb77a;
    --s0: #6ea8fe; --s1: #ffa657; --s2: #56d364; --s3: #c297ff; --s4: #ff8fc7; --s5: #8cc5ce; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 3rem; max-width: 72rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, "Liberation Sans", Arial, sans-serif; }
li { overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .75rem; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .75rem; border-top: 1px solid var(--rule); padding-top: 1rem; }
h3 { font-size: 1rem; margin: 0 0 .5rem; }
.lead { font-size: 1.15rem; background: var(--panel); border-left: 4px solid var(--s0); padding: .75rem 1rem; margin: 0 0 1.25rem; }
.bad { border-left-color: var(--warn); color: var(--warn); }
.charts { display: grid; gap: 1.5rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); }
figure { margin: 0; min-width: 0; max-width: 36rem; break-inside: avoid; }
figcaption, li, .note { color: var(--soft); font-size: .9rem; }
ul { padding-left: 1.2rem; margin: 0; }
svg { display: block; width: 100%; height: auto; font: 12px system-ui, "Liberation Sans", Arial, sans-serif; }
svg text { fill: var(--ink); }
svg .name { fill: var(--soft); }
svg .value { font-variant-numeric: tabular-nums; }
svg .axis { stroke: var(--soft); stroke-width: 1; }
svg .grid { stroke: var(--rule); stroke-width: 1; }
svg .whisker { stroke: var(--ink); stroke-width: 1.5; }
svg .curve { fill: none; stroke-width: 2; }
svg .dashed { stroke-dasharray: 5 4; stroke-width: 1.5; }
svg .faint { stroke: var(--soft); }
svg .hollow { fill: var(--paper); }
svg .bar { stroke: none; }
svg .bar.light { fill-opacity: .5; }
svg .bar.waiting { fill: var(--rule); }
svg .bar.idle { fill: none; stroke: var(--rule); stroke-width: 1; }
svg .dot { fill-opacity: .55; stroke-width: 1; }
svg .dot.hollow { fill-opacity: 1; stroke-width: 1.5; }
.s0 { fill: var(--s0); stroke: var(--s0); } .s1 { fill: var(--s1); stroke: var(--s1); } .s2 { fill: var(--s2); stroke: var(--s2); }
.s3 { fill: var(--s3); stroke: var(--s3); } .s4 { fill: var(--s4); stroke: var(--s4); } .s5 { fill: var(--s5); stroke: var(--s5); }
svg .curve.s0, svg .curve.s1, svg .curve.s2, svg .curve.s3, svg .curve.s4, svg .curve.s5 { fill: none; }
.wide { overflow-x: auto; margin-top: 1rem; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .3rem .6rem; border-bottom: 1px solid var(--rule); white-space: nowrap; }
th { color: var(--soft); font-weight: 600; }
th:first-child, td:first-child { text-align: left; }
@media print { body { max-width: none; padding: 0; font-size: 9.5pt; } .wide { overflow: visible; } tr, figure { break-inside: avoid; }
  th, td { padding: .15rem .35rem; white-space: normal; } h2 { break-after: avoid; } }
)css";

using Cells = std::vector<std::string>;

constexpr int kFloorSeries = 5;

std::string table(const Cells& head, const std::vector<Cells>& rows) {
  std::string out = "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"table\"><table>\n<tr>";
  for (const std::string& cell : head) out += "<th scope=\"col\">" + escape_markup(cell) + "</th>";
  out += "</tr>\n";
  for (const Cells& row : rows) {
    out += "<tr>";
    for (const std::string& cell : row) out += "<td>" + escape_markup(cell) + "</td>";
    out += "</tr>\n";
  }
  return out + "</table></div>\n";
}

std::string figure(const std::string& title, const std::string& chart, const std::string& caption) {
  return "<figure>\n<h3>" + escape_markup(title) + "</h3>\n" + chart + "<figcaption>" + escape_markup(caption) +
         "</figcaption>\n</figure>\n";
}

std::string optional_text(const std::optional<double>& value) { return value ? fmt::format("{:.2f}", *value) : "–"; }

std::string interval_text(const Interval& interval) {
  return fmt::format("{} – {}", duration_text(interval.low), duration_text(interval.high));
}

/// What is shown of one mode.
class ModeSection {
 public:
  ModeSection(const Report& report, const Workload& work) : report_(report), work_(work) {
    for (const Measured& run : report.runs) {
      if (run.point.mode != work.mode) continue;
      runs_.push_back(&run);
      if (std::find(names_.begin(), names_.end(), run.point.backend) == names_.end())
        names_.push_back(run.point.backend);
    }
  }

  [[nodiscard]] std::string html() const {
    const bool files = work_.mode == Mode::files;
    std::string out = files ? "<h2>From files to files</h2>\n" : "<h2>In memory: the kernels alone</h2>\n";
    out += "<div class=\"charts\">\n" + throughput() + scaling() + every_run() + breakdown() + memory() + "</div>\n";
    return out + figures_table() + beside_table() + breakdown_table();
  }

 private:
  [[nodiscard]] int series_of(const std::string& backend) const {
    return static_cast<int>((std::find(names_.begin(), names_.end(), backend) - names_.begin()) % 6);
  }
  static std::string label(const Measured& run) { return fmt::format("{} -j {}", run.point.backend, run.point.jobs); }

  [[nodiscard]] std::string throughput() const {
    std::vector<Bar> bars;
    for (const Measured* run : runs_) {
      const double work = run->images_per_s * run->median;
      bars.push_back({label(*run), number_text(run->images_per_s), run->images_per_s,
                      Interval{work / run->ci95.high, work / run->ci95.low}, series_of(run->point.backend)});
    }
    const double images = static_cast<double>(work_.images * work_.passes);
    for (const Floor& floor : report_.floors) {
      if (floor.mode != work_.mode || floor.median <= 0) continue;
      bars.push_back({fmt::format("{}, {}", floor_name(floor.mode), floor.jobs), number_text(images / floor.median),
                      images / floor.median, Interval{images / floor.ci95.high, images / floor.ci95.low},
                      kFloorSeries});
    }
    return figure(
        "Images a second", bar_chart("Images a second", bars),
        "Longer is better. Bars are medians, the lines across their ends 95 % intervals. The last is what nobody can "
        "leave out, on as many threads as it says.");
  }

  [[nodiscard]] std::string every_run() const {
    std::vector<Strip> strips;
    for (const Measured* run : runs_) {
      strips.push_back({label(*run), run->seconds, run->outliers, run->median, duration_text(run->median),
                        series_of(run->point.backend)});
    }
    return figure("Every run", strip_chart("Seconds of every run", strips),
                  "Time from 0 on; a dot a run, hollow: an outlier, kept; the stroke and the number are the median.");
  }

  // Of each backend the workers of one run, as far as a page has room for them.
  [[nodiscard]] std::string breakdown() const {
    constexpr std::size_t kMostWorkers = 8;
    std::vector<Stack> stacks;
    std::vector<std::string> names;
    for (const Measured* run : widest_runs(report_, work_.mode)) {
      if (!run->breakdown || run->breakdown->rows.empty()) continue;
      names = stage_names(*run->breakdown);
      std::size_t shown = 0;
      for (const RowTimes& row : run->breakdown->rows) {
        if (!row.name.starts_with("worker") || ++shown > kMostWorkers) continue;
        Stack stack{run->point.backend + ", " + row.name, "", parts_of(row)};
        const double whole = std::accumulate(stack.parts.begin(), stack.parts.end(), 0.0);
        const double busy = whole - row.waiting - row.idle;
        if (whole > 0) stack.value_text = fmt::format("{:.0f} %", 100 * busy / whole);
        stacks.push_back(std::move(stack));
      }
    }
    if (stacks.empty()) return "";
    return figure(
        "Where the time of the workers goes", stack_chart("Where the time of the workers goes", names, stacks),
        "One run of the warm-up with the most workers that find a CPU each, from its begin to its end. The number is "
        "the share that is work. Kernels done on the way count where they are done: a JPEG's gray in decode, "
        "levels in encode.");
  }

  [[nodiscard]] static std::vector<std::string> stage_names(const Breakdown& breakdown) {
    std::vector<std::string> names;
    for (const std::size_t i : order_of_stages(breakdown.stages.size())) names.push_back(breakdown.stages[i]);
    names.insert(names.end(), {"waiting", "idle"});
    return names;
  }

  [[nodiscard]] static std::vector<double> parts_of(const RowTimes& row) {
    std::vector<double> parts;
    for (const std::size_t i : order_of_stages(row.seconds.size())) parts.push_back(row.seconds[i]);
    parts.insert(parts.end(), {row.waiting, row.idle});
    return parts;
  }

  [[nodiscard]] std::string breakdown_table() const {
    std::vector<Cells> rows;
    Cells head = {"milliseconds"};
    for (const Measured* run : widest_runs(report_, work_.mode)) {
      if (!run->breakdown) continue;
      const std::vector<std::string> names = stage_names(*run->breakdown);
      head.resize(1);
      head.insert(head.end(), names.begin(), names.end());
      for (const RowTimes& row : run->breakdown->rows) {
        Cells cells = {run->point.backend + ", " + row.name};
        for (const double seconds : parts_of(row)) cells.push_back(seconds > 0 ? number_text(seconds * 1000) : "–");
        rows.push_back(std::move(cells));
      }
    }
    return rows.empty() ? "" : table(head, rows);
  }

  [[nodiscard]] std::string memory() const {
    std::vector<Bar> bars;
    bool shared = true;
    for (const Measured* run : runs_) shared = shared && run->peak_pss_kb.has_value();
    for (const Measured* run : runs_) {
      const double mib = static_cast<double>(shared ? *run->peak_pss_kb : run->peak_rss_kb) / 1024;
      bars.push_back({label(*run), number_text(mib) + " MiB", mib, {}, series_of(run->point.backend)});
    }
    return figure("Peak memory", bar_chart("Peak memory", bars),
                  shared ? "Of all processes of a run together, shared pages counted once (PSS)."
                         : "Of all processes of a run together; pages that several share count for each (RSS).");
  }

  [[nodiscard]] std::vector<Curve> curves() const {
    std::vector<Curve> all;
    double most = 1;
    for (const std::string& name : names_) {
      Curve curve{name, {}, true, series_of(name)};
      for (const Measured* run : runs_) {
        if (run->point.backend != name || !run->speedup) continue;
        const double one = *run->speedup * run->median;
        curve.points.push_back({static_cast<double>(run->point.jobs), *run->speedup,
                                Interval{one / run->ci95.high, one / run->ci95.low}, run->oversubscribed});
        most = std::max(most, static_cast<double>(run->point.jobs));
      }
      if (curve.points.size() > 1) all.push_back(std::move(curve));
    }
    if (all.empty()) return all;
    add_fits(all, most);
    all.push_back({"ideal", {{1, 1, {}, false}, {most, most, {}, false}}, false, -1});
    return all;
  }

  void add_fits(std::vector<Curve>& all, double most) const {
    constexpr int kSteps = 60;
    for (const Scaling& scaling : report_.scaling) {
      if (scaling.mode != work_.mode || (!scaling.amdahl && !scaling.usl)) continue;
      Curve curve{
          scaling.backend + (scaling.usl ? ", universal law" : ", Amdahl"), {}, false, series_of(scaling.backend)};
      for (int i = 0; i <= kSteps; ++i) {
        const double jobs = 1 + (most - 1) * i / kSteps;
        const double speedup = scaling.usl ? scaling.usl->seconds / scaling.usl->seconds_at(jobs)
                                           : scaling.amdahl->seconds / scaling.amdahl->seconds_at(jobs);
        curve.points.push_back({jobs, speedup, {}, false});
      }
      all.push_back(std::move(curve));
    }
  }

  [[nodiscard]] std::string scaling() const {
    const std::vector<Curve> all = curves();
    if (all.empty()) return "";
    return figure("Speed-up", curve_chart("Speed-up by the number of workers", "workers", "times one worker", all),
                  "Over one worker of the same backend. Hollow: more workers than CPUs. Dashed: ideal, and fits where "
                  "there are points enough.");
  }

  [[nodiscard]] std::string figures_table() const {
    std::vector<Cells> rows;
    for (const Measured* run : runs_) {
      rows.push_back({label(*run) + (run->oversubscribed ? " (more than CPUs)" : ""), duration_text(run->median),
                      interval_text(run->ci95), std::to_string(run->outliers.size()), number_text(run->images_per_s),
                      number_text(run->mpix_per_s), optional_text(run->speedup), optional_text(run->efficiency),
                      optional_text(run->karp_flatt), number_text(run->cpu_seconds),
                      fmt::format("{:.0f}", run->minor_faults), fmt::format("{:.0f}", run->voluntary_switches),
                      fmt::format("{:.0f}", run->involuntary_switches),
                      number_text(static_cast<double>(run->peak_rss_kb) / 1024),
                      run->peak_pss_kb ? number_text(static_cast<double>(*run->peak_pss_kb) / 1024) : "–"});
    }
    return table({"run", "median", "95 % interval", "outliers", "images/s", "Mpix/s", "speed-up", "efficiency",
                  "Karp–Flatt", "CPU s", "minor faults", "switches", "involuntary", "RSS MiB", "PSS MiB"},
                 rows);
  }

  [[nodiscard]] std::string beside_table() const {
    std::vector<Cells> rows;
    for (const Floor& floor : report_.floors) {
      if (floor.mode != work_.mode || !floor.base_over) continue;
      const Comparison& over = *floor.base_over;
      rows.push_back({fmt::format("{} -j {} over {}", floor.base, floor.jobs, floor_name(floor.mode)),
                      fmt::format("{:.3f} [{:.3f}, {:.3f}]", over.ratio, over.interval.low, over.interval.high)});
    }
    for (const Beside& beside : report_.beside) {
      if (beside.point.mode != work_.mode) continue;
      rows.push_back({fmt::format("{} -j {} over {}", beside.point.backend, beside.point.jobs, beside.over),
                      comparison_text(beside.comparison)});
    }
    if (report_.cold && work_.mode == Mode::files) {
      const Cold& cold = *report_.cold;
      rows.push_back({fmt::format("{} -j {}, cold files over warm", cold.point.backend, cold.point.jobs),
                      cold.over ? comparison_text(*cold.over) : "not measured: " + cold.why_not});
    }
    return rows.empty() ? "" : table({"beside each other, round by round", "ratio of the times"}, rows);
  }

  const Report& report_;
  const Workload& work_;
  std::vector<const Measured*> runs_;
  std::vector<std::string> names_;
};

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
      bars.push_back({peer.name.substr(0, peer.name.find(',')), duration_text(peer.median), peer.median, peer.ci95,
                      &peer == &peers.front() ? 0 : 1});
    }
    rows.push_back({peer.name, timed ? duration_text(peer.median) : "–", timed ? interval_text(peer.ci95) : "–",
                    peer_ratio(peer), peer_outputs(peer), peer.version, peer_remark(peer)});
  }
  return fmt::format(
      "<h2>Beside other programs</h2>\n<div class=\"charts\">\n{}</div>\n{}",
      figure("Seconds of whole programs", bar_chart("Seconds of whole programs", bars),
             fmt::format("Shorter is better. From start to end, {} workers each, in the same rounds; of those "
                         "that made all the outputs.",
                         peers.front().jobs)),
      table({"program", "median", "95 % interval", "times pixmill's", "outputs", "version", "remark"}, rows));
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
  for (const FaultResult& fault : faults) {
    const std::string lost = std::to_string(fault.good - fault.came_through);
    bars.push_back({fault.fault + ", " + fault.backend,
                    fmt::format("{} of {}", fault.came_through, fault.good),
                    static_cast<double>(fault.came_through),
                    {},
                    fault.came_through == fault.good && fault.ended ? 2 : 1});
    rows.push_back({fault.fault, fault.backend, std::to_string(fault.jobs), std::to_string(fault.came_through), lost,
                    duration_text(fault.seconds), ending_text(fault)});
  }
  return "<h2>One image goes wrong</h2>\n<div class=\"charts\">\n" +
         figure("Good images that came through", bar_chart("Good images that came through", bars),
                "Beside one that crashes, one that hangs, or one whose header asks for far too much. Green: all of "
                "them, and the run ended well.") +
         "</div>\n" + table({"fault", "backend", "jobs", "came through", "lost", "after", "how the run ended"}, rows);
}

std::string changes_section(const Changes* changes) {
  if (changes == nullptr) return "";
  std::vector<Cells> rows;
  for (const Change& change : changes->all) {
    rows.push_back({describe(change.point), duration_text(change.old_seconds), duration_text(change.new_seconds),
                    comparison_text(change.comparison)});
  }
  std::string out = "<h2>Since the old report</h2>\n";
  for (const std::string& remark : changes->remarks) out += "<p class=\"note\">" + escape_markup(remark) + "</p>\n";
  return out + table({"run", "before, a pass", "now, a pass", "now over before"}, rows);
}

}  // namespace

std::string html_of(const Report& report, const Changes* changes) {
  std::string out =
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>pixmill bench</title>\n<style>";
  out += kStyle;
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
  for (const Workload& work : report.workloads) out += ModeSection(report, work).html();
  return out + scaling_section(report) + peers_section(report.peers) + queues_section(report.queues) +
         faults_section(report.faults) + changes_section(changes) + "</body>\n</html>\n";
}

}  // namespace pixmill::bench
