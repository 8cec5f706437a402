#pragma once

#include "ipc/frame_allocator.hpp"
#include "ipc/region.hpp"

#include <sys/types.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

namespace pixmill::ipc {

/// A worker's region, held by the place that lends parts of it and by the leases on these parts, which may outlive the
/// worker, the place and the pool. Whoever lets go last unmaps it.
class LentRegion {
 public:
  /// As Region.
  explicit LentRegion(std::uint64_t size_bytes) : region_(size_bytes) {}
  LentRegion(const LentRegion&) = delete;
  LentRegion& operator=(const LentRegion&) = delete;

  [[nodiscard]] Region& region() { return region_; }
  [[nodiscard]] std::span<std::byte> memory() const { return region_.memory(); }
  /// The leases that ended since it was last asked. Any thread.
  [[nodiscard]] std::vector<FrameId> take_ended();
  /// As take_ended(), for a place that lends nothing of it any more. What ends later is given back to the machine.
  [[nodiscard]] std::vector<FrameId> retire();
  [[nodiscard]] bool retired();
  /// Whether this process lends it: in a child that was forked since, nothing of it may be touched.
  [[nodiscard]] bool is_own() const { return ::getpid() == owner_; }

 private:
  friend class Lease;
  void end(const Frame& frame) noexcept;

  const pid_t owner_ = ::getpid();
  Region region_;
  std::mutex mutex_;
  std::vector<FrameId> ended_;
  bool retired_ = false;
};

/// A part of a worker's region that is the host's to use until this goes. The pixels of a frame stay where they are
/// whatever becomes of the worker and the pool. The worker can write to it while it lives.
///
/// Movable; ends in any thread. A child that the host forks does not have the memory; leases that end there do not end.
class Lease {
 public:
  Lease() = default;
  Lease(std::shared_ptr<LentRegion> home, const Frame& frame) : home_(std::move(home)), frame_(frame) {}
  Lease(Lease&& other) noexcept = default;
  Lease& operator=(Lease&& other) noexcept;
  ~Lease();

  [[nodiscard]] explicit operator bool() const { return home_ != nullptr; }
  [[nodiscard]] std::span<std::byte> memory() const {
    return home_->memory().subspan(frame_.offset, frame_.size_bytes);
  }
  [[nodiscard]] const std::shared_ptr<LentRegion>& home() const { return home_; }

 private:
  std::shared_ptr<LentRegion> home_;
  Frame frame_;
};

}  // namespace pixmill::ipc
