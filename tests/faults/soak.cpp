// pool_soak KILLS [SEED] [WORKERS]: keeps a pool busy while its processes are killed and stopped at random, until so
// many workers are. Prints a line each 10,000 kills and a summary; exit 1 if any message was lost, doubled or wrong, if
// anything is left behind, or if nothing was answered for two minutes.

#include "ipc/pool.hpp"
#include "tests/faults/killer.hpp"
#include "tests/faults/soak_message.hpp"

#include <pixmill/error.hpp>

#include <dirent.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <unordered_map>

namespace pixmill::ipc {
namespace {

using std::chrono::milliseconds;

constexpr unsigned kHungSeconds = 120;

struct Faults {
  std::uint64_t lost = 0;
  std::uint64_t doubled = 0;
  std::uint64_t wrong = 0;
  std::uint64_t leaked = 0;

  [[nodiscard]] bool any() const { return lost + doubled + wrong + leaked > 0; }
};

std::size_t open_descriptors() {
  DIR* folder = ::opendir("/proc/self/fd");
  std::size_t count = 0;
  while (folder != nullptr && ::readdir(folder) != nullptr) ++count;
  if (folder != nullptr) ::closedir(folder);
  return count;
}

std::size_t mapped_regions() {
  std::ifstream maps("/proc/self/maps");
  std::size_t count = 0;
  for (std::string line; std::getline(maps, line);) count += line.find("memfd:pixmill") != std::string::npos ? 1 : 0;
  return count;
}

class Soak final : public Pool::Events {
 public:
  explicit Soak(std::uint64_t seed) : dice_(seed) {}

  void submit(Pool& pool) {
    const std::uint64_t number = dice_.next();
    std::vector<std::byte>& input = unanswered_[number];
    input.resize(random_size(number));
    fill(input, number);
    pool.submit(number, input, {number, 0});
  }

  std::span<std::byte> room_for(std::uint64_t /*tag*/, std::uint64_t size_bytes) override {
    room_.resize(size_bytes);
    return room_;
  }
  void answered(std::uint64_t tag, std::span<const std::byte> answer, int attempts) override {
    ::alarm(kHungSeconds);
    const auto at = unanswered_.find(tag);
    if (at == unanswered_.end()) {
      ++faults.doubled;
      return;
    }
    make_answer(tag, at->second, expected_);
    if (!std::equal(answer.begin(), answer.end(), expected_.begin(), expected_.end())) ++faults.wrong;
    most_attempts = std::max(most_attempts, attempts);
    ++done;
    unanswered_.erase(at);
  }
  void failed(std::uint64_t tag, Failure /*failure*/, const std::string& reason, int attempts) override {
    std::fprintf(stderr, "failed after %d attempts: %s\n", attempts, reason.c_str());
    ++faults.lost;
    unanswered_.erase(tag);
  }
  [[nodiscard]] std::size_t unanswered() const { return unanswered_.size(); }

  Faults faults;
  std::uint64_t done = 0;
  int most_attempts = 0;

 private:
  Dice dice_;
  std::unordered_map<std::uint64_t, std::vector<std::byte>> unanswered_;
  std::vector<std::byte> room_;
  std::vector<std::byte> expected_;
};

struct Report {
  Killer::Clock::time_point begin = Killer::Clock::now();
  std::uint64_t next_kills = 10000;

