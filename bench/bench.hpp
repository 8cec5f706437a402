#pragma once

#include "bench/report.hpp"

#include <pixmill/batch.hpp>

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

namespace pixmill::bench {

struct BenchOptions {
  /// Inputs, chain, format and limits; backend, jobs and output folder are the comparison's.
  BatchOptions batch;
  std::vector<std::string> backends;  ///< Empty: all.
  std::vector<int> jobs;              ///< Empty: default_jobs(). A backend that is not parallel has 1 alone.
  std::vector<Mode> modes = {Mode::files, Mode::memory};
  bool queues = false;  ///< Compare queues as well; without inputs, alone.
  bool faults = false;  ///< See what each backend loses by an image that goes wrong; without inputs, alone.
  bool cold = false;    ///< Once a round, one backend with its files dropped from the page cache. Takes Mode::files.
  bool peers = false;   ///< Set other programs beside it, where they are installed. Takes inputs, and Mode::files.
  std::string program;  ///< The pixmill that they are set beside; empty: the program of this process.
  int repeats = 7;
  std::uint64_t seed = 0;
  /// What a run in memory is to last with one worker, so that its start and end weigh little: it goes over the images
  /// as often as that takes, at most a thousand times.
  double least_seconds = 0.4;

  std::stop_token stop;
  /// Called before each run, from the calling thread: what runs, and how many runs are done of those known so far.
  std::function<void(const std::string& what, std::size_t done, std::size_t all)> on_run;
};

/// 1 up to `cpus`; where that is more than eight, the powers of two among them, and `cpus`.
[[nodiscard]] std::vector<int> default_jobs(int cpus);

/// Every way to do the job that the options ask for, without repetitions. Throws Error (usage) for a backend that there
/// is not, for one worker too few, and for inputs that can be read only once.
[[nodiscard]] std::vector<Point> points_of(const BenchOptions& options);

/// Compares. Each run is a process of its own, forked from this one. All points take turns: whole rounds for warm-up,
/// until two of them take as long, or at most kMostWarmUps; then `repeats` rounds that count, each in an order of its
/// own. In the first warm-up memory is looked at. The runs of every round must have the same outputs, or `unequal` says
/// which have not.
///
/// Call it from the main thread. Throws as run_batch() does. Leaves nothing behind, also where it is stopped
/// (`interrupted`) or killed, but a scratch folder in the latter case.
[[nodiscard]] Report run_bench(const BenchOptions& options);

inline constexpr std::size_t kMostWarmUps = 5;

}  // namespace pixmill::bench
