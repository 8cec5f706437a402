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

WorkerSlot::WorkerSlot(std::uint64_t region_bytes, std::uint32_t ring_capacity, Admission& admission)
    : region_bytes_(region_bytes), map_(ring_capacity), admission_(admission) {
  make_region();
}

void WorkerSlot::make_region() {
  constexpr std::uint64_t kMostRegionBytes = std::uint64_t{1} << 47U;
  if (region_bytes_ > kMostRegionBytes) {
    throw Error(ErrorCode::machine,
                "a worker's region of " + std::to_string(region_bytes_) + " bytes is more than can be addressed");
  }
  auto region = std::make_unique<Region>(map_.size_bytes + region_bytes_);
  region->keep_from_children();
  if (!region->commit(0, map_.size_bytes)) throw Error(ErrorCode::machine, "there is no memory for a worker's queue");
  frames_.reset();
  backing_.reset();
  region_ = std::move(region);
  backing_ = std::make_unique<AdmittedBacking>(*region_, admission_);
  spoilt_ = false;
  frames_ = std::make_unique<FrameAllocator>(*backing_, Range{map_.size_bytes, region_->memory().size()}, kWarmBytes);
}

void WorkerSlot::begin_life(Clock::time_point now, Clock::duration start_limit) {
  if (spoilt_) make_region();
  ++epoch;
  channel.emplace(region_->memory(), map_, epoch);
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
  return {number, region_->memory().size(), epoch, map_.capacity};
}

std::deque<WorkerSlot::Lent> WorkerSlot::end_life() {
  channel.reset();
  bell_.clear();  // for the next life
  outbox_.clear();
  frames_->reset();
  state = State::empty;
  alone = false;
  return std::exchange(unanswered, {});
}

std::deque<WorkerSlot::Lent> WorkerSlot::abandon_life() {
  retire_channel(region_->memory(), map_);
  spoilt_ = true;
  return end_life();
}

LendStatus WorkerSlot::load(std::unique_ptr<PoolTask>& task, std::uint64_t id, std::uint64_t output_bytes) {
  const Loan input = frames_->lend(task->input.size());
  if (input.status != LendStatus::lent) return input.status;
  const Loan output = frames_->lend(output_bytes);
  if (output.status != LendStatus::lent) {
    static_cast<void>(frames_->give_back(input.frame.id));
    return output.status;
  }
  if (!task->input.empty()) {
    std::memcpy(region_->memory().data() + input.frame.offset, task->input.data(), task->input.size());
  }
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
  return region_->memory().subspan(lent.output.offset, size);
}

void WorkerSlot::give_back(Frame& frame) {
  const Frame given = std::exchange(frame, {});
  if (given.id.serial != 0) static_cast<void>(frames_->give_back(given.id));
}

}  // namespace pixmill::ipc