  void line(const Killer& killer, const Soak& soak, const Pool& pool, std::vector<double> delays) const {
    const double time = std::chrono::duration<double>(Killer::Clock::now() - begin).count();
    std::sort(delays.begin(), delays.end());
    const auto at = [&](double share) {
      return delays.empty() ? 0.0 : delays[static_cast<std::size_t>(share * static_cast<double>(delays.size() - 1))];
    };
    const PoolStatistics statistics = pool.statistics();
    std::printf(
        "%7llu kills in %.0f s (%.0f/s), %llu of servers; %llu answered; deaths %llu, workers %llu, servers %llu; "
        "most attempts %d; death to burial: p50 %.0f us, p99 %.0f us, most %.0f us (burial itself: most %.2f ms)\n",
        static_cast<unsigned long long>(killer.kills()), time, static_cast<double>(killer.kills()) / time,
        static_cast<unsigned long long>(killer.server_kills()), static_cast<unsigned long long>(soak.done),
        static_cast<unsigned long long>(statistics.deaths), static_cast<unsigned long long>(statistics.workers_started),
        static_cast<unsigned long long>(statistics.servers_started), soak.most_attempts, at(0.5), at(0.99), at(1.0),
        static_cast<double>(statistics.slowest_burial.count()) / 1e6);
    std::fflush(stdout);
  }
};

void keep_busy(Soak& soak, std::uint64_t kills, std::uint64_t seed, int workers) {
  PoolOptions options;
  options.workers = workers;
  options.plan.make = [] { return std::make_unique<SoakWorker>(); };
  options.timeout = milliseconds(200);
  options.retries = 1'000'000'000;
  options.region_bytes = std::uint64_t{64} << 20U;
  Pool pool(options, soak);
  Report report;
  std::vector<double> delays_us;
  {
    Killer killer(kills, seed + 1);
    while (!killer.done()) {
      while (pool.hungry()) soak.submit(pool);
      pool.wait(milliseconds(10));
      killer.see(pool.processes(), delays_us);
      if (killer.kills() < report.next_kills) continue;
      report.next_kills += 10000;
      report.line(killer, soak, pool, delays_us);
    }
    while (pool.unfinished() > 0) pool.wait(milliseconds(10));
    killer.see(pool.processes(), delays_us);
    report.line(killer, soak, pool, delays_us);
  }
  if (pool.statistics().bytes_in_flight != 0) ++soak.faults.leaked;
}

int soak(std::uint64_t kills, std::uint64_t seed, int workers) {
  ::alarm(kHungSeconds);
  Soak soak(seed);
  const std::size_t descriptors = open_descriptors();
  keep_busy(soak, kills, seed, workers);
  soak.faults.lost += soak.unanswered();
  if (open_descriptors() != descriptors) ++soak.faults.leaked;
  if (mapped_regions() != 0) ++soak.faults.leaked;
  if (::waitpid(-1, nullptr, WNOHANG) != -1 || errno != ECHILD) ++soak.faults.leaked;
  std::printf("seed %llu, %d workers: lost %llu, doubled %llu, wrong %llu, leaked %llu, hung 0\n",
              static_cast<unsigned long long>(seed), workers, static_cast<unsigned long long>(soak.faults.lost),
              static_cast<unsigned long long>(soak.faults.doubled), static_cast<unsigned long long>(soak.faults.wrong),
              static_cast<unsigned long long>(soak.faults.leaked));
  return soak.faults.any() ? 1 : 0;
}

// Async-signal-safe.
void hung(int /*signal*/) {
  constexpr char kText[] = "hung 1: nothing was answered for two minutes\n";
  static_cast<void>(::write(STDOUT_FILENO, kText, sizeof kText - 1) < 0);
  ::_exit(1);
}

}  // namespace
}  // namespace pixmill::ipc

int main(int argc, char** argv) {
  if (argc < 2 || argc > 4) {
    std::fputs("usage: pool_soak KILLS [SEED] [WORKERS]\n", stderr);
    return 2;
  }
  ::signal(SIGALRM, pixmill::ipc::hung);
  const auto number = [&](int i, unsigned long long usual) {
    return argc > i ? std::strtoull(argv[i], nullptr, 10) : usual;
  };
  try {
    return pixmill::ipc::soak(number(1, 0), number(2, 1), static_cast<int>(number(3, 8)));
  } catch (const pixmill::Error& error) {
    std::fprintf(stderr, "pool_soak: %s\n", error.what());
    return 1;
  }
}
