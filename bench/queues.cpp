#include "bench/queues.hpp"

#include "bench/child_run.hpp"
#include "bench/lanes.hpp"

#include <pixmill/error.hpp>

#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <csignal>
#include <stdexcept>
#include <utility>

namespace pixmill::bench {
namespace {

using ipc::Descriptor;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kBatch = 32;
constexpr std::size_t kStretch = std::size_t{4} * kLaneCapacity;

double nanoseconds_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::nano>(Clock::now() - begin).count();
}

/// Puts the caller on the `which`th of the CPUs that it may use.
void pin(const cpu_set_t& allowed, std::size_t which) {
  for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed) || which-- > 0) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    ::sched_setaffinity(0, sizeof one, &one);
    return;
  }
}

/// Numbers that a child leaves for its parent.
class SharedNumbers {
 public:
  explicit SharedNumbers(std::size_t count) : bytes_(count * sizeof(double)) {
    void* at = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) throw Error(ErrorCode::machine, "no memory for the timings of the queues (mmap)");
    values_ = static_cast<double*>(at);
  }
  ~SharedNumbers() { ::munmap(values_, bytes_); }
  SharedNumbers(const SharedNumbers&) = delete;
  SharedNumbers& operator=(const SharedNumbers&) = delete;

  void set(std::size_t place, double value) { values_[place] = value; }
  [[nodiscard]] std::vector<double> first(std::size_t count) const { return {values_, values_ + count}; }

 private:
  std::size_t bytes_ = 0;
  double* values_ = nullptr;
};

/// In a process of its own: runs `peer` in another, on another CPU, while `self` runs.
void with_peer(const std::function<void()>& peer, const std::function<void()>& self) {
  cpu_set_t allowed;
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) throw std::runtime_error("sched_getaffinity");
  // A peer that dies would let whoever spins wait for ever.
  struct sigaction end {};
  end.sa_handler = [](int) {
    int status = 0;
    if (::waitpid(-1, &status, WNOHANG) > 0 && status != 0) ::_exit(1);
  };
  end.sa_flags = SA_RESTART;
  ::sigaction(SIGCHLD, &end, nullptr);
  const pid_t here = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("fork");
  pin(allowed, child == 0 ? 1 : 0);
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != here) ::_exit(1);
    try {
      peer();
    } catch (...) {
      ::_exit(1);
    }
    ::_exit(0);
  }
  self();
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) continue;
}

void time_round_trips(const LaneKind& kind, std::size_t rounds, SharedNumbers& out) {
  const auto there = kind.make();
  const auto back = kind.make();
  const auto echo = [&] {
    Descriptor one;
    for (std::size_t i = 0; i < rounds; ++i) {
      there->pop({&one, 1});
      back->push({&one, 1});
    }
  };
  with_peer(echo, [&] {
    Descriptor one;
    for (std::size_t i = 0; i < rounds; ++i) {
      one.task = i;
      const auto begin = Clock::now();
      there->push({&one, 1});
      back->pop({&one, 1});
      out.set(i, nanoseconds_since(begin));
      if (one.task != i) throw std::runtime_error(kind.name + ": a message came back as another");
    }
  });
}

/// Nanoseconds of each stretch of a stream: each several times what fits in, so that the sender cannot be far ahead. A
/// stretch in which the scheduler took a CPU away counts for one, and not for all.
void time_stream(const LaneKind& kind, std::size_t batch, std::size_t stretches, SharedNumbers& out) {
  const std::size_t all = stretches * kStretch;
  const auto lane = kind.make();
  const auto done = make_pipe_lane();
  const auto consume = [&] {
    std::array<Descriptor, kBatch> some;
    std::uint64_t expected = 0;
    done->push({some.data(), 1});
    while (expected < all) {
      const std::size_t count = lane->pop(std::span(some).first(std::min<std::size_t>(batch, all - expected)));
      for (std::size_t i = 0; i < count; ++i) {
        if (some.at(i).task != expected++) throw std::runtime_error("out of order");
      }
    }
    done->push({some.data(), 1});
  };
  with_peer(consume, [&] {
    std::array<Descriptor, kBatch> some;
    done->pop({some.data(), 1});
    std::size_t stretch = 0;
    auto begin = Clock::now();
    for (std::uint64_t sent = 0; sent < all;) {
      const std::size_t size = std::min<std::size_t>(batch, kStretch - sent % kStretch);
      for (std::size_t i = 0; i < size; ++i) some.at(i).task = sent + i;
      sent += lane->push(std::span(some).first(size));
      if (sent % kStretch != 0) continue;
      out.set(stretch++, nanoseconds_since(begin));
      begin = Clock::now();
    }
    done->pop({some.data(), 1});
  });
}

