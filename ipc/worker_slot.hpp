#pragma once

#include "ipc/admission.hpp"
#include "ipc/channel.hpp"
#include "ipc/child_process.hpp"
#include "ipc/fork_server.hpp"
#include "ipc/frame_allocator.hpp"
#include "ipc/lease.hpp"
#include "ipc/region.hpp"
#include "ipc/start_failures.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace pixmill::ipc {

/// A message on its way to an answer, in the coordinator's memory.
struct PoolTask {
  std::uint64_t tag = 0;
  std::uint64_t number = 0;  ///< In the order in which they came.
  std::span<const std::byte> input;
  std::shared_ptr<const LentRegion> home;  ///< Where the input lies, if it lies in a region.
  std::chrono::steady_clock::time_point since;
  std::array<std::uint64_t, 2> user{};
  int attempts = 0;                ///< That were charged to it.
  std::uint64_t answer_bytes = 0;  ///< Known to be needed; 0: not known.
  bool was_dropped = false;        ///< An answer to it found no room.

  /// Whether it is to be tried alone.
  [[nodiscard]] bool lonely() const { return attempts > 0 || was_dropped; }
};

/// The place of one worker in a pool: its region, and one life after the other in it. What a worker says is judged by
/// the pool; this keeps the books. One thread at a time.
class WorkerSlot {
 public:
  using Clock = std::chrono::steady_clock;

  enum class State : std::uint8_t {
    empty,     ///< No process.
    starting,  ///< Asked for; until the process is known, and has said that it is ready.
    running,
    dying,  ///< Killed by us, or dead, and not reaped yet. Nobody listens to it until it is.
  };
  enum class KillReason : std::uint8_t { none, timeout, protocol, start, worn_out };

  /// A message that the worker has.
  struct Lent {
    std::uint64_t id = 0;  ///< Of this sending; never the same twice.
    std::unique_ptr<PoolTask> task;
    Frame input;
    Frame output;
    bool sent = false;  ///< And not only put in the outbox.
    bool room_asked = false;
    bool room_unsaid = false;  ///< More room was given or refused, and the worker has not been told.
    bool dropped = false;      ///< It was told that there is no more room.
  };

  /// Throws pixmill::Error (machine) without descriptors, address space or memory for the channel.
  WorkerSlot(std::uint64_t region_bytes, std::uint32_t ring_capacity, Admission& admission,
             std::uint64_t most_kept_bytes = 0);
  /// Its process is dead by then. Leases keep what they have.
  ~WorkerSlot();
  WorkerSlot(const WorkerSlot&) = delete;
  WorkerSlot& operator=(const WorkerSlot&) = delete;

  /// Begins a new life: a new epoch, a new channel. For a slot that is empty. Throws as the constructor does, and
  /// nothing has happened then.
  void begin_life(Clock::time_point now, Clock::duration start_limit);
  [[nodiscard]] SpawnRequest spawn_request(std::uint64_t ticket) const;
  [[nodiscard]] int region_fd() const { return home_->region().fd(); }
  [[nodiscard]] const EventBell& bell() const { return bell_; }
  /// After the death of the worker (reaped): gives its memory back to the machine, and what it left unanswered to the
  /// caller, the oldest first. If there are leases on the region, it is theirs from now on, and the next life takes a
  /// new one.
  [[nodiscard]] std::deque<Lent> end_life();
  /// As end_life(), for a life of which it is not known whether it ever began, or which will not end: whoever has the
  /// region, or will yet attach to it, finds that it is nobody's, and goes. The next life takes a new region.
  [[nodiscard]] std::deque<Lent> abandon_life();

  /// The region of which it lends; null where that is nobody's, and the next life takes a new one.
  [[nodiscard]] std::shared_ptr<const LentRegion> home() const { return spoilt_ ? nullptr : home_; }
  /// Lends a frame to the host. Empty: there is no room, or no memory. Throws as the constructor does.
  [[nodiscard]] Lease lend(std::uint64_t size_bytes);
  /// Makes the frame of a message's answer the host's.
  [[nodiscard]] Lease lend_output(Lent& lent);
  /// Takes back what leases gave up.
  void reclaim();

