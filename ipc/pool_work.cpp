#include "ipc/pool_impl.hpp"
#include "ipc/sandbox.hpp"

#include <pixmill/error.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace pixmill::ipc {
namespace {

// How much work a worker has beyond what it is at: enough that it never waits for us, no more than can be spared at the
// end, when another worker is idle. Messages that take much longer than our answer does need none.
constexpr std::chrono::nanoseconds kWorkAhead{2'000'000};
constexpr std::chrono::nanoseconds kLongWork{10'000'000};
// What lies in a worker's region waits so long for that worker while another is idle.
constexpr std::chrono::milliseconds kPatience{100};
// And so little of it is sent ahead: what is sent can be done by no other.
constexpr std::size_t kNearAhead = 2;
constexpr std::uint64_t kMostAnswerBytes = std::uint64_t{16} << 20;
constexpr std::size_t kMostTroubleChars = 400;

}  // namespace

// --- Sending ---------------------------------------------------------------------------------------------------------

void Pool::Impl::submit(std::uint64_t tag, std::span<const std::byte> input, const std::array<std::uint64_t, 2>& user,
                        const Hints& hints) {
  auto task = std::make_unique<PoolTask>();
  task->tag = tag;
  task->number = next_number_++;
  task->input = input;
  task->user = user;
  task->answer_bytes = hints.answer_bytes;
  if (hints.lease != nullptr) {
    task->home = hints.lease->home();
    task->since = Clock::now();
    for (const auto& slot : slots_) {
      if (task->home == slot->home()) return slot->near.push_back(std::move(task));
    }
  }
  pending_.push_back(std::move(task));
}

// Where the fewest are lent, so that all have as much to do.
Lease Pool::Impl::lend(std::uint64_t size_bytes) {
  std::vector<WorkerSlot*> places;
  for (const auto& slot : slots_) {
    slot->reclaim();
    places.push_back(slot.get());
  }
  std::stable_sort(places.begin(), places.end(), [](const WorkerSlot* a, const WorkerSlot* b) {
    const bool idle = a->state != State::running;
    return idle != (b->state != State::running) ? !idle : a->leases < b->leases;
  });
  try {
    for (WorkerSlot* slot : places) {
      if (Lease lease = slot->lend(size_bytes)) return lease;
    }
  } catch (const Error& error) {
    if (error.code() != ErrorCode::machine) throw;
  }
  return {};
}

std::size_t Pool::Impl::unfinished() const {
  std::size_t count = waiting() + lonely_.size();
  for (const auto& slot : slots_) count += slot->unanswered.size() + (slot->retry ? 1 : 0);
  return count;
}

std::size_t Pool::Impl::waiting() const {
  std::size_t count = pending_.size();
  for (const auto& slot : slots_) count += slot->near.size();
  return count;
}

std::size_t Pool::Impl::depth() const {
  const std::size_t most = options_.ring_capacity > 1 ? options_.ring_capacity - 1 : 1;
  if (usual_work_.count() == 0) return std::min<std::size_t>(2, most);
  if (usual_work_ >= kLongWork) return 1;
  return std::min(most, static_cast<std::size_t>(2 + kWorkAhead / usual_work_));
}

bool Pool::Impl::hungry() const {
  std::size_t places = 0;
  const std::size_t most = depth();
  for (const auto& slot : slots_) places += most - std::min(most, slot->unanswered.size());
  return pending_.size() < places;
}

// How many messages more it may have.
std::size_t Pool::Impl::room_in(const WorkerSlot& slot) const {
  if (slot.state != State::running || slot.alone || slot.retry || slot.full) return 0;
  const std::size_t taken = slot.unanswered.size();
  std::size_t most = depth();
  if (options_.messages_a_life > 0) {
    const std::uint64_t life = options_.messages_a_life - std::min(options_.messages_a_life, slot.finished);
    most = static_cast<std::size_t>(std::min<std::uint64_t>(most, life));
  }
  return most - std::min(most, taken);
}

// The queue that has what came first of all that the worker may be given; null: there is nothing.
std::deque<Pool::Impl::TaskPtr>* Pool::Impl::next_for(WorkerSlot& slot) {
  const bool has_near = !slot.near.empty() && slot.unanswered.size() < kNearAhead;
  if (!has_near) return pending_.empty() ? nullptr : &pending_;
  if (pending_.empty()) return &slot.near;
  return slot.near.front()->number < pending_.front()->number ? &slot.near : &pending_;
}

WorkerSlot* Pool::Impl::least_busy() {
  WorkerSlot* best = nullptr;
  for (const auto& slot : slots_) {
    if (room_in(*slot) == 0 || next_for(*slot) == nullptr) continue;
    if (best == nullptr || slot->unanswered.size() < best->unanswered.size()) best = slot.get();
  }
  return best;
}

