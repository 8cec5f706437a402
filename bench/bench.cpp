#include "bench/bench.hpp"

#include "bench/breakdown.hpp"
#include "bench/child_run.hpp"
#include "bench/faults.hpp"
#include "bench/file_mode.hpp"
#include "bench/floors.hpp"
#include "bench/machine_facts.hpp"
#include "bench/memory_mode.hpp"
#include "bench/page_cache.hpp"
#include "bench/peers.hpp"
#include "bench/queues.hpp"

#include <pixmill/error.hpp>
#include <pixmill/machine.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>
#include <utility>

namespace pixmill::bench {
namespace {

/// Two rounds of warm-up that differ by less agree.
constexpr double kSettled = 0.1;
constexpr std::uint64_t kMostPasses = 1000;
constexpr std::uint64_t kMostDecodedBytes = std::uint64_t{1} << 30U;

/// A run was stopped from outside.
struct Stopped {};

/// One comparison, from the first process to the last.
class Session {
 public:
  explicit Session(const BenchOptions& options) : options_(options), points_(points_of(options)) {
    report_.machine = machine_facts();
    report_.chain = options.batch.plan.text();
    report_.seed = options.seed;
    report_.repeats = options.repeats;
    for (const Point& point : points_) report_.runs.emplace_back().point = point;
    costs_.resize(points_.size());
    set_turns();
  }

