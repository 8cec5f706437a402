#pragma once

#include "ipc/range_set.hpp"
#include "ipc/region.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace pixmill::ipc {

/// Where the memory behind ranges of a region comes from. A seam: tests make it fail.
class FrameBacking {
 public:
  FrameBacking() = default;
  FrameBacking(const FrameBacking&) = delete;
  FrameBacking& operator=(const FrameBacking&) = delete;
  virtual ~FrameBacking() = default;

  /// As Region::commit: false when the machine has no memory to give.
  [[nodiscard]] virtual bool commit(Range range) = 0;
  virtual void punch(Range range) = 0;
};

/// The real one. The region must outlive it.
class RegionBacking final : public FrameBacking {
 public:
  explicit RegionBacking(Region& region) : region_(region) {}
  [[nodiscard]] bool commit(Range range) override { return region_.commit(range.begin, range.size()); }
  void punch(Range range) override { region_.punch(range.begin, range.size()); }

 private:
  Region& region_;
};

/// Names one lending of one frame. A value; never the same twice in a process, so that one kept too long, given back
/// twice, or taken from another allocator is told apart from every living one.
struct FrameId {
  std::uint32_t slot = 0;
  std::uint64_t serial = 0;  ///< 0: none.

  friend bool operator==(const FrameId&, const FrameId&) = default;
};

struct Frame {
  FrameId id;
  std::uint64_t offset = 0;      ///< From the region's begin; a multiple of the page size.
  std::uint64_t size_bytes = 0;  ///< What was asked for, rounded up to whole pages.
};

enum class LendStatus : std::uint8_t {
  lent,
  no_room,    ///< No free range of the region is long enough: wait until frames come back, or never.
  no_memory,  ///< There is room, and the machine has no memory to put behind it.
};

struct Loan {
  LendStatus status = LendStatus::no_room;
  Frame frame;  ///< Means something only if lent.
};

struct FrameStatistics {
  std::uint64_t capacity_bytes = 0;
  std::uint64_t lent_bytes = 0;
  std::uint64_t peak_lent_bytes = 0;
  std::uint64_t backed_bytes = 0;  ///< Memory that the machine gave, lent or not.
  std::uint64_t peak_backed_bytes = 0;
  std::uint64_t warm_bytes = 0;          ///< Backed and free: costs nothing to lend.
  std::uint64_t largest_free_bytes = 0;  ///< The longest frame that is not refused with no_room.
  std::uint64_t frames = 0;              ///< Lent at this moment.
  std::uint64_t commits = 0;             ///< System calls so far that asked for memory.
  std::uint64_t punches = 0;             ///< System calls so far that gave some back.
};

/// Lends ranges of one worker's region, on behalf of the coordinator.
///
/// All bookkeeping is in the coordinator's private memory; nothing is read from or written to the region, so a worker
/// cannot confuse it. A frame is backed by memory before it is lent: exhaustion is a LendStatus here, and no SIGBUS in
/// whoever touches it. What comes back stays warm, up to a limit, and is lent again first, without a system call;
/// beyond the limit it is punched out, from the region's high end. A warm frame still holds what was in it: a region
/// belongs to one worker, and must be reset() or thrown away before another gets it.
///
/// Pages that a worker touches outside its frames also take memory, which only Region::committed_bytes() sees; the
/// region's size bounds it.
///
/// One thread at a time. An operation is linear in the number of frames lent.
class FrameAllocator {
 public:
  /// Lends from `range` of the region behind `backing` (which must outlive this); both ends are multiples of the page
  /// size, and nothing in it is backed yet. Keeps up to `warm_limit_bytes` of what is not lent. Throws pixmill::Error
  /// (usage) for a range that is empty or not of whole pages.
  FrameAllocator(FrameBacking& backing, Range range, std::uint64_t warm_limit_bytes);

  /// A frame of at least `size_bytes` (0 counts as 1). Among the free ranges that are long enough, the one that needs
  /// the least new memory, then the shortest, then the first. Where memory is short, warm ranges are given up for it.
  /// Throws pixmill::Error (machine) if memory cannot be had for any other reason than that there is none; nothing is
  /// lent then.
  [[nodiscard]] Loan lend(std::uint64_t size_bytes);
  /// Takes a frame back. False, and nothing happens, if no such frame is lent: given back before, lent before reset(),
  /// or another allocator's. Throws pixmill::Error (machine) if what is beyond the warm limit cannot be punched; the
  /// frame is back, and all is accounted for, nevertheless.
  [[nodiscard]] bool give_back(FrameId id);
  /// What a frame is, from the coordinator's own memory; nothing if it is not lent.
  [[nodiscard]] std::optional<Frame> find(FrameId id) const;

  /// From now on up to so much of what is not lent is kept; what is beyond goes when the next frame comes back.
  void keep_warm(std::uint64_t warm_limit_bytes) { warm_limit_bytes_ = warm_limit_bytes; }
  /// Gives warm memory back to the machine until at most `keep_bytes` are left.
  void trim(std::uint64_t keep_bytes);
  /// Punches all that is not lent, also what a worker touched there without leave.
  void punch_free();
  /// After a worker's death: every frame is back, every id void, and the whole range is punched, also what the worker
  /// touched without leave. It reads as zero again.
  void reset();

  [[nodiscard]] FrameStatistics statistics() const;

 private:
  [[nodiscard]] std::optional<Range> choose(std::uint64_t size_bytes) const;
  [[nodiscard]] bool back(Range range);
  [[nodiscard]] std::uint64_t warm_bytes() const { return backed_bytes_ - lent_bytes_; }
  void punch_warm(std::uint64_t keep_bytes, Range spared);
  void punch_within(Range free, std::uint64_t keep_bytes);
  [[nodiscard]] Frame record(Range range);

  struct Slot {
    std::uint64_t serial = 0;  // 0: free.
    Range range;
  };

  FrameBacking& backing_;
  Range range_;
  std::uint64_t page_bytes_;
  std::uint64_t warm_limit_bytes_;
  RangeSet free_;
  RangeSet backed_;  // Every lent range is in it.
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_slots_;
  std::uint64_t lent_bytes_ = 0;
  std::uint64_t backed_bytes_ = 0;
  std::uint64_t peak_lent_bytes_ = 0;
  std::uint64_t peak_backed_bytes_ = 0;
  std::uint64_t commits_ = 0;
  std::uint64_t punches_ = 0;
};

}  // namespace pixmill::ipc