void Pool::Impl::dispatch() {
  place_lonely();
  place_near();
  for (const auto& slot : slots_) {
    if (!slot->idle() || !slot->retry || slot->full) continue;
    if (load(*slot, slot->retry)) slot->alone = !slot->unanswered.empty();
  }
  while (WorkerSlot* slot = least_busy()) {
    std::deque<TaskPtr>& queue = *next_for(*slot);
    if (!load(*slot, queue.front())) continue;  // the worker is full now
    queue.pop_front();
  }
  for (const auto& slot : slots_) flush(*slot);
}

// What lies in a region that is no worker's any more may be done by anyone; and what its worker has had no time for,
// by one that has nothing to do.
void Pool::Impl::place_near() {
  for (const auto& slot : slots_) {
    while (!slot->near.empty() && slot->near.back()->home != slot->home()) {
      pending_.push_front(std::move(slot->near.back()));
      slot->near.pop_back();
    }
  }
  if (!pending_.empty()) return;
  const bool idle = std::any_of(slots_.begin(), slots_.end(), [this](const auto& slot) {
    return slot->idle() && slot->near.empty() && room_in(*slot) > 0;
  });
  if (!idle) return;
  const Clock::time_point patience = Clock::now() - kPatience;
  for (const auto& slot : slots_) {
    if (slot->near.empty() || slot->near.front()->since > patience) continue;
    pending_.push_back(std::move(slot->near.front()));
    slot->near.pop_front();
    return;
  }
}

// Finds workers for what must be tried alone. They get nothing more until they have done what they have.
void Pool::Impl::place_lonely() {
  // What waits for a worker that cannot be started is tried by another.
  if (pending_.empty()) {
    for (const auto& stuck : slots_) {
      if (stuck->retry && stuck->state == State::empty && stuck->barren > 0) lonely_.push_back(std::move(stuck->retry));
    }
  }
  while (!lonely_.empty()) {
    WorkerSlot* best = nullptr;
    for (const auto& slot : slots_) {
      if (slot->state != State::running || slot->alone || slot->retry) continue;
      if (best == nullptr || slot->unanswered.size() < best->unanswered.size()) best = slot.get();
    }
    if (best == nullptr) return;
    best->retry = std::move(lonely_.front());
    lonely_.pop_front();
  }
}

// True: `task` was taken away, into the worker's hands or failed for good. False: the worker is full, until something
// is answered or somebody dies.
bool Pool::Impl::load(WorkerSlot& slot, TaskPtr& task) {
  const std::uint64_t guess = task->answer_bytes > 0 ? task->answer_bytes : usual_answer_bytes_;
  LendStatus status = slot.load(task, next_id_, guess);
  if (status != LendStatus::lent && slot.unanswered.empty()) {
    if (status == LendStatus::no_memory) trim();
    status = slot.load(task, next_id_, guess);
    // It may be the room for an answer that is too much, which was a guess.
    if (status != LendStatus::lent && task->answer_bytes == 0) status = slot.load(task, next_id_, 1);
  }
  if (status == LendStatus::lent) {
    ++next_id_;
    return true;
  }
  const bool others_work =
      std::any_of(slots_.begin(), slots_.end(), [](const auto& other) { return !other->unanswered.empty(); });
  if (!slot.unanswered.empty() || (status == LendStatus::no_memory && others_work)) {
    slot.full = true;
    return false;
  }
  const TaskPtr failed = std::move(task);
  fail(*failed, Failure::no_memory,
       status == LendStatus::no_room ? "it needs more shared memory than a worker has"
                                     : "the machine has no memory left to hand it to a worker");
  return true;
}

// Gives back what regions only keep warm.
void Pool::Impl::trim() {
  events_.give_up_spare();
  for (const auto& slot : slots_) slot->trim();
}

void Pool::Impl::flush(WorkerSlot& slot) {
  if (slot.state == State::running && !slot.flush(Clock::now())) kill(slot, KillReason::protocol);
}

// --- Hearing ---------------------------------------------------------------------------------------------------------

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
      fail(*slot.settle(Clock::now()).task, Failure::no_memory, "it needs more memory than a worker may take");
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
    fail(*slot.settle(Clock::now()).task, Failure::no_memory, "there is no memory for its answer");
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

// There was no room for an answer. If others took it, the message is done again, alone, with room from the beginning;
// nobody died, so that is no attempt.
void Pool::Impl::dropped(WorkerSlot& slot) {
  TaskPtr task = slot.settle(Clock::now()).task;
  if (std::exchange(task->was_dropped, true)) {
    fail(*task, Failure::no_memory, "there is no shared memory for its answer");
  } else {
    lonely_.push_back(std::move(task));
  }
}

}  // namespace pixmill::ipc
