#include "bench/advice.hpp"
#include "bench/report.hpp"

#include <pixmill/batch.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace pixmill::bench {
namespace {

const std::vector<int> kPredicted = {8, 32, 128};

void conclude_run(Measured& run, const Report& report) {
  run.median = median(run.seconds);
  run.ci95 = median_interval(run.seconds);
  run.outliers = outliers(run.seconds);
  run.oversubscribed = run.point.jobs > report.machine.usable_cpus;
  const Workload* work = workload_of(report, run.point.mode);
  if (work == nullptr || run.median <= 0) return;
  const auto passes = static_cast<double>(work->passes);
  run.images_per_s = static_cast<double>(images_done(*work)) * passes / run.median;
  run.mpix_per_s = static_cast<double>(work->pixels) * passes / run.median / 1e6;
}

void conclude_speedup(Measured& run, const Report& report) {
  const Measured* one = find_run(report, run.point.mode, run.point.backend, 1);
  if (one == nullptr || run.median <= 0) return;
  run.speedup = one->median / run.median;
  run.efficiency = *run.speedup / run.point.jobs;
  run.karp_flatt = karp_flatt(*run.speedup, run.point.jobs);
}

/// What the others are set beside: the default backend, or the first where that was not measured.
std::string base_of(const Report& report) {
  const bool has_default = std::any_of(report.runs.begin(), report.runs.end(),
                                       [](const Measured& run) { return run.point.backend == default_backend(); });
  if (has_default || report.runs.empty()) return std::string(default_backend());
  return report.runs.front().point.backend;
}

std::vector<Beside> beside_base(const Report& report) {
  std::vector<Beside> all;
  const std::string name = base_of(report);
  for (const Measured& run : report.runs) {
    const Measured* base = find_run(report, run.point.mode, name, run.point.jobs);
    if (base == nullptr || base == &run) continue;
    all.push_back({run.point, base->point.backend, compare_rounds(base->seconds, run.seconds, kTolerance)});
  }
  return all;
}

void conclude_floor(Floor& floor, const Report& report) {
  floor.median = median(floor.seconds);
  floor.ci95 = median_interval(floor.seconds);
  const Measured* base = find_run(report, floor.mode, base_of(report), floor.jobs);
  if (base == nullptr) return;
  floor.base = base->point.backend;
  floor.base_over = compare_rounds(floor.seconds, base->seconds, kTolerance);
}

void conclude_cold(Cold& cold, const Report& report) {
  if (!cold.why_not.empty()) cold.seconds.clear();  // it failed in a later round; too few to tell anything
  if (cold.seconds.empty()) return;
  cold.median = median(cold.seconds);
  cold.ci95 = median_interval(cold.seconds);
  const Measured* warm = find_run(report, cold.point.mode, cold.point.backend, cold.point.jobs);
  if (warm != nullptr) cold.over = compare_rounds(warm->seconds, cold.seconds, kTolerance);
}

void conclude_peer(Peer& peer, const Report& report) {
  if (!peer.why_not.empty()) {
    peer.seconds.clear();
    peer.cpu_seconds.clear();
  }
  if (peer.seconds.empty()) return;
  std::vector<double> busy;
  for (std::size_t i = 0; i < std::min(peer.seconds.size(), peer.cpu_seconds.size()); ++i) {
    busy.push_back(peer.cpu_seconds[i] / std::max(peer.seconds[i], 1e-9));
  }
  if (!busy.empty()) peer.busy_cpus = median(std::move(busy));
  peer.median = median(peer.seconds);
  peer.ci95 = median_interval(peer.seconds);
  const Peer& own = report.peers.front();
  if (&peer != &own && !own.seconds.empty()) {
    peer.over = compare_rounds(own.seconds, peer.seconds, kTolerance);
  }
}

Scaling scaling_of(const Report& report, Mode mode, const std::string& backend) {
  std::vector<ScalingPoint> points;
  for (const Measured& run : report.runs) {
    const bool mine = run.point.mode == mode && run.point.backend == backend;
    if (mine && !run.oversubscribed) points.push_back({run.point.jobs, run.seconds});
  }
  Scaling scaling{mode, backend, fit_amdahl(points, kPredicted, report.seed), fit_usl(points, kPredicted, report.seed),
                  ""};
  if (points.size() < kLeastForAmdahl) {
    scaling.why_not = fmt::format(
        "{} on {} CPUs {}: Amdahl's law takes {} to be fitted, the universal law {}",
        points.size() == 1 ? "one number of workers" : fmt::format("{} numbers of workers", points.size()),
        report.machine.usable_cpus, points.size() == 1 ? "is too few" : "are too few", kLeastForAmdahl, kLeastForUsl);
  } else if (points.size() < kLeastForUsl) {
    scaling.why_not = fmt::format("the universal law takes {} numbers of workers to be fitted", kLeastForUsl);
  }
  return scaling;
}

std::vector<Scaling> all_scaling(const Report& report) {
  std::vector<Scaling> all;
  for (const Measured& run : report.runs) {
    const bool known = std::any_of(all.begin(), all.end(), [&](const Scaling& scaling) {
      return scaling.mode == run.point.mode && scaling.backend == run.point.backend;
    });
    const bool several = std::any_of(report.runs.begin(), report.runs.end(), [&](const Measured& other) {
      return other.point.mode == run.point.mode && other.point.backend == run.point.backend &&
             other.point.jobs != run.point.jobs;
    });
    if (!known && several) all.push_back(scaling_of(report, run.point.mode, run.point.backend));
  }
  return all;
}

}  // namespace

std::string describe(const Point& point) {
  return fmt::format("{}, {} -j {}", to_string(point.mode), point.backend, point.jobs);
}

std::uint64_t images_done(const Workload& work) {
  return work.mode == Mode::files ? work.images - std::min(work.images, work.failed) : work.images;
}

const Workload* workload_of(const Report& report, Mode mode) {
  const auto found = std::find_if(report.workloads.begin(), report.workloads.end(),
                                  [mode](const Workload& work) { return work.mode == mode; });
  return found == report.workloads.end() ? nullptr : &*found;
}

const Measured* find_run(const Report& report, Mode mode, std::string_view backend, int jobs) {
  const auto found = std::find_if(report.runs.begin(), report.runs.end(), [&](const Measured& run) {
    return run.point.mode == mode && run.point.backend == backend && run.point.jobs == jobs;
  });
  return found == report.runs.end() ? nullptr : &*found;
}

std::vector<const Measured*> widest_runs(const Report& report, Mode mode) {
  std::vector<const Measured*> widest;
  for (const Measured& run : report.runs) {
    if (run.point.mode != mode) continue;
    const auto known = std::find_if(widest.begin(), widest.end(),
                                    [&](const Measured* other) { return other->point.backend == run.point.backend; });
    if (known == widest.end()) {
      widest.push_back(&run);
    } else if (run.point.jobs > (*known)->point.jobs && !run.oversubscribed) {
      *known = &run;
    }
  }
  return widest;
}

void conclude(Report& report) {
  for (Measured& run : report.runs) conclude_run(run, report);
  for (Measured& run : report.runs) conclude_speedup(run, report);
  for (Floor& floor : report.floors) conclude_floor(floor, report);
  if (report.cold) conclude_cold(*report.cold, report);
  for (Peer& peer : report.peers) conclude_peer(peer, report);
  report.beside = beside_base(report);
  report.scaling = all_scaling(report);
  report.advice = advice_for(report);
}

}  // namespace pixmill::bench
