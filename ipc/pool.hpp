#pragma once

#include "ipc/lease.hpp"
#include "ipc/worker.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

namespace pixmill::ipc {

class ForkServer;

struct PoolOptions {
  WorkerPlan plan;
  int workers = 1;
  /// Address space of a worker's region: inputs and answers of all that it was sent at one time. Takes no memory until
  /// it is used.
  std::uint64_t region_bytes = std::uint64_t{1} << 30;
  /// How long one message may take; zero: for ever. The time in which this process itself was stopped does not count.
  std::chrono::milliseconds timeout{0};
  /// How often a message is tried again after its worker died over it, or was killed over its time.
  int retries = 1;
  /// Messages that one worker may have unanswered; a power of two.
  std::uint32_t ring_capacity = 64;
  /// A region keeps as much memory ready as the largest message of late and its answer took, up to so much, and always
  /// 32 MiB.
  std::uint64_t most_kept_bytes = 0;
  /// How many messages a worker is given before a fresh one takes its place; 0: no limit.
  std::uint64_t messages_a_life = 0;
  /// Put behind the reasons for which the pool fails: what the user can do where workers cannot be locked in, and where
  /// none can be had at all. A clause each, or nothing.
  std::string if_not_locked;
  std::string if_no_worker;
  /// How much memory the machine still has to give, asked before a region takes more; empty: not asked.
  std::function<std::uint64_t()> available_memory;
};

/// Why a message has no answer.
enum class Failure : std::uint8_t {
  died,       ///< Its worker died over it, more often than it is tried again.
  timed_out,  ///< It took too long, more often than it is tried again.
  protocol,   ///< Its worker sent what makes no sense, more often than it is tried again.
  no_memory,  ///< Its worker, or the machine, had no memory for it. Not tried again.
};

struct PoolStatistics {
  std::uint64_t answered = 0;
  std::uint64_t failed = 0;
  std::uint64_t workers_started = 0;
  std::uint64_t deaths = 0;   ///< Of workers, whoever killed them, but for those that were replaced.
  std::uint64_t retired = 0;  ///< Workers that were replaced after PoolOptions::messages_a_life.
  std::uint64_t servers_started = 0;
  std::uint64_t bytes_copied_in = 0;  ///< Of inputs, into regions.
  std::uint64_t bytes_in_flight = 0;  ///< Lent in regions at this moment.
  /// From the kernel's news of a death to the end of what is done about it, the longest.
  std::chrono::nanoseconds slowest_burial{0};
};

/// A pool of processes that run messages and may die at any moment.
///
/// A message is executed at least once, and answered or failed exactly once. A worker that dies costs the message that
/// it was working on one attempt, and others nothing: the oldest unanswered message is tried again alone, in a fresh
/// worker; those queued behind it are sent elsewhere. All authority is in this object's private memory; what comes back
/// through shared memory is copied once, checked against it, and its sender is killed if it makes no sense.
///
/// Messages are answered in any order. One thread makes it, uses it and destroys it, except for wake(). Workers die
/// with that thread, whatever kills it. Sends no signal but to its own processes; changes nothing of the process it
/// lives in.
class Pool {
 public:
  /// What the pool tells its user, from within wait(), in its thread. May call submit().
  class Events {
   public:
    virtual ~Events() = default;
    /// Memory for an answer of so many bytes, the user's own; it is filled, and then answered() called. Empty for a
    /// size that is not zero: there is none, and the message fails with no_memory.
    virtual std::span<std::byte> room_for(std::uint64_t tag, std::uint64_t size_bytes) = 0;
    /// `attempts` counts this one. The input may be given up.
    virtual void answered(std::uint64_t tag, std::span<const std::byte> answer, int attempts) = 0;
    /// `reason`: the signal or the exit code of the last death, or what else there is to say. The user may turn an
    /// answer that makes no sense into a failure by himself: reject().
    virtual void failed(std::uint64_t tag, Failure failure, const std::string& reason, int attempts) = 0;
    /// An attempt came to nothing: the worker at place `worker` had that message, and was at no other, since then.
    /// Called before the message is tried again or fails.
    virtual void lost(std::uint64_t /*tag*/, int /*worker*/, std::chrono::steady_clock::time_point /*since*/,
                      Failure /*failure*/, const std::string& /*reason*/) {}

