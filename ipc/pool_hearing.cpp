#include "ipc/pool_impl.hpp"
#include "ipc/sandbox.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace pixmill::ipc {
namespace {

constexpr std::uint64_t kMostAnswerBytes = std::uint64_t{16} << 20;
constexpr std::size_t kMostTroubleChars = 400;
constexpr const char* kNoRoom = "there is no shared memory for its answer";

}  // namespace

bool Pool::Impl::collect() {
  std::size_t heard = 0;
  for (const auto& slot : slots_) {
    if (slot->heard()) heard += collect(*slot);
  }
  return heard > 0;
}

std::size_t Pool::Impl::collect(WorkerSlot& slot) {
  std::array<Descriptor, 32> some;
  std::size_t heard = 0;
  const Clock::time_point before = slot.oldest_since;
  const std::uint64_t finished = slot.finished;
  // A ring's worth at a time: one that writes as fast as it is read must not keep us from all others.
  for (std::size_t left = options_.ring_capacity; left > 0;) {
    const std::size_t most = std::min(left, some.size());
    const RingResult popped = slot.channel->receive(std::span(some).first(most));
    if (popped.violated) {
      kill(slot, KillReason::protocol);
      break;
    }
    heard += popped.count;
    left -= popped.count;
    bool sensible = true;
    for (std::size_t i = 0; i < popped.count && sensible; ++i) sensible = judge(slot, some[i]);
    if (!sensible) kill(slot, KillReason::protocol);
    if (!sensible || popped.count < most) break;
  }
  if (slot.finished > finished) measure(slot.finished - finished, slot.oldest_since - before);
  return heard;
}

// A running mean over about the last eight messages, which follows what is in the folder.
void Pool::Impl::measure(std::size_t answers, Clock::duration elapsed) {
  const std::chrono::nanoseconds each = elapsed / static_cast<long>(answers);
  for (std::size_t i = 0; i < std::min<std::size_t>(answers, 8); ++i) {
    usual_work_ = usual_work_.count() == 0 ? each : usual_work_ + (each - usual_work_) / 8;
  }
  usual_work_ = std::max(usual_work_, std::chrono::nanoseconds(1));
}

// Whether a message from shared memory agrees with what we know. It was copied out before.
bool Pool::Impl::judge(WorkerSlot& slot, const Descriptor& message) {
  if (message.epoch != slot.epoch) return false;
  if (slot.said_ready) return judge_answer(slot, message);
  if (message.code == to_coordinator::kUnable) {
    if (slot.trouble.size() < kMostTroubleChars) slot.trouble += trouble_text(message);
    return true;
  }
  if (message.code == to_coordinator::kNotLocked && options_.plan.sandbox) {
    insecure_ = describe_sandbox_trouble(message.user);
    kill(slot, KillReason::start);
    return true;
  }
  if (message.code != to_coordinator::kReady || message.task != 0) return false;
  slot.said_ready = true;
  slot.said_pid = message.user[0];
  late_starts_ = 0;
  return !slot.process || slot.state != State::starting || admit(slot);
}

// It is ready, and its process known; nothing is sent to it unless we see for ourselves that it is locked in. False: it
// is not the process that it says it is.
bool Pool::Impl::admit(WorkerSlot& slot) {
  if (slot.said_pid != static_cast<std::uint64_t>(slot.process.pid())) return false;
  const std::string missing = options_.plan.sandbox ? missing_lock(slot.process.pid()) : std::string();
  if (missing.empty()) {
    slot.state = State::running;
    slot.was_running = true;
  } else if (!slot.process.ending()) {  // the kernel takes the filter off one that is
    insecure_ = missing;
    kill(slot, KillReason::start);
  }
  return true;
}