/// What is kept of one kind, a value a repetition.
struct Series {
  std::vector<double> p50, p99, one, many;
};

class QueueSession {
 public:
  QueueSession(const std::stop_token& stop, const std::function<void(const std::string&)>& on_run, QueueLoad load)
      : load_(load), stop_(stop), on_run_(on_run), numbers_(std::max(load.round_trips, load.stretches)) {
    for (const LaneKind& kind : kinds_) results_.emplace_back().name = kind.name;
  }

  std::vector<QueueResult> run(int repeats, std::uint64_t seed) {
    for (const auto& order : shuffled_rounds(kinds_.size(), static_cast<std::size_t>(repeats), seed)) {
      for (const std::size_t place : order) {
        if (!time(place)) return {};
      }
    }
    for (std::size_t place = 0; place < kinds_.size(); ++place) finish(place);
    return std::move(results_);
  }

 private:
  bool time(std::size_t place) {
    const LaneKind& kind = kinds_[place];
    Series& series = series_[place];
    if (on_run_) on_run_("queues: " + kind.name);
    if (!in_child([&] { time_round_trips(kind, load_.round_trips, numbers_); })) return false;
    const std::vector<double> trips = numbers_.first(load_.round_trips);
    for (const double trip : trips) ++results_[place].histogram.at(latency_bucket(trip));
    series.p50.push_back(quantile(trips, 0.5));
    series.p99.push_back(quantile(trips, 0.99));
    for (const std::size_t batch : {std::size_t{1}, kBatch}) {
      if (batch > 1 && !kind.batches) continue;
      if (!in_child([&] { time_stream(kind, batch, load_.stretches, numbers_); })) return false;
      const double rate = static_cast<double>(kStretch) * 1e9 / median(numbers_.first(load_.stretches));
      (batch > 1 ? series.many : series.one).push_back(rate);
    }
    return true;
  }

  bool in_child(const std::function<void()>& work) {
    const auto run = run_in_child(
        [&] {
          work();
          return RunFigures();
        },
        false, stop_);
    return run.has_value();
  }

  void finish(std::size_t place) {
    const Series& ours = series_.front();
    const Series& theirs = series_[place];
    QueueResult& result = results_[place];
    result.spins = kinds_[place].spins;
    result.p50_ns = median(theirs.p50);
    result.p50_interval = median_interval(theirs.p50);
    result.p99_ns = median(theirs.p99);
    result.stream_per_s = median(theirs.one);
    result.stream_interval = median_interval(theirs.one);
    if (!theirs.many.empty()) result.batched_per_s = median(theirs.many);
    if (place == 0) return;
    result.ring_over_p50 = compare_rounds(theirs.p50, ours.p50, kTolerance);
    result.ring_over_stream = compare_rounds(theirs.one, ours.one, kTolerance);
  }

  const QueueLoad load_;
  const std::stop_token& stop_;
  const std::function<void(const std::string&)>& on_run_;
  const std::vector<LaneKind> kinds_ = lane_kinds();
  std::vector<Series> series_ = std::vector<Series>(kinds_.size());
  std::vector<QueueResult> results_;
  SharedNumbers numbers_;
};

constexpr double kBucketsAnOctave = 2;
constexpr double kLeastNs = 64;

}  // namespace

double latency_place(double nanoseconds) {
  return kBucketsAnOctave * std::log2(std::max(nanoseconds, kLeastNs) / kLeastNs);
}

std::size_t latency_bucket(double nanoseconds) {
  return std::min(static_cast<std::size_t>(latency_place(nanoseconds)), kLatencyBuckets - 1);
}

double bucket_begin(std::size_t bucket) { return kLeastNs * std::exp2(static_cast<double>(bucket) / kBucketsAnOctave); }

std::vector<QueueResult> compare_queues(int repeats, std::uint64_t seed, const std::stop_token& stop,
                                        const std::function<void(const std::string&)>& on_run, QueueLoad load) {
  cpu_set_t allowed;
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0 || CPU_COUNT(&allowed) < 2) {
    throw Error(ErrorCode::machine, "--ipc needs two CPUs, one for each end of a queue");
  }
  return QueueSession(stop, on_run, load).run(repeats, seed);
}

}  // namespace pixmill::bench
