#pragma once

#include "ipc/frame_allocator.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <utility>

namespace pixmill::ipc {

/// Whether the machine has memory to give, asked before it is taken: in a control group at its limit, fallocate would
/// call the kernel's OOM killer instead of failing. One for all regions of a pool; one thread at a time.
class Admission {
 public:
  /// `available` may be empty: everything is admitted.
  explicit Admission(std::function<std::uint64_t()> available) : available_(std::move(available)) {}

  /// Counts the memory as taken if it says true.
  [[nodiscard]] bool admit(std::uint64_t bytes) {
    if (!available_) return true;
    const auto now = std::chrono::steady_clock::now();
    if (bytes > budget_bytes_ || now >= asked_ + kValid) {
      const std::uint64_t available = available_();
      budget_bytes_ = available > kReserve ? available - kReserve : 0;
      asked_ = now;
    }
    if (bytes > budget_bytes_) return false;
    budget_bytes_ -= bytes;
    return true;
  }

 private:
  // Left to the rest of the machine, and to what this process itself still takes.
  static constexpr std::uint64_t kReserve = std::uint64_t{32} << 20;
  static constexpr std::chrono::milliseconds kValid{100};

  std::function<std::uint64_t()> available_;
  std::uint64_t budget_bytes_ = 0;
  std::chrono::steady_clock::time_point asked_;
};

/// A region's memory, as far as it is admitted. Both must outlive it.
class AdmittedBacking final : public FrameBacking {
 public:
  AdmittedBacking(Region& region, Admission& admission) : backing_(region), admission_(admission) {}
  [[nodiscard]] bool commit(Range range) override { return admission_.admit(range.size()) && backing_.commit(range); }
  void punch(Range range) override { backing_.punch(range); }

 private:
  RegionBacking backing_;
  Admission& admission_;
};

}  // namespace pixmill::ipc
