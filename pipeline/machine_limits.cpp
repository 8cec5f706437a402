#include "pipeline/machine_limits.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <sstream>
#include <system_error>

namespace pixmill::pipeline {
namespace {

std::optional<std::string> first_word(const std::string& path) {
  std::ifstream file(path);
  std::string word;
  if (!(file >> word)) return std::nullopt;
  return word;
}

std::optional<double> number_in(const std::string& path) {
  const auto word = first_word(path);
  if (!word) return std::nullopt;
  std::istringstream text(*word);
  double number = 0;
  if (!(text >> number)) return std::nullopt;  // "max"
  return number;
}

// Calls `look` with the folder of this process's cgroup and of each one above it: a limit anywhere on the way counts.
void each_group(const std::string& mount, std::string group, const std::function<void(const std::string&)>& look) {
  for (;;) {
    look(mount + (group == "/" ? "" : group));
    if (group.empty() || group == "/") return;
    group.erase(group.rfind('/'));
  }
}

struct Groups {
  std::string unified;  // v2
  std::string cpu;      // v1
  std::string memory;   // v1
};

Groups groups_of(const std::string& proc_cgroup) {
  Groups groups;
  std::ifstream file(proc_cgroup);
  for (std::string line; std::getline(file, line);) {
    const auto first = line.find(':');
    const auto second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    std::string controllers = line.substr(first, second - first + 1);  // ":cpu,cpuacct:"
    std::replace(controllers.begin(), controllers.end(), ':', ',');
    const std::string path = line.substr(second + 1);
    if (controllers == ",,") groups.unified = path;
    if (controllers.find(",cpu,") != std::string::npos) groups.cpu = path;
    if (controllers.find(",memory,") != std::string::npos) groups.memory = path;
  }
  return groups;
}

double quota_v2(const std::string& folder) {
  std::ifstream file(folder + "/cpu.max");
  double quota = 0;
  double period = 0;
  return file >> quota >> period && period > 0 ? quota / period : 0;  // "max 100000" fails at once
}

double quota_v1(const std::string& folder) {
  const auto quota = number_in(folder + "/cpu.cfs_quota_us");
  const auto period = number_in(folder + "/cpu.cfs_period_us");
  return quota && period && *quota > 0 && *period > 0 ? *quota / *period : 0;
}

std::uint64_t room(const std::string& limit_file, const std::string& usage_file) {
  constexpr double kNoLimit = 9e18;  // v1 writes a number near 2^63 for none
  const auto limit = number_in(limit_file);
  const auto usage = number_in(usage_file);
  if (!limit || !usage || *limit >= kNoLimit) return 0;
  return static_cast<std::uint64_t>(std::max(1.0, *limit - *usage));
}

}  // namespace

double cgroup_cpu_quota(const std::string& proc_cgroup, const std::string& mount) {
  const Groups groups = groups_of(proc_cgroup);
  double least = 0;
  const auto take = [&](double quota) {
    if (quota > 0 && (least <= 0 || quota < least)) least = quota;
  };
  each_group(mount, groups.unified, [&](const std::string& folder) { take(quota_v2(folder)); });
  each_group(mount + "/cpu", groups.cpu, [&](const std::string& folder) { take(quota_v1(folder)); });
  return least;
}

std::uint64_t cgroup_memory_left(const std::string& proc_cgroup, const std::string& mount) {
  const Groups groups = groups_of(proc_cgroup);
  std::uint64_t least = 0;
  const auto take = [&](std::uint64_t left) {
    if (left > 0 && (least == 0 || left < least)) least = left;
  };
  each_group(mount, groups.unified,
             [&](const std::string& folder) { take(room(folder + "/memory.max", folder + "/memory.current")); });
  each_group(mount + "/memory", groups.memory, [&](const std::string& folder) {
    take(room(folder + "/memory.limit_in_bytes", folder + "/memory.usage_in_bytes"));
  });
  return least;
}

std::uint64_t meminfo_available(const std::string& meminfo) {
  std::ifstream file(meminfo);
  for (std::string key; file >> key;) {
    std::uint64_t kibibytes = 0;
    if (key == "MemAvailable:" && file >> kibibytes) return kibibytes << 10;
    std::string rest;
    std::getline(file, rest);
  }
  return 0;
}

std::uint64_t physical_memory() {
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long page = ::sysconf(_SC_PAGESIZE);
  if (pages <= 0 || page <= 0) return std::uint64_t{1} << 46U;
  return static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page);
}

std::uint64_t open_files_left() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return UINT64_MAX;
  std::error_code failure;
  std::uint64_t open = 0;
  for (std::filesystem::directory_iterator at("/proc/self/fd", failure), end; !failure && at != end;
       at.increment(failure)) {
    ++open;
  }
  if (failure == std::errc::too_many_files_open) return 0;
  if (failure) return UINT64_MAX;
  // One of them was the folder itself.
  return limit.rlim_cur + 1 - std::min<std::uint64_t>(open, limit.rlim_cur + 1);
}

}  // namespace pixmill::pipeline