    /// Whether the user takes answers as they lie: lent() instead of room_for() and answered().
    [[nodiscard]] virtual bool takes_leases() const { return false; }
    /// So much of the beginning of an answer is copied before it is looked at.
    static constexpr std::size_t kHeadBytes = 4096;
    /// `head`: the first bytes of the answer, up to kHeadBytes, in private memory. `answer` has all `size_bytes` of it,
    /// in memory that the worker can still write to.
    virtual void lent(std::uint64_t /*tag*/, std::span<const std::byte> /*head*/, Lease /*answer*/,
                      std::uint64_t /*size_bytes*/, int /*attempts*/) {}
    /// Memory is short: leases that are only kept for later had better end now.
    virtual void give_up_spare() {}
  };

  /// Starts the fork server and asks for the workers, without waiting for them. Throws pixmill::Error (machine) when
  /// that is impossible. `events` must outlive it.
  Pool(PoolOptions options, Events& events);
  /// Likewise with a fork server that this thread made before, of the same plan.
  Pool(PoolOptions options, Events& events, std::unique_ptr<ForkServer> server);
  /// Kills and reaps every process. What is unanswered is forgotten.
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// Takes a message. Its input must stay as it is until it is answered or failed. `tag` is the user's name for it,
  /// and means nothing here.
  void submit(std::uint64_t tag, std::span<const std::byte> input, const std::array<std::uint64_t, 2>& user);
  /// What is known of a message beforehand.
  struct Hints {
    /// The input lies in this lease, or nowhere special. It is not copied if it can be done by the worker of that
    /// region; if that has died, or has had no time for it for a tenth of a second while another is idle, it is.
    const Lease* lease = nullptr;
    std::uint64_t answer_bytes = 0;  ///< 0: not known.
  };
  void submit(std::uint64_t tag, std::span<const std::byte> input, const std::array<std::uint64_t, 2>& user,
              const Hints& hints);
  /// Memory for an input, shared with one of the workers. It may outlive the pool. Empty: there is none at this moment.
  [[nodiscard]] Lease lend(std::uint64_t size_bytes);
  /// Messages that are neither answered nor failed.
  [[nodiscard]] std::size_t unfinished() const;
  /// Of these, messages that no worker has yet.
  [[nodiscard]] std::size_t waiting() const;
  /// Whether another message would be begun sooner if it were here already.
  [[nodiscard]] bool hungry() const;

  /// Sends what can be sent, and sleeps until something has happened (an answer, a death, wake()) or `limit` is over.
  /// Throws pixmill::Error (machine) when no worker can be had at all: the reason, and what can be done.
  void wait(std::chrono::milliseconds limit);
  /// Ends a wait(), this one or the next. Any thread.
  void wake();
  /// From within Events::answered() or lent() alone: what the answer holds makes no sense. Its worker is killed, and
  /// the message tried again or failed as `protocol`.
  void reject();
  /// From within Events::answered() alone: the place of the worker that answered, from 0 to one less than their number.
  /// It stays the same when a worker that died is replaced.
  [[nodiscard]] int answering() const;
  /// Makes every process stand still, for as long as this one will be stopped; and lets them go on, none of which time
  /// counts. Between the two only wake(), dismiss() and the destructor may be called.
  void pause();
  void resume();
  /// Kills every process without waiting for its death, for a user who has something else to do before he destroys the
  /// pool. What is unanswered is forgotten; only wake() and the destructor may be called afterwards.
  void dismiss();

  [[nodiscard]] PoolStatistics statistics() const;
  /// The processes of this moment: the fork server, then the workers that live. For tests and for people.
  struct Processes {
    int server = 0;
    std::vector<int> workers;
  };
  [[nodiscard]] Processes processes() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pixmill::ipc
