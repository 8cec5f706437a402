#include "ipc/frame_allocator.hpp"

#include <pixmill/error.hpp>

#include <algorithm>
#include <atomic>
#include <tuple>

namespace pixmill::ipc {
namespace {

// One count for all allocators of the process: this is what makes a foreign id unlike every own one.
std::uint64_t next_serial() {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

// The kernel undoes an fallocate that a signal interrupts, so a large one under a profiler's timer would begin again
// for ever. One of this size takes a fraction of a millisecond, and what is done stays done.
constexpr std::uint64_t kCommitBytes = std::uint64_t{1} << 20;

}  // namespace

FrameAllocator::FrameAllocator(FrameBacking& backing, Range range, std::uint64_t warm_limit_bytes)
    : backing_(backing), range_(range), page_bytes_(page_bytes()), warm_limit_bytes_(warm_limit_bytes) {
  if (range.begin >= range.end || range.begin % page_bytes_ != 0 || range.end % page_bytes_ != 0)
    throw Error(ErrorCode::usage, "frames are lent from a range of whole pages");
  free_.insert(range);
}

std::optional<Range> FrameAllocator::choose(std::uint64_t size_bytes) const {
  std::optional<Range> best;
  std::tuple<std::uint64_t, std::uint64_t> best_cost;
  for (const Range& free : free_.ranges()) {
    if (free.size() < size_bytes) continue;
    const Range candidate{free.begin, free.begin + size_bytes};
    const std::tuple cost{size_bytes - backed_.size_within(candidate), free.size()};
    if (best && cost >= best_cost) continue;
    best = candidate;
    best_cost = cost;
  }
  return best;
}

bool FrameAllocator::back(Range range) {
  while (backed_.size_within(range) != range.size()) {
    // The first stretch that is not backed: from where backed ranges stop to where the next one begins.
    Range gap = range;
    for (const Range& backed : backed_.ranges()) {
      if (backed.end <= gap.begin) continue;
      if (backed.begin > gap.begin) {
        gap.end = std::min(gap.end, backed.begin);
        break;
      }
      gap.begin = backed.end;
    }
    gap.end = std::min(gap.end, gap.begin + std::max(kCommitBytes, page_bytes_));
    ++commits_;
    if (!backing_.commit(gap)) return false;
    backed_.insert(gap);
    backed_bytes_ += gap.size();
    peak_backed_bytes_ = std::max(peak_backed_bytes_, backed_bytes_);
  }
  return true;
}

Frame FrameAllocator::record(Range range) {
  if (free_slots_.empty()) {
    free_slots_.reserve(slots_.size() + 1);
    slots_.emplace_back();
    free_slots_.push_back(static_cast<std::uint32_t>(slots_.size() - 1));
  }
  const std::uint32_t slot = free_slots_.back();
  free_.erase(range);
  free_slots_.pop_back();
  slots_[slot] = {next_serial(), range};
  lent_bytes_ += range.size();
  peak_lent_bytes_ = std::max(peak_lent_bytes_, lent_bytes_);
  return {{slot, slots_[slot].serial}, range.begin, range.size()};
}

Loan FrameAllocator::lend(std::uint64_t size_bytes) {
  // Before rounding up, which could pass 2^64.
  if (size_bytes > range_.size()) return {LendStatus::no_room, {}};
  const std::uint64_t pages = std::max<std::uint64_t>(1, (size_bytes + page_bytes_ - 1) / page_bytes_);
  const std::optional<Range> range = choose(pages * page_bytes_);
  if (!range) return {LendStatus::no_room, {}};
  if (!back(*range)) {
    const std::uint64_t punches = punches_;
    punch_warm(0, *range);
    if (punches_ == punches || !back(*range)) return {LendStatus::no_memory, {}};
  }
  return {LendStatus::lent, record(*range)};
}

std::optional<Frame> FrameAllocator::find(FrameId id) const {
  if (id.serial == 0 || id.slot >= slots_.size() || slots_[id.slot].serial != id.serial) return std::nullopt;
  const Range& range = slots_[id.slot].range;
  return Frame{id, range.begin, range.size()};
}

bool FrameAllocator::give_back(FrameId id) {
  if (!find(id)) return false;
  Slot& slot = slots_[id.slot];
  free_.insert(slot.range);
  slot.serial = 0;
  lent_bytes_ -= slot.range.size();
  free_slots_.push_back(id.slot);
  trim(warm_limit_bytes_);
  return true;
}

void FrameAllocator::trim(std::uint64_t keep_bytes) { punch_warm(keep_bytes, {}); }

void FrameAllocator::punch_warm(std::uint64_t keep_bytes, Range spared) {
  if (warm_bytes() <= keep_bytes) return;
  // From the high end, because lending begins at the low one.
  for (std::size_t i = free_.ranges().size(); i-- > 0 && warm_bytes() > keep_bytes;) {
    const Range free = free_.ranges()[i];
    const Range shared = overlap(free, spared);
    if (shared.size() == 0) {
      punch_within(free, keep_bytes);
    } else {
      punch_within({shared.end, free.end}, keep_bytes);
      punch_within({free.begin, shared.begin}, keep_bytes);
    }
  }
}

void FrameAllocator::punch_within(Range free, std::uint64_t keep_bytes) {
  for (std::size_t i = backed_.ranges().size(); i-- > 0 && warm_bytes() > keep_bytes;) {
    Range hole = overlap(backed_.ranges()[i], free);
    if (hole.size() == 0) continue;
    // No more than the excess, in whole pages.
    const std::uint64_t excess = (warm_bytes() - keep_bytes + page_bytes_ - 1) / page_bytes_ * page_bytes_;
    hole.begin = std::max(hole.begin, hole.end - std::min(hole.size(), excess));
    ++punches_;
    backing_.punch(hole);
    backed_.erase(hole);
    backed_bytes_ -= hole.size();
  }
}

void FrameAllocator::punch_free() {
  for (const Range& free : free_.ranges()) {
    ++punches_;
    backing_.punch(free);
    backed_bytes_ -= backed_.size_within(free);
    backed_.erase(free);
  }
}

void FrameAllocator::reset() {
  ++punches_;
  backing_.punch(range_);
  free_.clear();
  free_.insert(range_);
  backed_.clear();
  slots_.clear();
  free_slots_.clear();
  lent_bytes_ = 0;
  backed_bytes_ = 0;
}

FrameStatistics FrameAllocator::statistics() const {
  FrameStatistics all;
  all.capacity_bytes = range_.size();
  all.lent_bytes = lent_bytes_;
  all.peak_lent_bytes = peak_lent_bytes_;
  all.backed_bytes = backed_bytes_;
  all.peak_backed_bytes = peak_backed_bytes_;
  all.warm_bytes = warm_bytes();
  for (const Range& free : free_.ranges()) all.largest_free_bytes = std::max(all.largest_free_bytes, free.size());
  all.frames = slots_.size() - free_slots_.size();
  all.commits = commits_;
  all.punches = punches_;
  return all;
}

}  // namespace pixmill::ipc
