#include "bench/session.hpp"

#include "bench/breakdown.hpp"
#include "bench/faults.hpp"
#include "bench/floors.hpp"
#include "bench/page_cache.hpp"
#include "bench/queues.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace pixmill::bench {

ChildRun Session::one_run(std::size_t place, const std::string& when, bool watch_memory, bool time_stages) {
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

void Session::first_look(std::size_t place, const ChildRun& run) {
  report_.runs[place].peak_rss_kb = run.memory.rss_kb;
  report_.runs[place].peak_pss_kb = run.memory.pss_kb;
}

// Against the first run of that mode.
void Session::check_output(std::size_t place, const RunFigures& figures) {
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

void Session::keep(std::size_t place, const RunFigures& figures) {
  report_.runs[place].seconds.push_back(figures.seconds);
  costs_[place].push_back(figures);
}

double Session::floor_run(std::size_t place, const std::string& when) {
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

// Nothing: the machine keeps the files in its cache, and it was not run.
std::optional<double> Session::cold_run(std::size_t place, const std::string& when) {
  constexpr double kMostLeft = 0.05;
  Cold& cold = *report_.cold;
  if (!cold.why_not.empty()) return std::nullopt;
  drop_from_cache(inputs_);
  const std::optional<double> left = look_at_cache(inputs_).share();
  if (!left || *left > kMostLeft) {
    cold.why_not = !left
                       ? "the kernel does not tell what of these files is in the page cache"
                       : fmt::format("{:.0f} % of the files stay in the page cache when they are dropped", *left * 100);
    read_into_cache(inputs_);  // the rest is gone, and the next run is to be warm
    return std::nullopt;
  }
  cold.left_share = std::max(cold.left_share, *left);
  return one_run(place, when + ", cold", false, false).figures.seconds;
}

// A peer whose outputs are not all there is not run again. Nothing: it has no time.
std::optional<ForeignRun> Session::peer_run(std::size_t place, const std::string& when) {
  Peer& peer = report_.peers[place];
  if (!peer.why_not.empty()) return std::nullopt;
  say(fmt::format("{}: {}", when, peer.name));
  noise_.probe();
  auto run = peers_->run(place, scratch_.fresh(), peer, options_.stop);
  if (!run) throw Stopped();
  if (place != 0) return run;
  if (file_hash_ && peer.why_not.empty()) {
    const Workload& work = *find_workload(Mode::files);
    const std::uint64_t all = work.images - work.failed;
    if (peer.outputs != all) {
      peer.why_not = fmt::format("it has outputs of {} image{}, and the backends of {}", peer.outputs,
                                 peer.outputs == 1 ? "" : "s", all);
    }
  }
  if (!peer.why_not.empty()) drop_peers(peer);
  return run;
}

// Without pixmill's own outputs there is nothing to hold theirs against.
void Session::drop_peers(const Peer& own) {
  for (Peer& peer : report_.peers) {
    if (!peer.why_not.empty()) continue;
    peer.why_not = own.outputs == 0 ? "pixmill run made no outputs" : "pixmill run did not do all of the work";
  }
}

void Session::compare_queues_too() {
  if (!options_.queues) return;
  report_.queues = compare_queues(options_.repeats, options_.seed, options_.stop, [this](const std::string& what) {
    say(what);
    noise_.probe();
  });
  if (report_.queues.empty()) throw Stopped();
}

void Session::see_faults() {
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

}  // namespace pixmill::bench