  Report run() {
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

 private:
  /// What runs once a round.
  struct Turn {
    enum class Of : std::uint8_t { backend, floor, peer, cold } of = Of::backend;
    std::size_t place = 0;  ///< Among the runs (cold, too), the floors or the peers of the report.
    Mode mode = Mode::files;
  };

  // A floor has as many workers as the most that find a CPU each.
  void set_turns() {
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

  // Those that are installed. pixmill runs first, so that all others are held against what it made.
  void find_peers() {
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
  void look_for_files() {
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

  // Nothing: the machine keeps the files in its cache, and it was not run.
  std::optional<double> cold_run(std::size_t place, const std::string& when) {
    constexpr double kMostLeft = 0.05;
    Cold& cold = *report_.cold;
    if (!cold.why_not.empty()) return std::nullopt;
    drop_from_cache(inputs_);
    const std::optional<double> left = look_at_cache(inputs_).share();
    if (!left || *left > kMostLeft) {
      cold.why_not =
          !left ? "the kernel does not tell what of these files is in the page cache"
                : fmt::format("{:.0f} % of the files stay in the page cache when they are dropped", *left * 100);
      read_into_cache(inputs_);  // the rest is gone, and the next run is to be warm
      return std::nullopt;
    }
    cold.left_share = std::max(cold.left_share, *left);
    return one_run(place, when + ", cold", false, false).figures.seconds;
  }

  // A peer whose outputs are not all there is not run again. Nothing: it has no time.
  std::optional<double> peer_run(std::size_t place, const std::string& when) {
    Peer& peer = report_.peers[place];
    if (!peer.why_not.empty()) return std::nullopt;
    say(fmt::format("{}: {}", when, peer.name));
    noise_.probe();
    const auto seconds = peers_->run(place, scratch_.fresh(), peer, options_.stop);
    if (!seconds) throw Stopped();
    if (place != 0) return seconds;
    if (file_hash_ && peer.why_not.empty()) {
      const Workload& work = *find_workload(Mode::files);
      const std::uint64_t all = work.images - work.failed;
      if (peer.outputs != all) {
        peer.why_not = fmt::format("it has outputs of {} image{}, and the backends of {}", peer.outputs,
                                   peer.outputs == 1 ? "" : "s", all);
      }
    }
    if (!peer.why_not.empty()) drop_peers(peer);
    return seconds;
  }

  // Without pixmill's own outputs there is nothing to hold theirs against.
  void drop_peers(const Peer& own) {
    for (Peer& peer : report_.peers) {
      if (!peer.why_not.empty()) continue;
      peer.why_not = own.outputs == 0 ? "pixmill run made no outputs" : "pixmill run did not do all of the work";
    }
  }

  [[nodiscard]] bool has(Mode mode) const {
    return std::any_of(points_.begin(), points_.end(), [mode](const Point& point) { return point.mode == mode; });
  }

  void prepare() {
    find_peers();
    look_for_files();
    if (has(Mode::files)) report_.workloads.emplace_back();
    if (has(Mode::memory)) {
      say("decoding");
      const std::uint64_t available = available_memory();
      images_ = DecodedImages::decode(options_.batch,
                                      available == 0 ? kMostDecodedBytes : std::min(kMostDecodedBytes, available / 4),
                                      options_.stop);
      if (!images_) throw Stopped();
      report_.workloads.push_back(images_->workload());
      choose_passes();
    }
  }

  // By the first of the points, as if it had one worker.
  void choose_passes() {
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

  void warm_up() {
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
  double warm_up_turn(const Turn& turn, std::size_t round) {
    const std::string when = fmt::format("warm-up {}", round);
    if (turn.of == Turn::Of::floor) return floor_run(turn.place, when);
    if (turn.of == Turn::Of::peer) return peer_run(turn.place, when).value_or(0);
    if (turn.of == Turn::Of::cold) {
      if (round == 1) static_cast<void>(cold_run(turn.place, when));
      return 0;
    }
    const ChildRun run = one_run(turn.place, when, round == 1, round == 2);
    if (round == 1) first_look(turn.place, run);
    return run.figures.seconds;
  }

  void take_turn(const Turn& turn, const std::string& when) {
    if (turn.of == Turn::Of::floor) {
      report_.floors[turn.place].seconds.push_back(floor_run(turn.place, when));
    } else if (turn.of == Turn::Of::peer) {
      if (const auto seconds = peer_run(turn.place, when)) report_.peers[turn.place].seconds.push_back(*seconds);
    } else if (turn.of == Turn::Of::cold) {
      if (const auto seconds = cold_run(turn.place, when)) report_.cold->seconds.push_back(*seconds);
    } else {
      keep(turn.place, one_run(turn.place, when, false, false).figures);
    }
  }

  [[nodiscard]] std::uint64_t passes(Mode mode) {
    return mode == Mode::memory ? find_workload(Mode::memory)->passes : 1;
  }

  ChildRun one_run(std::size_t place, const std::string& when, bool watch_memory, bool time_stages) {
    const Point& point = points_[place];
    say(fmt::format("{}: {}", when, describe(point)));
    noise_.probe();
    const std::string output = scratch_.fresh();
    const std::uint64_t times = passes(point.mode);
    std::optional<BreakdownFile> file;
    if (time_stages) file.emplace();
    const auto body = [&] {
      Breakdown breakdown;
      Breakdown* const wanted = file ? &breakdown : nullptr;
      const RunFigures figures = point.mode == Mode::files
                                     ? run_on_files(options_.batch, point, output, wanted)
                                     : run_in_memory(options_.batch, point, *images_, times, wanted);
      if (file) file->write(breakdown);
      return figures;
    };
    const auto run = run_in_child(body, watch_memory, options_.stop);
    if (!run) throw Stopped();
    check_output(place, run->figures);
    if (file) {
      report_.runs[place].breakdown = file->read();
      add_idle_workers(*report_.runs[place].breakdown, point.jobs);
    }
    return *run;
  }

  double floor_run(std::size_t place, const std::string& when) {
    const Floor& floor = report_.floors[place];
    say(fmt::format("{}: {}, {} threads", when, floor_name(floor.mode), floor.jobs));
    noise_.probe();
    const std::uint64_t times = passes(floor.mode);
    const auto run = run_in_child(
        [&] {
          return floor.mode == Mode::files ? decode_alone(options_.batch, floor.jobs)
                                           : copy_alone(*images_, times, floor.jobs);
        },
        false, options_.stop);
    if (!run) throw Stopped();
    return run->figures.seconds;
  }

  void compare_queues_too() {
    if (!options_.queues) return;
    report_.queues = compare_queues(options_.repeats, options_.seed, options_.stop, [this](const std::string& what) {
      say(what);
      noise_.probe();
    });
    if (report_.queues.empty()) throw Stopped();
  }

  void see_faults() {
    if (!options_.faults) return;
    std::vector<std::string> names = options_.backends;
    if (names.empty()) {
      for (const BackendDescriptor& backend : backends()) names.emplace_back(backend.name);
    }
    for (const std::string& name : names) {
      for (const Fault fault : kFaults) {
        say("faults: " + std::string(to_string(fault)) + ", " + name);
        noise_.probe();
        std::optional<FaultResult> result = run_with_fault(name, fault, options_.stop);
        if (!result) throw Stopped();
        report_.faults.push_back(std::move(*result));
      }
    }
  }

  void first_look(std::size_t place, const ChildRun& run) {
    report_.runs[place].peak_rss_kb = run.memory.rss_kb;
    report_.runs[place].peak_pss_kb = run.memory.pss_kb;
  }

  // Against the first run of that mode.
  void check_output(std::size_t place, const RunFigures& figures) {
    const Mode mode = points_[place].mode;
    std::optional<std::uint64_t>& expected = mode == Mode::files ? file_hash_ : memory_hash_;
    if (!expected) {
      expected = figures.output_hash;
      Workload& work = *find_workload(mode);
      if (mode == Mode::files) {
        work.images = figures.images;
        work.failed = figures.failed;
        work.pixels = figures.pixels;
        work.bytes = figures.bytes;
      } else {
        work.failed += figures.failed / work.passes;  // decoded, but not fit for the chain
      }
    }
    report_.runs[place].output_hash = figures.output_hash;
    if (figures.output_hash == *expected) return;
    const std::string sentence = describe(points_[place]) + " did not give the outputs of the first run";
    auto& all = report_.unequal;
    if (std::find(all.begin(), all.end(), sentence) == all.end()) all.push_back(sentence);
  }

  void keep(std::size_t place, const RunFigures& figures) {
    report_.runs[place].seconds.push_back(figures.seconds);
    costs_[place].push_back(figures);
  }

  void finish() {
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

  [[nodiscard]] Workload* find_workload(Mode mode) {
    const auto found = std::find_if(report_.workloads.begin(), report_.workloads.end(),
                                    [mode](const Workload& work) { return work.mode == mode; });
    return found == report_.workloads.end() ? nullptr : &*found;
  }

  void say(const std::string& what) {
    if (options_.stop.stop_requested()) throw Stopped();
    const std::size_t all = (options_.queues ? 8 * static_cast<std::size_t>(options_.repeats) : 0) +
                            turns_.size() * (2 + static_cast<std::size_t>(options_.repeats));
    if (options_.on_run) options_.on_run(what, said_, std::max(all, said_ + 1));
    ++said_;
  }

  const BenchOptions& options_;
  const std::vector<Point> points_;
  Report report_;
  std::vector<Turn> turns_;
  std::optional<Peers> peers_;
  pipeline::InputList inputs_;
  std::vector<std::vector<RunFigures>> costs_;  // by point, one a round
  ScratchFolder scratch_;
  NoiseWatch noise_;
  std::optional<DecodedImages> images_;
  std::optional<std::uint64_t> file_hash_;
  std::optional<std::uint64_t> memory_hash_;
  std::size_t said_ = 0;
};

const BackendDescriptor& backend_named(const std::string& name) {
  std::vector<std::string_view> names;
  for (const BackendDescriptor& backend : backends()) {
    if (backend.name == name) return backend;
    names.push_back(backend.name);
  }
  const std::string near = nearest_name(name, names);
  throw Error(ErrorCode::usage,
              fmt::format("--backends: no backend '{}'; expected some of {}{}", name, fmt::join(names, ", "),
                          near.empty() ? "" : "; did you mean '" + near + "'?"));
}

void refuse_what_is_read_once(const InputOptions& inputs) {
  const bool image = std::find(inputs.paths.begin(), inputs.paths.end(), "-") != inputs.paths.end();
  if (!image && inputs.files_from != "-") return;
  throw Error(ErrorCode::usage,
              std::string(image ? "-" : "--files-from -") +
                  ": every run reads the inputs anew, and standard input can be read only once; save it to a file");
}

template <typename Value>
void append_once(std::vector<Value>& values, const Value& value) {
  if (std::find(values.begin(), values.end(), value) == values.end()) values.push_back(value);
}

}  // namespace

std::vector<int> default_jobs(int cpus) {
  constexpr int kAll = 8;
  std::vector<int> jobs;
  for (int n = 1; n < cpus; n = cpus <= kAll ? n + 1 : n * 2) jobs.push_back(n);
  jobs.push_back(cpus);
  return jobs;
}

std::vector<Point> points_of(const BenchOptions& options) {
  refuse_what_is_read_once(options.batch.inputs);
  const bool has_inputs = !options.batch.inputs.paths.empty() || options.batch.inputs.files_from;
  if (options.repeats < 1) throw Error(ErrorCode::usage, "--repeats: expected at least 1");
  std::vector<std::string> names;
  for (const std::string& name : options.backends) append_once(names, std::string(backend_named(name).name));
  if (options.backends.empty()) {
    for (const BackendDescriptor& backend : backends()) names.emplace_back(backend.name);
  }
  for (const auto& [wanted, name] : {std::pair(options.peers, "--peers"), std::pair(options.cold, "--cold")}) {
    if (!wanted) continue;
    if (!has_inputs) throw Error(ErrorCode::usage, fmt::format("{} needs images; name some", name));
    if (std::find(options.modes.begin(), options.modes.end(), Mode::files) != options.modes.end()) continue;
    throw Error(ErrorCode::usage, fmt::format("{} is from files to files; leave --mode memory out", name));
  }
  if ((options.queues || options.faults) && !has_inputs) return {};
  std::vector<int> jobs;
  for (const int n : options.jobs.empty() ? default_jobs(usable_cpus()) : options.jobs) {
    if (n < 1) throw Error(ErrorCode::usage, fmt::format("--jobs {}: expected numbers from 1", n));
    append_once(jobs, n);
  }
  std::sort(jobs.begin(), jobs.end());
  std::vector<Point> points;
  for (const Mode mode : {Mode::files, Mode::memory}) {
    if (std::find(options.modes.begin(), options.modes.end(), mode) == options.modes.end()) continue;
    for (const std::string& name : names) {
      const bool parallel = backend_named(name).parallel;
      for (const int n : parallel ? jobs : std::vector<int>{1}) points.push_back({mode, name, n});
    }
  }
  return points;
}

Report run_bench(const BenchOptions& options) { return Session(options).run(); }

}  // namespace pixmill::bench
