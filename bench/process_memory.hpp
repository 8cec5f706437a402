#pragma once

#include "bench/child_run.hpp"

#include <sys/types.h>

#include <string>
#include <vector>

namespace pixmill::bench {

/// Of the text of /proc/PID/status or /proc/PID/smaps_rollup, the number of kB behind `key` ("VmHWM:"); nothing if it
/// is not there.
[[nodiscard]] std::optional<std::uint64_t> kilobytes_of(const std::string& text, std::string_view key);

/// A process and all below it: the ids, by the parents that /proc tells. Processes that go meanwhile are left out.
[[nodiscard]] std::vector<pid_t> process_tree(pid_t root);

/// The memory of a process and of all below it, looked at again and again.
class TreeMemory {
 public:
  explicit TreeMemory(pid_t root) : root_(root) {}
  /// Reads /proc; a fraction of a millisecond and more, part of it at the cost of the processes.
  void look();
  /// The most that all held together, of what was seen: of each process its own peak so far.
  [[nodiscard]] PeakMemory peak() const;

 private:
  pid_t root_;
  std::uint64_t rss_kb_ = 0;
  std::uint64_t pss_kb_ = 0;
  bool pss_known_ = true;
};

}  // namespace pixmill::bench
