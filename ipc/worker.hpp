#pragma once

#include "ipc/descriptor.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pixmill::ipc {

/// What a worker process runs. Made in the process itself, used by its one thread, and gone with it: no destructor runs
/// in a process that is killed.
class Worker {
 public:
  virtual ~Worker() = default;

  struct Answer {
    /// The answer's bytes, piece by piece, in memory of the worker's own that stays as it is until the next run().
    std::vector<std::span<const std::byte>> parts;
  };
  /// Runs one message. `input` lies in memory that the coordinator shares, and is this message's alone. std::bad_alloc
  /// that escapes is answered as want of memory; any other exception ends the process, as a crash.
  [[nodiscard]] virtual const Answer& run(std::span<const std::byte> input,
                                          const std::array<std::uint64_t, 2>& user) = 0;
  /// Before run(): where its answer is wanted. A piece that is made at its place there is not copied; the whole must
  /// fit then. It begins with a page.
  virtual void offer(std::span<std::byte> /*room*/) {}
  /// There has been nothing to do for a moment: give back what is only kept for speed.
  virtual void rest() {}
};

/// Functions that cross into other processes by fork: what they refer to must be complete before the pool is made.
struct WorkerPlan {
  /// In each worker, before its first message. What it throws is told to who waits, if no worker can be had.
  std::function<std::unique_ptr<Worker>()> make;
  /// Once in each fork server, before it forks: what all workers share, and what must be done before they are locked
  /// in. Must leave no thread behind, for which the workers would wait. May be empty.
  std::function<void()> prepare;
  /// After `prepare`, where it is: what workers had better share, and can do without. Left out after two servers in a
  /// row that died or hung, of which it may have been the reason.
  std::function<void()> warm_up;
  /// Private memory a worker may take beyond what it starts with; 0: no limit. Beyond it allocations fail.
  std::uint64_t memory_bytes = 0;
  /// How long a worker looks for messages before it sleeps.
  std::uint64_t spin_ns = 0;
  /// Workers lock themselves in (ipc/sandbox.hpp) after `make`, and get no message before the coordinator has seen that
  /// they are. Where that cannot be had, the pool fails.
  bool sandbox = false;
  /// The program that is the fork server, with its arguments, if this process is not to be forked. Its main() makes its
  /// own plan and calls fork_server_program(); of this one, all but `memory_bytes` and `sandbox` is unused then.
  std::vector<std::string> server_program;
  /// Numbers of system calls that `run` needs beside those that are always allowed.
  std::vector<int> also_allowed;
};

/// Descriptor::code towards a worker.
namespace to_worker {
inline constexpr std::uint32_t kRun = 1;   ///< A message; output_*: room for the answer.
inline constexpr std::uint32_t kRoom = 2;  ///< More room for the answer in hand; of size 0: there is none, drop it.
}  // namespace to_worker

/// Descriptor::code back.
namespace to_coordinator {
inline constexpr std::uint32_t kReady = 1;     ///< Once, first: task 0; user[0] is its process id.
inline constexpr std::uint32_t kDone = 2;      ///< The answer is written; output_size_bytes of it.
inline constexpr std::uint32_t kMoreRoom = 3;  ///< The answer needs output_size_bytes. The worker waits.
inline constexpr std::uint32_t kDropped = 4;   ///< There was no room for the answer, and it is gone.
inline constexpr std::uint32_t kNoMemory = 5;  ///< The message needed more private memory than there is.
/// Instead of kReady, any number of times: a piece of the reason why the worker cannot be; see set_trouble().
inline constexpr std::uint32_t kUnable = 6;
inline constexpr std::uint32_t kNotLocked = 7;  ///< Instead of kReady: user[0], user[1] are the SandboxTrouble.
}  // namespace to_coordinator

/// Bytes of text that fit a message of kUnable, in all its words behind the code.
inline constexpr std::size_t kTroubleBytes = sizeof(Descriptor) - offsetof(Descriptor, input_offset);
/// Puts in the first kTroubleBytes of `text`.
void set_trouble(Descriptor& message, std::string_view text);
/// Takes them out; what a worker wrote, so what cannot be printed is a question mark.
[[nodiscard]] std::string trouble_text(const Descriptor& message);

}  // namespace pixmill::ipc
