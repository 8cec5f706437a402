#include "ipc/worker_slot.hpp"

#include <pixmill/error.hpp>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

namespace pixmill::ipc {
namespace {

// Kept ready in a region beyond what is lent: lending it costs no system call and no page fault.
constexpr std::uint64_t kWarmBytes = std::uint64_t{32} << 20;

}  // namespace

WorkerSlot::WorkerSlot(std::uint64_t region_bytes, std::uint32_t ring_capacity, Admission& admission,
                       std::uint64_t most_kept_bytes)
    : region_bytes_(region_bytes), most_kept_bytes_(most_kept_bytes), map_(ring_capacity), admission_(admission) {
  make_region();
}

void WorkerSlot::make_region() {
  constexpr std::uint64_t kMostRegionBytes = std::uint64_t{1} << 47U;
  if (region_bytes_ > kMostRegionBytes) {
    throw Error(ErrorCode::machine,
                "a worker's region of " + std::to_string(region_bytes_) + " bytes is more than can be addressed");
  }
  auto home = std::make_shared<LentRegion>(map_.size_bytes + region_bytes_);
  home->region().keep_from_children();
  if (!home->region().commit(0, map_.size_bytes)) {
    throw Error(ErrorCode::machine, "there is no memory for a worker's queue");
  }
  frames_.reset();
  backing_.reset();
  home_ = std::move(home);
  backing_ = std::make_unique<AdmittedBacking>(home_->region(), admission_);
  spoilt_ = false;
  frames_ = std::make_unique<FrameAllocator>(*backing_, Range{map_.size_bytes, home_->memory().size()}, kWarmBytes);
}

WorkerSlot::~WorkerSlot() {
  try {
    part_with_leases();
  } catch (const std::exception&) {
    // Then its memory goes with the last lease.
  }
}

void WorkerSlot::begin_life(Clock::time_point now, Clock::duration start_limit) {
  if (spoilt_) make_region();
  ++epoch;
  channel.emplace(home_->memory(), map_, epoch);
  state = State::starting;
  kill_reason = KillReason::none;
  said_ready = false;
  was_running = false;
  alone = false;
  full = false;
  suspect = 0;
  finished = 0;
  death_heard = false;
  trouble.clear();
  forgiven = {};
  start_deadline = now + start_limit;
}

SpawnRequest WorkerSlot::spawn_request(std::uint64_t number) const {
  return {number, home_->memory().size(), epoch, map_.capacity};
}

std::deque<WorkerSlot::Lent> WorkerSlot::end_life() {
  channel.reset();
  bell_.clear();  // for the next life
  outbox_.clear();
  part_with_leases();
  if (leases == 0) frames_->reset();
  leases = 0;
  state = State::empty;
  alone = false;
  return std::exchange(unanswered, {});
}

std::deque<WorkerSlot::Lent> WorkerSlot::abandon_life() {
  retire_channel(home_->memory(), map_);
  spoilt_ = true;
  return end_life();
}

void WorkerSlot::part_with_leases() {
  reclaim();
  if (leases == 0) return;
  spoilt_ = true;
  for (const FrameId id : home_->retire()) static_cast<void>(frames_->give_back(id));
  for (Lent& lent : unanswered) {
    give_back(lent.input);
    give_back(lent.output);
  }
  frames_->punch_free();
}

void WorkerSlot::reclaim() {
  if (leases == 0) return;
  for (const FrameId id : home_->take_ended()) {
    --leases;
    static_cast<void>(frames_->give_back(id));
  }
}

void WorkerSlot::trim() {
  reclaim();
  frames_->trim(0);
}

Lease WorkerSlot::lend(std::uint64_t size_bytes) {
  // Without a worker, whose begin would make it.
  if (spoilt_ && state == State::empty) make_region();
  if (spoilt_) return {};
  reclaim();
  const Loan loan = frames_->lend(size_bytes);
  if (loan.status != LendStatus::lent) return {};
  ++leases;
  return {home_, loan.frame};
}

Lease WorkerSlot::lend_output(Lent& lent) {
  ++leases;
  return {home_, std::exchange(lent.output, {})};
}

LendStatus WorkerSlot::load(std::unique_ptr<PoolTask>& task, std::uint64_t id, std::uint64_t output_bytes) {
  reclaim();
  Loan input;
  const bool in_place = task->home != nullptr && task->home == home_;
  if (in_place) {
    input.frame.offset = static_cast<std::uint64_t>(task->input.data() - home_->memory().data());
  } else {
    input = frames_->lend(task->input.size());
    if (input.status != LendStatus::lent) return input.status;
  }
  const Loan output = frames_->lend(output_bytes);
  if (output.status != LendStatus::lent) {
    give_back(input.frame);
    return output.status;
  }
  if (!in_place && !task->input.empty()) {
    std::memcpy(home_->memory().data() + input.frame.offset, task->input.data(), task->input.size());
    bytes_copied += task->input.size();
  }
  keep_warm(input.frame.size_bytes + output.frame.size_bytes);
  Descriptor& message = outbox_.emplace_back();
  message.task = id;
  message.epoch = epoch;
  message.code = to_worker::kRun;
  message.input_offset = input.frame.offset;
  message.input_size_bytes = task->input.size();
  message.output_offset = output.frame.offset;
  message.output_size_bytes = output.frame.size_bytes;
  message.user = task->user;
  unanswered.push_back({id, std::move(task), input.frame, output.frame});
  return LendStatus::lent;
}

// Sinks by a sixteenth a message, so that one large image does not hold memory for ever.
void WorkerSlot::keep_warm(std::uint64_t bytes) {
  largest_bytes_ = std::max(bytes, largest_bytes_ - largest_bytes_ / 16);
  frames_->keep_warm(std::max(kWarmBytes, std::min(largest_bytes_, most_kept_bytes_)));
}

bool WorkerSlot::give_room(std::uint64_t output_bytes) {
  Lent& oldest = unanswered.front();
  // The worker has done with both, and the answer may be large.
  give_back(oldest.input);
  give_back(oldest.output);
  oldest.room_asked = true;
  const Loan loan = frames_->lend(output_bytes);
  if (loan.status != LendStatus::lent) return false;
  oldest.output = loan.frame;
  send_room(oldest);
  return true;
}

void WorkerSlot::refuse_room() {
  unanswered.front().dropped = true;
  send_room(unanswered.front());
}

void WorkerSlot::send_room(Lent& oldest) {
  oldest.room_unsaid = true;
  Descriptor& message = outbox_.emplace_back();
  message.task = oldest.id;
  message.epoch = epoch;
  message.code = to_worker::kRoom;
  message.output_offset = oldest.output.offset;
  message.output_size_bytes = oldest.output.size_bytes;
}

bool WorkerSlot::flush(Clock::time_point now) {
  if (outbox_.empty()) return true;
  if (unanswered.size() == outbox_.size() && !unanswered.front().room_asked) {
    oldest_since = now;
    forgiven = {};
  }
  // No more than the ring's capacity is ever unanswered, so it all goes over.
  const RingResult sent = channel->send(outbox_);
  const bool whole = !sent.violated && sent.count == outbox_.size();
  const auto rest = outbox_.begin() + static_cast<std::ptrdiff_t>(sent.count);
  for (auto lent = unanswered.rbegin(); lent != unanswered.rend() && !lent->sent; ++lent) {
    // What a broken ring did not take was never the worker's.
    lent->sent = std::none_of(rest, outbox_.end(), [&](const Descriptor& it) { return it.task == lent->id; });
  }
  if (!unanswered.empty()) unanswered.front().room_unsaid = false;
  outbox_.clear();
  return whole;
}

WorkerSlot::Lent WorkerSlot::settle(Clock::time_point now) {
  Lent lent = std::move(unanswered.front());
  unanswered.pop_front();
  give_back(lent.input);
  give_back(lent.output);
  oldest_since = now;
  forgiven = {};
  ++finished;
  barren = 0;
  if (unanswered.empty()) alone = false;
  return lent;
}

std::span<const std::byte> WorkerSlot::output(const Lent& lent, std::uint64_t size) const {
  return home_->memory().subspan(lent.output.offset, size);
}

void WorkerSlot::give_back(Frame& frame) {
  const Frame given = std::exchange(frame, {});
  if (given.id.serial != 0) static_cast<void>(frames_->give_back(given.id));
}

}  // namespace pixmill::ipc
