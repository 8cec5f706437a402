/// What a pool of processes costs without any work in it: from nothing to the first answer, messages a second through
/// workers that do nothing, from the death of a worker to the end of what is done about it, and the end of it all.
/// Medians over the repetitions; deaths are taken together.
///
///     pool_bench [REPETITIONS] [WORKERS]      default 15 and 2

#include "ipc/pool.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

namespace pixmill::ipc {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::uint64_t kMessages = 100'000;
constexpr int kDeaths = 100;

class NullWorker final : public Worker {
 public:
  const Answer& run(std::span<const std::byte> /*input*/, const std::array<std::uint64_t, 2>& /*user*/) override {
    return answer_;
  }

 private:
  Answer answer_;
};

class Ears final : public Pool::Events {
 public:
  std::span<std::byte> room_for(std::uint64_t /*tag*/, std::uint64_t size_bytes) override {
    room_.resize(size_bytes);
    return room_;
  }
  void answered(std::uint64_t /*tag*/, std::span<const std::byte> /*answer*/, int /*attempts*/) override {}
  void failed(std::uint64_t /*tag*/, Failure /*failure*/, const std::string& reason, int /*attempts*/) override {
    std::fprintf(stderr, "a message failed: %s\n", reason.c_str());
  }

 private:
  std::vector<std::byte> room_;
};

double since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

double at(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values.at(static_cast<std::size_t>(share * static_cast<double>(values.size() - 1)));
}

double messages_a_second(Pool& pool, std::size_t input_bytes) {
  const std::vector<std::byte> input(input_bytes);
  const std::uint64_t count = input_bytes > 4096 ? kMessages / 10 : kMessages;
  const Clock::time_point begin = Clock::now();
  for (std::uint64_t sent = 0; sent < count || pool.unfinished() > 0;) {
    for (; sent < count && pool.hungry(); ++sent) pool.submit(sent, input, {});
    pool.wait(milliseconds(1000));
  }
  return static_cast<double>(count) / since(begin);
}

double death(Pool& pool) {
  const std::uint64_t before = pool.statistics().deaths;
  const Clock::time_point begin = Clock::now();
  ::kill(pool.processes().workers.front(), SIGKILL);
  while (pool.statistics().deaths == before) pool.wait(milliseconds(1000));
  const double time = since(begin);
  messages_a_second(pool, 0);  // another one is there
  return time;
}

void bench(int repetitions, int workers) {
  std::vector<double> starts;
  std::vector<double> small;
  std::vector<double> large;
  std::vector<double> deaths;
  std::vector<double> ends;
  for (int i = 0; i < repetitions; ++i) {
    Ears ears;
    PoolOptions options;
    options.workers = workers;
    options.plan.make = [] { return std::make_unique<NullWorker>(); };
    const Clock::time_point begin = Clock::now();
    auto pool = std::make_unique<Pool>(options, ears);
    pool->submit(0, {}, {});
    while (pool->unfinished() > 0) pool->wait(milliseconds(1000));
    starts.push_back(since(begin));
    small.push_back(messages_a_second(*pool, 100));
    large.push_back(messages_a_second(*pool, 100'000));
    for (int j = 0; j < kDeaths / repetitions + 1; ++j) deaths.push_back(death(*pool));
    const Clock::time_point end = Clock::now();
    pool.reset();
    ends.push_back(since(end));
  }
  std::printf("%d workers, %d repetitions\n", workers, repetitions);
  std::printf("  from nothing to the first answer    %.2f ms\n", at(starts, 0.5) * 1e3);
  std::printf("  messages a second, 100 bytes        %.0f\n", at(small, 0.5));
  std::printf("  messages a second, 100,000 bytes    %.0f\n", at(large, 0.5));
  std::printf("  death of an idle worker to burial   p50 %.0f us, p99 %.0f us\n", at(deaths, 0.5) * 1e6,
              at(deaths, 0.99) * 1e6);
  std::printf("  the end                             %.2f ms\n", at(ends, 0.5) * 1e3);
}

}  // namespace
}  // namespace pixmill::ipc

int main(int argc, char** argv) {
  const int repetitions = argc > 1 ? std::atoi(argv[1]) : 15;
  const int workers = argc > 2 ? std::atoi(argv[2]) : 2;
  if (repetitions < 1 || workers < 1) {
    std::fputs("usage: pool_bench [REPETITIONS] [WORKERS]\n", stderr);
    return 2;
  }
  pixmill::ipc::bench(repetitions, workers);
  return 0;
}