bool Pool::Impl::judge_answer(WorkerSlot& slot, const Descriptor& message) {
  // A worker does its messages in the order in which it got them, and waits for the room that it asked for.
  if (slot.unanswered.empty() || slot.unanswered.front().id != message.task) return false;
  if (slot.unanswered.front().room_unsaid) return false;
  switch (message.code) {
    case to_coordinator::kDone:
      if (!judge_done(slot, message)) return false;
      break;
    case to_coordinator::kMoreRoom:
      return judge_need(slot, message);
    case to_coordinator::kDropped:
      if (!slot.unanswered.front().dropped) return false;
      dropped(slot);
      break;
    case to_coordinator::kNoMemory:
      fail_oldest(slot, "it needs more memory than a worker may take");
      break;
    default:
      return false;
  }
  for (const auto& other : slots_) other->full = false;
  return true;
}

bool Pool::Impl::judge_done(WorkerSlot& slot, const Descriptor& message) {
  const WorkerSlot::Lent& oldest = slot.unanswered.front();
  const std::uint64_t size = message.output_size_bytes;
  if (oldest.dropped || size > oldest.output.size_bytes || message.output_offset != oldest.output.offset) return false;
  if (events_.takes_leases()) {
    judge_lent(slot, size);
    return !rejected_;
  }
  const std::span<std::byte> room = events_.room_for(oldest.task->tag, size);
  if (room.size() < size) {
    fail_oldest(slot, "there is no memory for its answer");
    return true;
  }
  if (size > 0) std::memcpy(room.data(), slot.output(oldest, size).data(), size);
  rejected_ = false;
  answering_ = static_cast<int>(number(slot));
  events_.answered(oldest.task->tag, room.first(size), oldest.task->attempts + 1);
  if (rejected_) return false;
  static_cast<void>(slot.settle(Clock::now()));
  ++statistics_.answered;
  // Room for the next answers: somewhat more than the largest of late.
  usual_answer_bytes_ = std::clamp(std::max(size + size / 8, usual_answer_bytes_ - usual_answer_bytes_ / 16),
                                   std::uint64_t{1}, kMostAnswerBytes);
  return true;
}

void Pool::Impl::judge_lent(WorkerSlot& slot, std::uint64_t size) {
  WorkerSlot::Lent& oldest = slot.unanswered.front();
  std::array<std::byte, Events::kHeadBytes> head;
  const std::size_t head_bytes = std::min<std::uint64_t>(size, head.size());
  if (head_bytes > 0) std::memcpy(head.data(), slot.output(oldest, size).data(), head_bytes);
  rejected_ = false;
  events_.lent(oldest.task->tag, std::span(head).first(head_bytes), slot.lend_output(oldest), size,
               oldest.task->attempts + 1);
  if (rejected_) return;
  static_cast<void>(slot.settle(Clock::now()));
  ++statistics_.answered;
}

// The frame that was guessed is too small for the answer.
bool Pool::Impl::judge_need(WorkerSlot& slot, const Descriptor& message) {
  WorkerSlot::Lent& oldest = slot.unanswered.front();
  const std::uint64_t size = message.output_size_bytes;
  if (oldest.room_asked || size <= oldest.output.size_bytes) return false;
  if (slot.state != State::running) return true;
  oldest.task->answer_bytes = size;
  if (slot.give_room(size)) return true;
  trim();
  if (!slot.give_room(size)) slot.refuse_room();
  return true;
}

// The worker has done the oldest message, and there is no answer.
Pool::Impl::TaskPtr Pool::Impl::settle_without_answer(WorkerSlot& slot, const char* reason) {
  const Clock::time_point since = slot.oldest_since;
  TaskPtr task = slot.settle(Clock::now()).task;
  events_.lost(task->tag, static_cast<int>(number(slot)), since, Failure::no_memory, reason);
  return task;
}

void Pool::Impl::fail_oldest(WorkerSlot& slot, const char* reason) {
  const TaskPtr task = settle_without_answer(slot, reason);
  fail(*task, Failure::no_memory, reason);
}

// There was no room for an answer. If others took it, the message is done again, alone, with room from the beginning;
// nobody died, so that is no attempt.
void Pool::Impl::dropped(WorkerSlot& slot) {
  TaskPtr task = settle_without_answer(slot, kNoRoom);
  if (std::exchange(task->was_dropped, true)) {
    fail(*task, Failure::no_memory, kNoRoom);
  } else {
    lonely_.push_back(std::move(task));
  }
}

}  // namespace pixmill::ipc
