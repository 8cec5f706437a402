#pragma once

#include "ipc/child_process.hpp"
#include "ipc/fork_messages.hpp"
#include "ipc/worker.hpp"

#include <optional>

namespace pixmill::ipc {

/// The coordinator's hold of a fork server: a small process without threads that makes workers, so that the coordinator
/// need not be forked with all its threads and memory. The workers are the coordinator's children, not the server's,
/// and outlive it.
///
/// Made from the thread that will outlive all workers: the kernel counts the end of that thread as the parent's death.
/// One thread at a time. When it goes, the server and whatever is left of its process group is killed and reaped.
class ForkServer {
 public:
  /// Forks. The server inherits the memory of this process as it is; `plan` is not used in this process. Throws
  /// pixmill::Error (machine) when there is no process or no descriptor to be had.
  explicit ForkServer(const WorkerPlan& plan);
  ForkServer(const ForkServer&) = delete;
  ForkServer& operator=(const ForkServer&) = delete;
  ~ForkServer();

  /// Readable when there is a reply, or when it is dead.
  [[nodiscard]] int socket() const { return socket_.get(); }
  [[nodiscard]] pid_t pid() const { return process_.pid(); }

  /// Asks for a worker. False: the server is dead, or takes no more.
  [[nodiscard]] bool request(const SpawnRequest& request, int region, int bell);

  struct Reply {
    PacketResult result = PacketResult::nothing;  ///< `closed`: the server is dead, or talks nonsense.
    SpawnReply spawned;
    ChildProcess worker;
  };
  /// The next reply; never waits.
  [[nodiscard]] Reply reply();

  /// Kills the server, but leaves it unreaped: its process group keeps its number, so that workers of which nobody was
  /// told can still be killed by it when this goes.
  void kill();

 private:
  UniqueFd socket_;
  ChildProcess process_;
  pid_t group_ = 0;
};

}  // namespace pixmill::ipc
