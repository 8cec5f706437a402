#pragma once

#include <cstdint>
#include <string>

/// What cgroups and /proc say of the machine. The files are arguments so that tests can bring their own.
namespace pixmill::pipeline {

/// The CPUs that the tightest quota of the cgroups above this process allows (v2 cpu.max, v1 cpu.cfs_quota_us); 0:
/// none.
[[nodiscard]] double cgroup_cpu_quota(const std::string& proc_cgroup, const std::string& mount);

/// What may still be taken before the tightest memory limit of the cgroups above (v2 memory.max and memory.current, v1
/// memory.limit_in_bytes and memory.usage_in_bytes), in bytes; 0: there is no limit, or it is not known.
[[nodiscard]] std::uint64_t cgroup_memory_left(const std::string& proc_cgroup, const std::string& mount);

/// MemAvailable of /proc/meminfo, in bytes; 0 if it is not there.
[[nodiscard]] std::uint64_t meminfo_available(const std::string& meminfo);

/// The machine's memory in bytes, used or not; a great deal if it cannot be told.
[[nodiscard]] std::uint64_t physical_memory();

/// How many more files this process may open; 0 if even that cannot be found out for want of one, the largest number if
/// it cannot be found out otherwise.
[[nodiscard]] std::uint64_t open_files_left();

}  // namespace pixmill::pipeline
