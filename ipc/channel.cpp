#include "ipc/channel.hpp"

#include "ipc/region.hpp"

#include <pixmill/error.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <new>
#include <string>

namespace pixmill::ipc {
namespace {

constexpr std::uint64_t up_to(std::uint64_t offset, std::uint64_t unit) { return (offset + unit - 1) / unit * unit; }

std::span<std::byte> whole(std::span<std::byte> memory, const ChannelMap& map) {
  if (memory.size() < map.size_bytes)
    throw Error(ErrorCode::usage, "a channel of " + std::to_string(map.capacity) + " slots needs " +
                                      std::to_string(map.size_bytes) + " bytes of its region");
  return memory;
}

std::span<std::byte> ring_at(std::span<std::byte> memory, const ChannelMap& map, std::uint64_t offset) {
  return whole(memory, map).subspan(offset, ring_bytes(map.capacity));
}

NewRing new_ring_at(std::span<std::byte> memory, const ChannelMap& map, std::uint64_t offset, std::uint32_t epoch) {
  return reset_ring(ring_at(memory, map, offset), map.capacity, epoch);
}

SleepWord* word_at(std::span<std::byte> memory, std::uint64_t offset) {
  return reinterpret_cast<SleepWord*>(memory.data() + offset);
}

std::uint32_t* epoch_at(std::span<std::byte> memory, const ChannelMap& map) {
  return &reinterpret_cast<RingLayout*>(memory.data() + map.to_worker_offset)->identity.epoch;
}

SleepWord* new_word_at(std::span<std::byte> memory, std::uint64_t offset) {
  return ::new (memory.data() + offset) SleepWord{};
}

}  // namespace

ChannelMap::ChannelMap(std::uint32_t ring_capacity) : capacity(ring_capacity) {
  constexpr std::uint64_t kApart = RingLayout::kApartBytes;
  to_worker_offset = 0;
  worker_sleep_offset = up_to(to_worker_offset + ring_bytes(capacity), kApart);
  to_coordinator_offset = worker_sleep_offset + sizeof(SleepWord);
  coordinator_sleep_offset = up_to(to_coordinator_offset + ring_bytes(capacity), kApart);
  size_bytes = up_to(coordinator_sleep_offset + sizeof(SleepWord), page_bytes());
}

void retire_channel(std::span<std::byte> memory, const ChannelMap& map) {
  std::atomic_ref(*epoch_at(memory, map)).store(0, std::memory_order_relaxed);
  wake_sleeper(*word_at(memory, map.worker_sleep_offset));
}

CoordinatorEnd::CoordinatorEnd(std::span<std::byte> memory, const ChannelMap& map, std::uint32_t epoch)
    : out_(new_ring_at(memory, map, map.to_worker_offset, epoch)),
      in_(new_ring_at(memory, map, map.to_coordinator_offset, epoch)),
      worker_sleep_(new_word_at(memory, map.worker_sleep_offset)),
      own_sleep_(new_word_at(memory, map.coordinator_sleep_offset)),
      capacity_(map.capacity) {}

RingResult CoordinatorEnd::send(std::span<const Descriptor> batch) {
  const RingResult result = out_.push(batch);
  if (result.count > 0) wake_sleeper(*worker_sleep_);
  return result;
}

RingResult CoordinatorEnd::drain(std::vector<Descriptor>& out) {
  std::array<Descriptor, 32> some;
  RingResult all;
  // Bounded, for the case that somebody writes nevertheless.
  while (all.count < capacity_) {
    const RingResult popped = in_.pop(some);
    all.violated = popped.violated;
    if (popped.count == 0) break;
    all.count += popped.count;
    out.insert(out.end(), some.begin(), some.begin() + static_cast<std::ptrdiff_t>(popped.count));
  }
  return all;
}

bool CoordinatorEnd::prepare_to_sleep() {
  announce_sleep(*own_sleep_);
  return !in_.ready();
}

WorkerEnd::WorkerEnd(std::span<std::byte> memory, const ChannelMap& map, std::uint32_t epoch, const EventBell& bell)
    : in_(ring_at(memory, map, map.to_worker_offset), epoch),
      out_(ring_at(memory, map, map.to_coordinator_offset), epoch),
      epoch_(epoch_at(memory, map)),
      own_sleep_(word_at(memory, map.worker_sleep_offset)),
      coordinator_sleep_(word_at(memory, map.coordinator_sleep_offset)),
      bell_(&bell) {}

RingResult WorkerEnd::send(std::span<const Descriptor> batch) {
  const RingResult result = post(batch);
  if (result.count > 0) ring();
  return result;
}

bool WorkerEnd::retired(std::uint32_t epoch) const {
  return std::atomic_ref(*epoch_).load(std::memory_order_relaxed) != epoch;
}

}  // namespace pixmill::ipc
