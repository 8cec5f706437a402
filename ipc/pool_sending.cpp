#include "ipc/pool_impl.hpp"

#include <pixmill/error.hpp>

#include <algorithm>
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

}  // namespace

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
    const bool runs = a->state == State::running;
    return runs != (b->state == State::running) ? runs : a->leases < b->leases;
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

}  // namespace pixmill::ipc
