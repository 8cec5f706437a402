#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>

namespace pixmill::bench {

/// What one run came to, in whatever process. Trivially copyable: it goes through a pipe.
struct RunFigures {
  double seconds = 0;
  double cpu_seconds = 0;  ///< Of this process and of its children that were waited for.
  std::int64_t voluntary_switches = 0;
  std::int64_t involuntary_switches = 0;
  std::int64_t minor_faults = 0;
  std::uint64_t images = 0;
  std::uint64_t failed = 0;
  std::uint64_t pixels = 0;
  std::uint64_t bytes = 0;
  std::uint64_t left_out = 0;
  std::uint64_t output_hash = 0;
};

/// Runs `work` and fills in the first five figures.
void measure(RunFigures& figures, const std::function<void()>& work);

/// What the processes of a run held at their peak, together.
struct PeakMemory {
  std::uint64_t rss_kb = 0;  ///< Pages that several hold count for each.
  std::optional<std::uint64_t>
      pss_kb;  ///< Pages that several hold are divided; nothing where the kernel does not tell.
};

struct ChildRun {
  RunFigures figures;
  PeakMemory memory;  ///< Looked at every 10 ms, if at all.
};

/// Runs `body` in a process of its own, forked from this one, and waits for its end. What `body` throws is thrown here:
/// an Error as it is, anything else as Error (machine), as is the death of the process. Nothing if `stop` ended it; the
/// process and its own are killed then. To look at memory costs time: such a run is not to be timed.
///
/// Call it from a thread that lives on, and at best while there is no other but those that sleep.
[[nodiscard]] std::optional<ChildRun> run_in_child(const std::function<RunFigures()>& body, bool watch_memory,
                                                   const std::stop_token& stop);

}  // namespace pixmill::bench
