#pragma once

#include "ipc/child_process.hpp"
#include "ipc/fork_messages.hpp"
#include "ipc/worker.hpp"

#include <optional>
#include <span>
#include <string>

namespace pixmill::ipc {

/// The coordinator's hold of a fork server: a small process without threads that makes workers, so that the coordinator
/// need not be forked with all its threads and memory. The workers are the coordinator's children, not the server's,
/// and outlive it.
///
/// Made from the thread that will outlive all workers: the kernel counts the end of that thread as the parent's death.
/// One thread at a time. When it goes, the server and whatever is left of its process group is killed and reaped: kill
/// and reap the workers first whose ends are of interest.
class ForkServer {
 public:
  /// Forks, or starts the plan's program: the former inherits the memory of this process as it is, the latter nothing
  /// but a socket. `plan` is not used in this process otherwise, and its warm_up() is left out unless `warm`. Throws
  /// pixmill::Error (machine) when there is no process, no descriptor or no such program to be had.
  ForkServer(const WorkerPlan& plan, bool warm);
  ForkServer(const ForkServer&) = delete;
  ForkServer& operator=(const ForkServer&) = delete;
  ~ForkServer();

  /// Readable when there is a reply, or when it is dead. Closed by kill().
  [[nodiscard]] int socket() const { return socket_.get(); }
  /// Readable when it is dead. Closed when it is reaped.
  [[nodiscard]] int pidfd() const { return process_.pidfd(); }
  /// 0 once it is reaped.
  [[nodiscard]] pid_t pid() const { return process_ ? process_.pid() : 0; }

  /// Asks for a worker. False: the server is dead, or takes no more.
  [[nodiscard]] bool request(const SpawnRequest& request, int region, int bell);

  struct Reply {
    PacketResult result = PacketResult::nothing;  ///< `closed`: the server is dead, or talks nonsense.
    SpawnReply spawned;
    ChildProcess worker;
  };
  /// The next reply; never waits.
  [[nodiscard]] Reply reply();

  /// To the server alone. Nothing happens where it is dead.
  void signal(int number) const { process_.signal(number); }
  /// Kills the server and all of its process group, and does not wait for their deaths. False: nobody is left of it.
  bool strike() const;
  /// Kills the server, for good, and closes the socket. How it ended; nothing if it has not ended yet.
  std::optional<ProcessEnd> kill();
  /// After kill(): reaps those of the server's process group that nobody knows of: a worker that the server made just
  /// before it died, and could not tell us of. `known` are reaped by others. True when nobody is left of the group.
  [[nodiscard]] bool reap_strays(std::span<const pid_t> known);

 private:
  UniqueFd socket_;
  ChildProcess process_;
  pid_t group_ = 0;
};

}  // namespace pixmill::ipc
