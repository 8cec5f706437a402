#pragma once

#include <pixmill/error.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

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

/// The process of a run died before it was done.
class ChildDied : public Error {
 public:
  explicit ChildDied(const std::string& how)
      : Error(ErrorCode::machine, "a run's process " + how + " before it was done; nothing can be said of its speed"),
        how_(how) {}
  /// With its verb: "was killed by SIGSEGV (Segmentation fault)".
  [[nodiscard]] const std::string& how() const { return how_; }

 private:
  std::string how_;
};

/// For the body of such a run: when the terminal stops this process (Ctrl-Z), the process group `group` is stopped as
/// well, until it goes on; 0: none.
void stop_with_this_process(int group);

/// Runs `body` in a process of its own, forked from this one, and waits for its end. What `body` throws is thrown here:
/// an Error as it is, anything else as Error (machine); its death is ChildDied. Nothing if `stop` ended it, or it
/// was not done within `limit` (zero: there is none); the process and its own are killed then. To look at memory costs
/// time: such a run is not to be timed. When the terminal stops it, the workers of its batches stand still as well.
///
/// Call it from a thread that lives on, and at best while there is no other but those that sleep.
[[nodiscard]] std::optional<ChildRun> run_in_child(const std::function<RunFigures()>& body, bool watch_memory,
                                                   const std::stop_token& stop, std::chrono::milliseconds limit = {});

}  // namespace pixmill::bench
