#include "pipeline/machine_limits.hpp"

#include "ipc/sandbox.hpp"
#include "kernels/simd.hpp"
#include "pipeline/backends/backend.hpp"
#include "pipeline/backends/try_processes.hpp"
#include "pipeline/codecs/codec.hpp"
#include "pipeline/worker_program.hpp"

#include <pixmill/error.hpp>
#include <pixmill/machine.hpp>
#include <pixmill/version.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <oneapi/tbb/version.h>
#include <opencv2/core/utility.hpp>
#include <opencv2/core/version.hpp>

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <thread>
#include <utility>

namespace pixmill {
namespace {

constexpr double kGiB = 1073741824.0;

Finding cpus() {
  const int usable = usable_cpus();
  const auto present = static_cast<int>(std::thread::hardware_concurrency());
  Finding finding{"CPUs", Finding::State::good, fmt::format("{} usable of {}", usable, std::max(present, usable))};
  if (usable < present) {
    finding.state = Finding::State::limited;
    finding.detail += "; an affinity mask or a cgroup quota keeps the rest away, so -j defaults to less";
  }
  return finding;
}

Finding memory() {
  const std::uint64_t bytes = available_memory();
  if (bytes == 0)
    return {"memory", Finding::State::missing, "neither /proc/meminfo nor a cgroup tells how much there is"};
  constexpr std::uint64_t kComfortable = std::uint64_t{2} << 30;
  return {"memory", bytes >= kComfortable ? Finding::State::good : Finding::State::limited,
          fmt::format("{:.1f} GiB available; a worker may take up to --max-memory (1 GiB) each",
                      static_cast<double>(bytes) / kGiB)};
}

Finding kernel() {
  utsname name{};
  if (::uname(&name) != 0) return {"system", Finding::State::limited, "uname failed"};
  return {"system", Finding::State::good, fmt::format("{} {} on {}", name.sysname, name.release, name.machine)};
}

Finding open_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return {"open files", Finding::State::limited, "getrlimit failed"};
  constexpr rlim_t kPlenty = 64;
  return {"open files", limit.rlim_cur >= kPlenty ? Finding::State::good : Finding::State::limited,
          fmt::format("up to {} at once (ulimit -n); pixmill needs about 24 and six a worker", limit.rlim_cur)};
}

Finding file_locks() {
  const int fd = ::open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool works = fd >= 0 && ::flock(fd, LOCK_SH | LOCK_NB) == 0;
  if (fd >= 0) ::close(fd);
  return {"file locks", works ? Finding::State::good : Finding::State::limited,
          works ? "flock works in /tmp; a manifest keeps a second run away" : "flock does not work in /tmp"};
}

Finding sandbox() {
  const ipc::SandboxTrial trial = ipc::try_sandbox();
  if (!ipc::kSandboxInThisBuild) return {"sandbox", Finding::State::limited, "off: " + trial.missing};
  if (!trial.missing.empty()) {
    return {"sandbox", Finding::State::missing,
            trial.missing + "; --backend processes does not run here without --sandbox off"};
  }
  const std::string tried = "a process was locked in on trial: no_new_privs, a filter of system calls";
  if (trial.landlock_abi == 0) {
    return {"sandbox", Finding::State::limited, tried + "; the kernel has no Landlock to stand behind them"};
  }
  return {"sandbox", Finding::State::good, fmt::format("{}, Landlock (version {})", tried, trial.landlock_abi)};
}

Finding worker_program() {
  try {
    return {
        "worker program", Finding::State::good,
        pipeline::worker_program({}, "PIXMILL_WORKER") + "; batches and pools of the library fork it, not the host"};
  } catch (const Error& error) {
    return {"worker program", Finding::State::limited,
            std::string(error.what()) + "; only the library needs it, and not with StartMethod::fork"};
  }
}

Finding backend_list() {
  std::string names;
  for (const pipeline::Backend& backend : pipeline::all_backends()) {
    names += (names.empty() ? "" : ", ") + std::string(backend.descriptor.name);
  }
  return {"backends", Finding::State::good, names};
}

Finding formats() {
  std::string read;
  std::string written;
  std::string_view before;  // a format may be written under two names
  for (const pipeline::Codec& codec : pipeline::all_codecs()) {
    if (std::exchange(before, codec.title) == codec.title) continue;
    read += (read.empty() ? "" : ", ") + std::string(codec.title);
    if (codec.make_encoder != nullptr) written += (written.empty() ? "" : ", ") + std::string(codec.title);
  }
  return {"formats", Finding::State::good, fmt::format("read: {}; written: {}", read, written)};
}

}  // namespace

#define PIXMILL_TEXT_OF(number) #number
#define PIXMILL_DOTTED(major, minor, patch) PIXMILL_TEXT_OF(major) "." PIXMILL_TEXT_OF(minor) "." PIXMILL_TEXT_OF(patch)

const char* version() { return PIXMILL_DOTTED(PIXMILL_VERSION_MAJOR, PIXMILL_VERSION_MINOR, PIXMILL_VERSION_PATCH); }

int usable_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  int cpus = static_cast<int>(std::thread::hardware_concurrency());
  // More than 1024 CPUs do not fit a cpu_set_t; then the machine's number stands.
  if (::sched_getaffinity(0, sizeof set, &set) == 0) cpus = CPU_COUNT(&set);
  const double quota = pipeline::cgroup_cpu_quota("/proc/self/cgroup", "/sys/fs/cgroup");
  if (quota > 0) cpus = std::min(cpus, std::max(1, static_cast<int>(std::lround(quota))));
  return std::max(1, cpus);
}

std::uint64_t available_memory() {
  const std::uint64_t machine = pipeline::meminfo_available("/proc/meminfo");
  const std::uint64_t group = pipeline::cgroup_memory_left("/proc/self/cgroup", "/sys/fs/cgroup");
  if (machine == 0 || group == 0) return std::max(machine, group);
  return std::min(machine, group);
}

std::vector<Finding> diagnose_machine() {
  std::vector<Finding> findings = {kernel(), cpus(), memory()};
  findings.push_back({"SIMD", Finding::State::good, fmt::format("kernels run as {}", kernels::simd_target())});
  findings.push_back(backend_list());
  findings.push_back(pipeline::diagnose_processes());
  findings.push_back(worker_program());
  findings.push_back(sandbox());
  findings.push_back(formats());
  findings.push_back(open_files());
  findings.push_back(file_locks());
  findings.push_back({"OpenCV", Finding::State::good, fmt::format("{} (core and imgproc)", CV_VERSION)});
  findings.push_back({"oneTBB", Finding::State::good, TBB_runtime_version()});
  return findings;
}

void use_single_threaded_opencv() { cv::setNumThreads(1); }

}  // namespace pixmill
