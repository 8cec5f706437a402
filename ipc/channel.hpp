#pragma once

#include "ipc/ring.hpp"
#include "ipc/wait.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace pixmill::ipc {

/// The first pages of a worker's region: two rings and two words to sleep on. Frames lie behind them.
///
///     0                       RingLayout + slots    coordinator -> worker
///     …  next multiple of 128 SleepWord             the worker sleeps here (futex)
///                             RingLayout + slots    worker -> coordinator
///                             SleepWord             the coordinator says here that it sleeps (in epoll)
///     …  next page            frames
///
/// Both rings have the same capacity. A worker answers a message once, so a coordinator that has no more than
/// `capacity` messages unanswered never finds a ring full, and neither does an honest worker.
struct ChannelMap {
  /// `ring_capacity` as for reset_ring().
  explicit ChannelMap(std::uint32_t ring_capacity);

  std::uint32_t capacity;
  std::uint64_t to_worker_offset;
  std::uint64_t worker_sleep_offset;
  std::uint64_t to_coordinator_offset;
  std::uint64_t coordinator_sleep_offset;
  std::uint64_t size_bytes;  ///< Whole pages: the first offset that may be lent.
};

/// Tells a worker that attached to the channel in `memory`, or will yet attach, that it is wanted no more: it ends
/// within moments. For a worker that the coordinator has no hold of.
void retire_channel(std::span<std::byte> memory, const ChannelMap& map);

/// The coordinator's end of a channel to one life of one worker. Used by one thread at a time; does not own the region,
/// which must outlive it. Believes nothing that it reads.
class CoordinatorEnd {
 public:
  /// Makes a new channel in `memory` (a region's), which must be committed up to `map.size_bytes`, for a worker that is
  /// yet to be started; that of the last epoch, if any, is forgotten. Throws pixmill::Error (usage) if it does not fit.
  CoordinatorEnd(std::span<std::byte> memory, const ChannelMap& map, std::uint32_t epoch);

  /// Sends, and wakes the worker if it sleeps: no system call if it does not. See RingProducer::push.
  [[nodiscard]] RingResult send(std::span<const Descriptor> batch);
  /// See RingConsumer::pop.
  [[nodiscard]] RingResult receive(std::span<Descriptor> out) { return in_.pop(out); }
  /// For a worker that is dead and reaped: adds to `out` all that it committed. Nothing is added by later calls.
  /// A worker can have committed no more than `capacity`.
  [[nodiscard]] RingResult drain(std::vector<Descriptor>& out);

  /// Before epoll_wait: from now on the worker rings its bell when it sends. False if there is something to receive (or
  /// a violation to be told of) already: do not sleep. Call awake() afterwards either way, then silence the bell.
  [[nodiscard]] bool prepare_to_sleep();
  void awake() { end_sleep(*own_sleep_); }

 private:
  RingProducer out_;
  RingConsumer in_;
  SleepWord* worker_sleep_;
  SleepWord* own_sleep_;
  std::uint32_t capacity_;
};

/// The worker's end. Used by one thread. Owns neither the region nor the bell.
class WorkerEnd {
 public:
  /// Attaches to the channel that the coordinator made. Throws pixmill::Error (machine) when it is of another version,
  /// capacity or epoch.
  WorkerEnd(std::span<std::byte> memory, const ChannelMap& map, std::uint32_t epoch, const EventBell& bell);

  /// Waits for messages; see wait_until() for what ends it. `abandoned` says true when the coordinator is gone.
  template <typename Abandoned>
  WaitResult wait(const WaitLimits& limits, Abandoned&& abandoned) {
    return wait_until(
        *own_sleep_, limits, [this] { return in_.ready(); }, static_cast<Abandoned&&>(abandoned));
  }
  [[nodiscard]] RingResult receive(std::span<Descriptor> out) { return in_.pop(out); }
  /// Sends, and rings.
  [[nodiscard]] RingResult send(std::span<const Descriptor> batch);
  /// Sends without ringing: the coordinator finds it when it looks for itself, when ring() is called, or at the
  /// worker's death. Who posts must ring before it sleeps.
  [[nodiscard]] RingResult post(std::span<const Descriptor> batch) { return out_.push(batch); }
  /// Rings the coordinator's bell if it announced its sleep.
  void ring() const { bell_->ring_if_asleep(*coordinator_sleep_); }
  /// Whether the channel belongs to another life than `epoch` by now; see retire_channel().
  [[nodiscard]] bool retired(std::uint32_t epoch) const;

 private:
  RingConsumer in_;
  RingProducer out_;
  std::uint32_t* epoch_;
  SleepWord* own_sleep_;
  SleepWord* coordinator_sleep_;
  const EventBell* bell_;
};

}  // namespace pixmill::ipc
