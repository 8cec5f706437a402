#include "bench/session.hpp"

#include "bench/page_cache.hpp"

#include <pixmill/machine.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <utility>

namespace pixmill::bench {
namespace {

/// Two rounds of warm-up that differ by less agree.
constexpr double kSettled = 0.1;
constexpr std::uint64_t kMostPasses = 1000;
constexpr std::uint64_t kMostDecodedBytes = std::uint64_t{1} << 30U;

}  // namespace

Session::Session(const BenchOptions& options) : options_(options), points_(points_of(options)) {
  report_.machine = machine_facts();
  report_.chain = options.batch.plan.text();
  report_.seed = options.seed;
  report_.repeats = options.repeats;
  for (const Point& point : points_) report_.runs.emplace_back().point = point;
  costs_.resize(points_.size());
  set_turns();
}

Report Session::run() {
  try {
    prepare();
    warm_up();
    if (Workload* work = find_workload(Mode::files)) work->cached_share = look_at_cache(inputs_).share();
    const auto orders = shuffled_rounds(turns_.size(), static_cast<std::size_t>(options_.repeats), options_.seed);
    for (std::size_t round = 0; round < orders.size(); ++round) {
      for (const std::size_t place : orders[round]) {
        take_turn(turns_[place], fmt::format("round {} of {}", round + 1, orders.size()));
      }
    }
    compare_queues_too();
    see_faults();
    finish();
  } catch (const Stopped&) {
    report_.interrupted = true;
  }
  return std::move(report_);
}

// A floor has as many workers as the most that find a CPU each.
void Session::set_turns() {
  for (std::size_t place = 0; place < points_.size(); ++place) {
    turns_.push_back({Turn::Of::backend, place, points_[place].mode});
  }
  for (const Mode mode : {Mode::files, Mode::memory}) {
    int jobs = 0;
    for (const Point& point : points_) {
      if (point.mode == mode && (point.jobs <= usable_cpus() || jobs == 0)) jobs = std::max(jobs, point.jobs);
    }
    if (jobs == 0) continue;
    turns_.push_back({Turn::Of::floor, report_.floors.size(), mode});
    Floor& floor = report_.floors.emplace_back();
    floor.mode = mode;
    floor.jobs = jobs;
  }
}

void Session::prepare() {
  find_peers();
  look_for_files();
  if (has(Mode::files)) report_.workloads.emplace_back();
  if (has(Mode::memory)) {
    say("decoding");
    const std::uint64_t available = available_memory();
    images_ = DecodedImages::decode(
        options_.batch, available == 0 ? kMostDecodedBytes : std::min(kMostDecodedBytes, available / 4), options_.stop);
    if (!images_) throw Stopped();
    report_.workloads.push_back(images_->workload());
    choose_passes();
  }
}

// Those that are installed. pixmill runs first, so that all others are held against what it made.
void Session::find_peers() {
  if (!options_.peers) return;
  say("looking for other programs");
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::string folder = scratch_.path() + "/inputs";
  std::filesystem::create_directory(folder);
  peers_.emplace(options_.batch, options_.program.empty() ? self.string() : options_.program,
                 report_.floors.front().jobs, folder, options_.stop);
  report_.peers = peers_->peers();
  peer_run(0, "looking for other programs");
  for (std::size_t place = 0; place < report_.peers.size(); ++place) {
    if (report_.peers[place].why_not.empty()) turns_.push_back({Turn::Of::peer, place, Mode::files});
  }
}

// Files that are not there, or were not listed, are found out by the runs.
void Session::look_for_files() {
  if (!has(Mode::files)) return;
  inputs_ = pipeline::list_inputs(options_.batch.inputs, "");
  if (!options_.cold) return;
  const Floor& floor = report_.floors.front();
  const auto is_one = [&](const Turn& turn) {
    return turn.mode == Mode::files && points_[turn.place].jobs == floor.jobs;
  };
  const auto found = std::find_if(turns_.begin(), turns_.end(), is_one);
  report_.cold.emplace().point = points_[found->place];
  turns_.push_back({Turn::Of::cold, found->place, Mode::files});
}

// By the first of the points, as if it had one worker.
void Session::choose_passes() {
  Workload& work = *find_workload(Mode::memory);
  const auto first =
      std::find_if(points_.begin(), points_.end(), [](const Point& point) { return point.mode == Mode::memory; });
  Point one = *first;
  one.jobs = 1;
  for (int i = 0; i < 2; ++i) {
    const auto run =
        run_in_child([&] { return run_in_memory(options_.batch, one, *images_, work.passes); }, false, options_.stop);
    if (!run) throw Stopped();
    const double each = run->figures.seconds / static_cast<double>(work.passes);
    work.passes = std::clamp(static_cast<std::uint64_t>(std::ceil(options_.least_seconds / std::max(each, 1e-9))),
                             std::uint64_t{1}, kMostPasses);
  }
}

void Session::warm_up() {
  const std::vector<std::size_t> order = shuffled_rounds(turns_.size(), 1, ~options_.seed).front();
  for (std::size_t round = 1; round <= kMostWarmUps; ++round) {
    for (const Mode mode : {Mode::files, Mode::memory}) {
      Workload* work = find_workload(mode);
      if (work == nullptr || (round > 2 && settled(work->warm_ups, kSettled))) continue;
      double total = 0;
      for (const std::size_t place : order) {
        if (turns_[place].mode != mode) continue;
        const double seconds = warm_up_turn(turns_[place], round);
        if (turns_[place].of == Turn::Of::backend) total += seconds;  // others settle, or not, by their own lights
      }
      work->warm_ups.push_back(total);
      work->settled = settled(work->warm_ups, kSettled);
    }
  }
}

// To look costs time, so only what does not count is looked at: memory in the first round, the stages in the second.
double Session::warm_up_turn(const Turn& turn, std::size_t round) {
  const std::string when = fmt::format("warm-up {}", round);
  if (turn.of == Turn::Of::floor) return floor_run(turn.place, when);
  if (turn.of == Turn::Of::peer) return peer_run(turn.place, when).value_or(ForeignRun()).seconds;
  if (turn.of == Turn::Of::cold) {
    if (round == 1) static_cast<void>(cold_run(turn.place, when));
    return 0;
  }
  const ChildRun run = one_run(turn.place, when, round == 1, round == 2);
  if (round == 1) first_look(turn.place, run);
  return run.figures.seconds;
}

void Session::take_turn(const Turn& turn, const std::string& when) {
  if (turn.of == Turn::Of::floor) {
    report_.floors[turn.place].seconds.push_back(floor_run(turn.place, when));
  } else if (turn.of == Turn::Of::peer) {
    if (const auto run = peer_run(turn.place, when)) {
      report_.peers[turn.place].seconds.push_back(run->seconds);
      report_.peers[turn.place].cpu_seconds.push_back(run->cpu_seconds);
    }
  } else if (turn.of == Turn::Of::cold) {
    if (const auto seconds = cold_run(turn.place, when)) report_.cold->seconds.push_back(*seconds);
  } else {
    keep(turn.place, one_run(turn.place, when, false, false).figures);
  }
}

void Session::finish() {
  report_.noise = noise_.noise();
  for (std::size_t place = 0; place < points_.size(); ++place) {
    const auto middle = [&](auto figure) {
      std::vector<double> values;
      for (const RunFigures& figures : costs_[place]) values.push_back(static_cast<double>(figures.*figure));
      return median(std::move(values));
    };
    Measured& run = report_.runs[place];
    run.cpu_seconds = middle(&RunFigures::cpu_seconds);
    run.voluntary_switches = middle(&RunFigures::voluntary_switches);
    run.involuntary_switches = middle(&RunFigures::involuntary_switches);
    run.minor_faults = middle(&RunFigures::minor_faults);
  }
  conclude(report_);
}

bool Session::has(Mode mode) const {
  return std::any_of(points_.begin(), points_.end(), [mode](const Point& point) { return point.mode == mode; });
}

std::uint64_t Session::passes(Mode mode) { return mode == Mode::memory ? find_workload(Mode::memory)->passes : 1; }

Workload* Session::find_workload(Mode mode) {
  const auto found = std::find_if(report_.workloads.begin(), report_.workloads.end(),
                                  [mode](const Workload& work) { return work.mode == mode; });
  return found == report_.workloads.end() ? nullptr : &*found;
}

void Session::say(const std::string& what) {
  if (options_.stop.stop_requested()) throw Stopped();
  const std::size_t all = (options_.queues ? 8 * static_cast<std::size_t>(options_.repeats) : 0) +
                          turns_.size() * (2 + static_cast<std::size_t>(options_.repeats));
  if (options_.on_run) options_.on_run(what, said_, std::max(all, said_ + 1));
  ++said_;
}

}  // namespace pixmill::bench
