#include "bench/mode_section.hpp"

#include "bench/breakdown.hpp"
#include "bench/page_parts.hpp"
#include "bench/report_words.hpp"
#include "bench/svg_chart.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

namespace pixmill::bench {
namespace {

constexpr int kFloorSeries = 5;

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
    out += "<div class=\"charts\">\n" + throughput() + beside() + scaling() + every_run() + breakdown() + memory() +
           "</div>\n";
    return out + times_table() + beside_table() + breakdown_table() + costs_table();
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
    const double images = static_cast<double>(images_done(work_) * work_.passes);
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

  // Round by round, so that what slows the machine for a while is in neither side.
  [[nodiscard]] std::string beside() const {
    std::vector<Ratio> ratios;
    std::string base;
    for (const Beside& one : report_.beside) {
      if (one.point.mode != work_.mode) continue;
      base = one.over;
      ratios.push_back({fmt::format("{} -j {}", one.point.backend, one.point.jobs), ratio_text(one.comparison),
                        one.comparison.ratio, one.comparison.interval, series_of(one.point.backend)});
    }
    if (ratios.empty()) return "";
    return figure("Time over that of " + base, ratio_chart("Time over that of " + base, "times as long", ratios),
                  fmt::format("Left of the line is faster than {} with as many workers. The ratio within a round, its "
                              "median and 95 % interval; one that holds 1 shows no difference.",
                              base));
  }

  // Of each backend the workers of one run, as far as a page has room for them.
  [[nodiscard]] std::string breakdown() const {
    constexpr std::size_t kMostWorkers = 8;
    std::vector<Stack> stacks;
    for (const Measured* run : broken_down()) {
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
        "Where the time of the workers goes", stack_chart("Where the time of the workers goes", part_names(), stacks),
        "One run of the warm-up with the most workers that find a CPU each, from its begin to its end. The number is "
        "the share that is work. Kernels done on the way count where they are done: a JPEG's gray in decode, "
        "levels in encode.");
  }

  [[nodiscard]] std::vector<const Measured*> broken_down() const {
    std::vector<const Measured*> runs = widest_runs(report_, work_.mode);
    std::erase_if(runs, [](const Measured* run) { return !run->breakdown || run->breakdown->rows.empty(); });
    return runs;
  }

  // The stages that took time on any row, in the order of an image's way. All runs of a mode have the same stages.
  [[nodiscard]] std::vector<std::size_t> used_stages() const {
    const auto runs = broken_down();
    std::vector<std::size_t> used;
    if (runs.empty()) return used;
    for (const std::size_t stage : order_of_stages(runs.front()->breakdown->stages.size())) {
      const auto took_time = [stage](const RowTimes& row) { return row.seconds.at(stage) > 0; };
      const bool any = std::any_of(runs.begin(), runs.end(), [&](const Measured* run) {
        return std::any_of(run->breakdown->rows.begin(), run->breakdown->rows.end(), took_time);
      });
      if (any) used.push_back(stage);
    }
    return used;
  }

  [[nodiscard]] std::vector<std::string> part_names() const {
    std::vector<std::string> names;
    for (const std::size_t stage : used_stages()) names.push_back(broken_down().front()->breakdown->stages[stage]);
    names.insert(names.end(), {"waiting", "idle"});
    return names;
  }

  [[nodiscard]] std::vector<double> parts_of(const RowTimes& row) const {
    std::vector<double> parts;
    for (const std::size_t stage : used_stages()) parts.push_back(row.seconds.at(stage));
    parts.insert(parts.end(), {row.waiting, row.idle});
    return parts;
  }

  [[nodiscard]] std::string breakdown_table() const {
    if (broken_down().empty()) return "";
    std::vector<Cells> rows;
    Cells head = part_names();
    head.insert(head.begin(), "milliseconds");
    for (const Measured* run : broken_down()) {
      for (const RowTimes& row : run->breakdown->rows) {
        Cells cells = {run->point.backend + ", " + row.name};
        for (const double seconds : parts_of(row)) {
          cells.push_back(seconds > 0 ? milliseconds_text(seconds * 1000) : "–");
        }
        rows.push_back(std::move(cells));
      }
    }
    return table(head, rows);
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

  [[nodiscard]] std::string times_table() const {
    std::vector<Cells> rows;
    for (const Measured* run : runs_) {
      rows.push_back({label(*run) + (run->oversubscribed ? " (more than CPUs)" : ""), duration_text(run->median),
                      interval_text(run->ci95), std::to_string(run->outliers.size()), number_text(run->images_per_s),
                      number_text(run->mpix_per_s), optional_text(run->speedup), optional_text(run->efficiency),
                      optional_text(run->karp_flatt)});
    }
    return table(
        {"run", "median", "95 % interval", "outliers", "images/s", "Mpix/s", "speed-up", "efficiency", "Karp–Flatt"},
        rows);
  }

  [[nodiscard]] std::string costs_table() const {
    std::vector<Cells> rows;
    for (const Measured* run : runs_) {
      rows.push_back({label(*run), number_text(run->cpu_seconds), fmt::format("{:.0f}", run->minor_faults),
                      fmt::format("{:.0f}", run->voluntary_switches), fmt::format("{:.0f}", run->involuntary_switches),
                      number_text(static_cast<double>(run->peak_rss_kb) / 1024),
                      run->peak_pss_kb ? number_text(static_cast<double>(*run->peak_pss_kb) / 1024) : "–"});
    }
    return table({"what it took", "CPU s", "minor faults", "switches", "forced ones", "RSS MiB", "PSS MiB"}, rows);
  }

  [[nodiscard]] std::string beside_table() const {
    std::vector<Cells> rows;
    const auto add = [&rows](std::string what, const Comparison& over, std::string words) {
      rows.push_back({std::move(what), ratio_text(over), ratio_interval_text(over), std::move(words)});
    };
    for (const Floor& floor : report_.floors) {
      if (floor.mode != work_.mode || !floor.base_over) continue;
      add(fmt::format("{} -j {} over {}", floor.base, floor.jobs, floor_name(floor.mode)), *floor.base_over,
          "times the floor");
    }
    for (const Beside& one : report_.beside) {
      if (one.point.mode != work_.mode) continue;
      add(fmt::format("{} -j {} over {}", one.point.backend, one.point.jobs, one.over), one.comparison,
          relation_text(one.comparison));
    }
    if (report_.cold && work_.mode == Mode::files) {
      const Cold& cold = *report_.cold;
      const std::string what = fmt::format("{} -j {}, cold files over warm", cold.point.backend, cold.point.jobs);
      if (cold.over) {
        add(what, *cold.over, relation_text(*cold.over));
      } else {
        rows.push_back({what, "–", "–", "not measured: " + cold.why_not});
      }
    }
    return rows.empty() ? "" : table({"round by round", "ratio of the times", "95 % interval", "that is"}, rows, {3});
  }

  const Report& report_;
  const Workload& work_;
  std::vector<const Measured*> runs_;
  std::vector<std::string> names_;
};

}  // namespace

std::string mode_section(const Report& report, const Workload& work) { return ModeSection(report, work).html(); }

}  // namespace pixmill::bench
