#include "bench/machine_facts.hpp"

#include "kernels/simd.hpp"

#include <pixmill/machine.hpp>
#include <pixmill/version.hpp>

#include <fmt/format.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace pixmill::bench {
namespace {

constexpr const char* kCpus = "/sys/devices/system/cpu";

std::string content_of(const char* path) {
  std::ifstream stream(path);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::string line_of(const std::string& path) {
  std::ifstream stream(path);
  std::string line;
  std::getline(stream, line);
  return line;
}

std::vector<int> allowed_cpus() {
  std::vector<int> cpus;
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return cpus;  // more than 1024
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  return cpus;
}

std::string cpu_name() {
  std::istringstream lines(content_of("/proc/cpuinfo"));
  for (std::string line; std::getline(lines, line);) {
    const std::size_t colon = line.find(": ");
    if (colon == std::string::npos) continue;
    // The first is what x86 says, the others are what some others say.
    if (line.starts_with("model name") || line.starts_with("Model") || line.starts_with("cpu\t"))
      return line.substr(colon + 2);
  }
  return "unknown";
}

double own_cpu_seconds() {
  double seconds = 0;
  for (const auto who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage usage{};
    if (::getrusage(who, &usage) != 0) continue;
    for (const timeval& time : {usage.ru_utime, usage.ru_stime}) {
      seconds += static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
    }
  }
  return seconds;
}

}  // namespace

int cores_of(const std::string& folder, const std::vector<int>& cpus) {
  std::set<std::string> cores;
  for (const int cpu : cpus) {
    const std::string siblings = line_of(fmt::format("{}/cpu{}/topology/core_cpus_list", folder, cpu));
    if (siblings.empty()) return 0;
    cores.insert(siblings);
  }
  return static_cast<int>(cores.size());
}

std::string clock_of(const std::string& folder) {
  const std::string governor = line_of(folder + "/cpu0/cpufreq/scaling_governor");
  if (governor.empty()) return "";
  std::string text = "governor " + governor;
  const std::string off = line_of(folder + "/intel_pstate/no_turbo");
  const std::string on = line_of(folder + "/cpufreq/boost");
  if (!off.empty() || !on.empty()) text += off == "0" || on == "1" ? ", turbo on" : ", turbo off";
  return text;
}

MachineFacts machine_facts() {
  MachineFacts facts;
  facts.cpu = cpu_name();
  facts.usable_cpus = usable_cpus();
  struct sysinfo info {};
  if (::sysinfo(&info) == 0) facts.memory_bytes = static_cast<std::uint64_t>(info.totalram) * info.mem_unit;
  facts.cores = cores_of(kCpus, allowed_cpus());
  facts.clock = clock_of(kCpus);
  utsname name{};
  if (::uname(&name) == 0) facts.system = fmt::format("{} {} on {}", name.sysname, name.release, name.machine);
  facts.simd = kernels::simd_target();
  facts.pixmill = version();
#if defined(__clang__)
  facts.build = "clang " __clang_version__;
#else
  facts.build = "gcc " __VERSION__;
#endif
#if !defined(__OPTIMIZE__)
  facts.build += ", not optimized";
#endif
  double load = 0;
  if (::getloadavg(&load, 1) == 1) facts.load_before = load;
  return facts;
}

CpuTicks parse_cpu_ticks(const std::string& proc_stat) {
  // cpu user nice system idle iowait irq softirq steal …
  std::istringstream line(proc_stat);
  std::string word;
  line >> word;
  std::array<std::uint64_t, 8> values{};
  for (std::uint64_t& value : values) line >> value;
  CpuTicks ticks;
  for (const std::uint64_t value : values) ticks.all += value;
  ticks.stolen = values[7];
  ticks.busy = ticks.all - values[3] - values[4] - values[7];
  return ticks;
}

NoiseWatch::NoiseWatch() : ticks_(parse_cpu_ticks(content_of("/proc/stat"))), own_seconds_(own_cpu_seconds()) {}

void NoiseWatch::probe() {
  constexpr int kSteps = 2'000'000;
  const auto begin = std::chrono::steady_clock::now();
  Random random(1);
  std::uint64_t sum = 0;
  for (int i = 0; i < kSteps; ++i) sum ^= random.next();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  // The sum is never 1, but the compiler does not know.
  if (sum != 1) probes_.push_back(seconds);
}

Noise NoiseWatch::noise() const {
  Noise noise;
  noise.probe_spread = spread(probes_);
  const CpuTicks now = parse_cpu_ticks(content_of("/proc/stat"));
  const auto all = static_cast<double>(now.all - ticks_.all);
  if (all <= 0) return noise;
  const double own_ticks = (own_cpu_seconds() - own_seconds_) * static_cast<double>(::sysconf(_SC_CLK_TCK));
  noise.others_share = std::clamp((static_cast<double>(now.busy - ticks_.busy) - own_ticks) / all, 0.0, 1.0);
  noise.stolen_share = static_cast<double>(now.stolen - ticks_.stolen) / all;
  return noise;
}

}  // namespace pixmill::bench
