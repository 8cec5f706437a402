#include "ipc/lease.hpp"

#include <exception>
#include <memory>
#include <new>
#include <utility>

namespace pixmill::ipc {

std::vector<FrameId> LentRegion::take_ended() {
  const std::lock_guard lock(mutex_);
  return std::exchange(ended_, {});
}

std::vector<FrameId> LentRegion::retire() {
  const std::lock_guard lock(mutex_);
  retired_ = true;
  return std::exchange(ended_, {});
}

bool LentRegion::retired() {
  const std::lock_guard lock(mutex_);
  return retired_;
}

void LentRegion::end(const Frame& frame) noexcept {
  try {
    const std::lock_guard lock(mutex_);
    if (retired_) {
      region_.punch(frame.offset, frame.size_bytes);
    } else {
      ended_.push_back(frame.id);
    }
  } catch (const std::exception&) {
    // Then it goes with the region.
  }
}

Lease& Lease::operator=(Lease&& other) noexcept {
  std::swap(home_, other.home_);
  std::swap(frame_, other.frame_);
  return *this;
}

Lease::~Lease() {
  if (!home_) return;
  if (home_->is_own()) {
    home_->end(frame_);
  } else {
    // Never unmapped: the child may have something else there by now.
    static_cast<void>(new (std::nothrow) std::shared_ptr<LentRegion>(std::move(home_)));
  }
}

}  // namespace pixmill::ipc
