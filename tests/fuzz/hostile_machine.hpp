#pragma once

#include "ipc/fork_messages.hpp"

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

/// A machine of make-believe under a real pool. Linked in place of ipc/fork_server.cpp and ipc/child_process.cpp, it
/// has a fork server and workers that are no processes, a clock that stands still unless told, and a sleep that takes
/// no time. The rest of ipc/ is compiled with a call before each of its reads and writes, which Stage hears of if they
/// are of shared memory. One thread, one pool at a time.
namespace pixmill::fuzz {

/// What the machine tells: implemented by the fuzz target.
class Stage {
 public:
  virtual ~Stage() = default;
  /// The pool asks for a worker. `memory`: where the pool itself has the region. True: the server replies at once;
  /// false: when reply() is called.
  virtual bool asked(const ipc::SpawnRequest& request, std::byte* memory, int region, int bell) = 0;
  /// The pool hears that the worker of this ticket is process `pid`.
  virtual void told(std::uint64_t ticket, pid_t pid) = 0;
  virtual void killed(pid_t pid) = 0;
  /// The process is gone, and the pool knows.
  virtual void reaped(pid_t pid) = 0;
  /// Before a read or a write of ipc/ at `at`, anywhere in memory.
  virtual void reads(const std::byte* at, std::size_t size_bytes) = 0;
  virtual void writes(const std::byte* at, std::size_t size_bytes) = 0;
  /// In epoll_wait, before it looks.
  virtual void sleeps() = 0;
};

/// From now on, with nothing left of what was before. nullptr: nobody listens.
void set_stage(Stage* stage);
/// Reads and writes outside of these bounds are no news.
void set_bounds(const std::byte* begin, const std::byte* end);

/// The server's reply to a request; a `clone_error` instead of the process if that is not 0.
void reply(std::uint64_t ticket, pid_t pid, int clone_error);
/// The server dies, after the replies that it sent.
void end_server();
/// A process dies: of a signal, or by exit.
void end_process(pid_t pid, bool by_signal, int number);

[[nodiscard]] std::int64_t now_ns();
void advance_clock(std::int64_t by_ns);

/// Another mapping of a region, for its worker. To be unmapped by ::munmap.
[[nodiscard]] std::byte* map_for_worker(int region, std::size_t size_bytes);

}  // namespace pixmill::fuzz
