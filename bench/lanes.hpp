#pragma once

#include "ipc/descriptor.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

/// Ways to send messages of 64 bytes from one process to another: our ring, and what one would pick instead.
namespace pixmill::bench {

/// What fits into a lane before its sender must wait; also what a pipe's 64 KiB hold.
inline constexpr std::uint32_t kLaneCapacity = 1024;

/// One direction. Made before a fork, then one process pushes and the other pops. Throws std::runtime_error where the
/// system refuses.
class Lane {
 public:
  Lane() = default;
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;
  virtual ~Lane() = default;
  /// Blocks until at least one of them went over; gives how many.
  virtual std::size_t push(std::span<const ipc::Descriptor> batch) = 0;
  virtual std::size_t pop(std::span<ipc::Descriptor> out) = 0;
};

struct LaneKind {
  std::string name;
  bool spins = false;    ///< Who waits keeps a CPU busy.
  bool batches = false;  ///< A call may send more than one message.
  std::function<std::unique_ptr<Lane>()> make;
};

/// Every kind; the first is our ring, spinning.
[[nodiscard]] std::vector<LaneKind> lane_kinds();

/// A pipe, for whoever needs to know that the other side has come so far.
[[nodiscard]] std::unique_ptr<Lane> make_pipe_lane();

}  // namespace pixmill::bench