  /// Lends frames for a task, copies its input if it does not lie in the region, and puts it in the outbox. Not `lent`:
  /// nothing has happened, and the task is where it was.
  [[nodiscard]] LendStatus load(std::unique_ptr<PoolTask>& task, std::uint64_t id, std::uint64_t output_bytes);
  /// A larger frame for the answer of the oldest message, in place of both that it had. False: there is none; the
  /// worker waits until one is given, or refused.
  [[nodiscard]] bool give_room(std::uint64_t output_bytes);
  /// The worker shall drop the answer.
  void refuse_room();
  /// Sends what is in the outbox. False: the worker broke its ring.
  [[nodiscard]] bool flush(Clock::time_point now);
  /// Takes the oldest message off the books.
  [[nodiscard]] Lent settle(Clock::time_point now);
  [[nodiscard]] std::span<const std::byte> output(const Lent& lent, std::uint64_t size) const;

  /// Whether what it says counts: not after it was condemned.
  [[nodiscard]] bool heard() const {
    return (state == State::starting || state == State::running) && kill_reason == KillReason::none;
  }
  [[nodiscard]] bool idle() const { return state == State::running && unanswered.empty(); }

  State state = State::empty;
  KillReason kill_reason = KillReason::none;
  bool said_ready = false;     ///< In this life.
  bool was_running = false;    ///< Likewise: it was let in.
  std::uint64_t said_pid = 0;  ///< With that.
  bool death_heard = false;    ///< Its pidfd said so.
  bool alone = false;          ///< What it has is to be done alone.
  bool full = false;           ///< No memory for more; until something is answered, or somebody dies.
  std::uint32_t epoch = 0;
  std::uint64_t ticket = 0;  ///< Of the request for this life.
  ChildProcess process;
  std::optional<CoordinatorEnd> channel;
  std::size_t leases = 0;                      ///< That are not known to have ended.
  std::uint64_t bytes_copied = 0;              ///< Of inputs, in all lives.
  std::deque<std::unique_ptr<PoolTask>> near;  ///< Not sent yet; their inputs lie in the region.
  std::deque<Lent> unanswered;                 ///< In the order in which they were sent.
  std::uint64_t suspect = 0;                   ///< The message for which it was killed.
  std::unique_ptr<PoolTask> retry;  ///< To be tried alone, by the next life or once what this one has is done.
  int barren = 0;                   ///< Lives in a row that ended with nothing done and nobody to blame.
  StartFailures stillborn;          ///< Lives in a row that ended before they were let in.
  std::string trouble;              ///< Why it could not be set up, in its own words.
  std::uint64_t finished = 0;       ///< Messages answered in this life.
  Clock::time_point oldest_since;   ///< When the oldest unanswered message became that.
  Clock::duration forgiven{};       ///< Time that does not count for it though nobody was seen to stand still.
  Clock::time_point dying_since;
  Clock::time_point start_deadline;
  Clock::time_point restart_at;  ///< No new life before.

  [[nodiscard]] FrameStatistics statistics() const { return frames_->statistics(); }
  void trim();

 private:
  void make_region();
  void part_with_leases();
  void give_back(Frame& frame);
  void keep_warm(std::uint64_t bytes);
  void send_room(Lent& oldest);

  bool spoilt_ = false;  // the region was abandoned
  std::uint64_t region_bytes_;
  std::uint64_t largest_bytes_ = 0;  // of a message and its answer, of late
  std::uint64_t most_kept_bytes_;
  ChannelMap map_;
  Admission& admission_;
  EventBell bell_;
  std::shared_ptr<LentRegion> home_;
  std::unique_ptr<AdmittedBacking> backing_;
  std::unique_ptr<FrameAllocator> frames_;
  std::vector<Descriptor> outbox_;
};

}  // namespace pixmill::ipc
