#pragma once

#include "bench/scaling.hpp"
#include "bench/statistics.hpp"

#include <pixmill/batch.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What a comparison of the backends found, as data. The table, the JSON, the page and the advice are made of it.
namespace pixmill::bench {

/// What is measured.
enum class Mode : std::uint8_t {
  files,   ///< The whole run: list, read, decode, kernels, encode, write.
  memory,  ///< Kernels on decoded images.
};
[[nodiscard]] constexpr std::string_view to_string(Mode mode) { return mode == Mode::files ? "files" : "memory"; }

/// One way to do the job.
struct Point {
  Mode mode = Mode::files;
  std::string backend;
  int jobs = 1;
};
/// "files, processes -j 2".
[[nodiscard]] std::string describe(const Point& point);

/// Where the time of one run went.
struct Breakdown {
  double seconds = 0;  ///< From its begin to its end.
  std::vector<std::string> stages;
  std::vector<RowTimes> rows;
};

/// All that was measured at one point.
struct Measured {
  Point point;
  std::vector<double> seconds;  ///< One a round, in order of the rounds.
  double median = 0;
  Interval ci95;
  std::vector<std::size_t> outliers;  ///< Places in `seconds`.
  double images_per_s = 0;            ///< That come through.
  double mpix_per_s = 0;              ///< Millions of their pixels, as inputs.
  std::optional<double> speedup;      ///< Over one worker of the same backend; nothing where that was not measured.
  std::optional<double> efficiency;
  std::optional<double> karp_flatt;
  bool oversubscribed = false;  ///< More workers than CPUs.
  double cpu_seconds = 0;       ///< Of all processes; median, as are the next three.
  double voluntary_switches = 0;
  double involuntary_switches = 0;
  double minor_faults = 0;
  std::uint64_t peak_rss_kb = 0;  ///< The most that all processes held together; shared pages count for each.
  std::optional<std::uint64_t> peak_pss_kb;  ///< As above, shared pages divided; nothing where that may not be read.
  std::uint64_t output_hash = 0;             ///< Of every verdict and every output.
  std::optional<Breakdown> breakdown;        ///< Of a run of the warm-up, for to look costs time.
};

/// What nobody can leave out, in the same rounds: no backend can be faster.
struct Floor {
  Mode mode = Mode::files;
  int jobs = 1;
  std::vector<double> seconds;  ///< One a round.
  double median = 0;
  Interval ci95;
  std::string base;                     ///< The backend that is set beside it, with as many workers.
  std::optional<Comparison> base_over;  ///< Its time over the floor's.
};
/// "decoding alone", "memcpy".
[[nodiscard]] constexpr std::string_view floor_name(Mode mode) {
  return mode == Mode::files ? "decoding alone" : "memcpy alone";
}

/// What one mode works on.
struct Workload {
  Mode mode = Mode::files;
  std::uint64_t images = 0;
  std::uint64_t failed = 0;      ///< Of these. In memory: left out of them.
  std::uint64_t pixels = 0;      ///< Of those that come through.
  std::uint64_t bytes = 0;       ///< Of the files, or of the decoded images.
  std::uint64_t passes = 1;      ///< How often a run goes over all images.
  std::uint64_t left_out = 0;    ///< Images for which there was no memory.
  std::vector<double> warm_ups;  ///< Seconds of each round before those that count.
  bool settled = true;           ///< The last two of them agree.
  /// Files: how much of them was in the page cache before the rounds that count; nothing where that cannot be told.
  std::optional<double> cached_share;
};

/// A run whose files were dropped from the page cache before.
struct Cold {
  Point point;
  std::vector<double> seconds;  ///< One a round; empty with `why_not`.
  double median = 0;
  Interval ci95;
  double left_share = 0;           ///< Of the files, still in the cache before a run; the most of all runs.
  std::optional<Comparison> over;  ///< Its time over that of the same point with warm files.
  std::string why_not;             ///< Why the machine does not let us; empty: it does.
};

/// Another program that did the same, as a whole process with its start.
struct Peer {
  std::string name;
  std::string version;  ///< In its own words; empty where it is not installed.
  std::string note;     ///< What it does otherwise; may be empty.
  std::string why_not;  ///< Why it has no time: not installed, or it lacks outputs that pixmill made.
  int jobs = 1;
  std::uint64_t inputs = 0;    ///< 0: it was never run.
  std::uint64_t outputs = 0;   ///< Inputs that it made an output of, in its last run.
  std::uint64_t expected = 0;  ///< That pixmill made one of.
  std::uint64_t lacking = 0;   ///< Of these, those that it made none of.
  std::uint64_t beyond = 0;    ///< That it made one of, and pixmill failed on.
  std::string differs;         ///< Names of the latter, in words; may be empty.
  std::uint64_t output_bytes = 0;
  std::vector<double> seconds;      ///< One a round; empty with `why_not`.
  std::vector<double> cpu_seconds;  ///< Of all its processes; likewise.
  double median = 0;
  Interval ci95;
  double busy_cpus = 0;            ///< CPU time over time, the median: more than `jobs`, if it has more threads.
  std::optional<Comparison> over;  ///< Its time over that of the first, which is pixmill.
};

/// A backend beside the default one (or the first, where that was not measured), with as many workers.
struct Beside {
  Point point;
  std::string over;
  Comparison comparison;
};

/// What is said of how one backend scales.
struct Scaling {
  Mode mode = Mode::files;
  std::string backend;
  std::optional<AmdahlFit> amdahl;
  std::optional<UslFit> usl;
  std::string why_not;  ///< Why there is no fit, or not both; may be empty.
};

/// Half octaves from 64 ns on, to beyond a second.
inline constexpr std::size_t kLatencyBuckets = 50;

/// One way to send messages of 64 bytes between two processes.
struct QueueResult {
  std::string name;
  bool spins = false;  ///< Who waits keeps a CPU busy.
  double p50_ns = 0;   ///< Of a round trip: the median over the repetitions, as is all that follows.
  Interval p50_interval;
  double p99_ns = 0;
  double stream_per_s = 0;  ///< Messages, one a call.
  Interval stream_interval;
  std::optional<double> batched_per_s;  ///< 32 a call, where a call can take them.
  /// Round trips of all repetitions; see latency_bucket().
  std::array<std::uint64_t, kLatencyBuckets> histogram{};
  /// Our spinning ring over it, within a repetition: of the times of a round trip, and of the messages a second.
  std::optional<Comparison> ring_over_p50;
  std::optional<Comparison> ring_over_stream;
};

/// What one backend made of a set of good images with one among them that goes wrong.
struct FaultResult {
  std::string backend;
  int jobs = 1;
  std::string fault;  ///< "crash", "hang", "bomb".
  std::uint64_t good = 0;
  std::uint64_t came_through = 0;  ///< Of the good ones.
  std::string verdict;             ///< Of the bad one; empty: the run did not get so far as to give one.
  bool ended = true;               ///< The run ended by itself, and well; else `how`.
  std::string how;                 ///< "was killed by SIGSEGV (…)", "hung, and was ended after 5.00 s".
  double seconds = 0;
};

struct MachineFacts {
  std::string cpu;
  int usable_cpus = 1;
  int cores = 0;      ///< That have the CPUs on which it may run; 0: not told.
  std::string clock;  ///< "governor powersave, turbo on"; empty: not told, as in most virtual machines.
  std::uint64_t memory_bytes = 0;
  std::string system;
  std::string simd;
  std::string pixmill;
  std::string build;       ///< Compiler, and what it was told of speed.
  double load_before = 0;  ///< The load average of a minute when it began.
};

/// How quiet the machine was.
struct Noise {
  double probe_spread = 0;  ///< spread() of a fixed piece of arithmetic, timed before every run.
  double others_share = 0;  ///< Of all CPU time meanwhile, used by other programs.
  double stolen_share = 0;  ///< Of all CPU time meanwhile, taken by the hypervisor.
};

struct Report {
  MachineFacts machine;
  Noise noise;
  std::string chain;
  std::uint64_t seed = 0;
  int repeats = 0;
  std::vector<Workload> workloads;
  std::vector<Measured> runs;
  std::vector<Floor> floors;
  std::optional<Cold> cold;
  std::vector<Peer> peers;  ///< The first is pixmill itself.
  std::vector<Beside> beside;
  std::vector<Scaling> scaling;
  std::vector<QueueResult> queues;
  std::vector<FaultResult> faults;
  std::string advice;
  std::vector<std::string> unequal;  ///< Points whose outputs differ from the first's; a sentence each.
  bool interrupted = false;          ///< Then nothing of the above is whole.
};

/// Differences below this are called none, whatever the intervals say.
inline constexpr double kTolerance = 0.02;

/// Fills in all that follows from the timings: medians, intervals, speed-ups, `beside`, `scaling`, `advice`.
/// `usable_cpus`, `seed`, workloads, points, seconds and hashes must stand.
void conclude(Report& report);

/// Of its images, those that come through: what rates are of.
[[nodiscard]] std::uint64_t images_done(const Workload& work);
[[nodiscard]] const Workload* workload_of(const Report& report, Mode mode);
/// Of each backend the run with the most workers that find a CPU each, or the fewest of all.
[[nodiscard]] std::vector<const Measured*> widest_runs(const Report& report, Mode mode);
[[nodiscard]] const Measured* find_run(const Report& report, Mode mode, std::string_view backend, int jobs);

}  // namespace pixmill::bench
