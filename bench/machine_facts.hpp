#pragma once

#include "bench/report.hpp"

#include <cstdint>
#include <string>

namespace pixmill::bench {

/// What there is to say of this machine and this build. Reads a few small files.
[[nodiscard]] MachineFacts machine_facts();

/// How many cores these CPUs are on, by what Linux says in `folder` (/sys/devices/system/cpu); 0: it does not.
[[nodiscard]] int cores_of(const std::string& folder, const std::vector<int>& cpus);
/// What governs the clock, likewise; empty: it does not say.
[[nodiscard]] std::string clock_of(const std::string& folder);

/// What the machine's CPUs have done since it started, in its own ticks; from the first line of /proc/stat.
struct CpuTicks {
  std::uint64_t busy = 0;
  std::uint64_t stolen = 0;
  std::uint64_t all = 0;
};
[[nodiscard]] CpuTicks parse_cpu_ticks(const std::string& proc_stat);

/// Watches how quiet the machine is from its making on.
class NoiseWatch {
 public:
  NoiseWatch();
  /// Times a fixed piece of arithmetic: 2 to 5 ms.
  void probe();
  [[nodiscard]] Noise noise() const;

 private:
  CpuTicks ticks_;
  double own_seconds_ = 0;
  std::vector<double> probes_;
};

}  // namespace pixmill::bench
