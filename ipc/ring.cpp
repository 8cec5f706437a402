#include "ipc/ring.hpp"

#include <pixmill/error.hpp>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>
#include <string>

namespace pixmill::ipc {
namespace {

using Word = std::atomic_ref<std::uint64_t>;
static_assert(Word::is_always_lock_free && Word::required_alignment <= alignof(RingSlot),
              "a lock would be private to one process, and would stay locked when that dies");

constexpr std::size_t kWords = sizeof(Descriptor) / sizeof(std::uint64_t);

// Word by word from one place to the other: by way of an array on the stack, words written singly would be read again
// as vectors, for which the processor must wait.
void write_slot(RingSlot& slot, const Descriptor& descriptor) {
  const auto* bytes = reinterpret_cast<const std::byte*>(&descriptor);
#pragma GCC unroll 8
  for (std::size_t i = 0; i < kWords; ++i) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes + i * sizeof word, sizeof word);
    Word(slot.words[i]).store(word, std::memory_order_relaxed);
  }
}

void read_slot(RingSlot& slot, Descriptor& descriptor) {
  auto* bytes = reinterpret_cast<std::byte*>(&descriptor);
#pragma GCC unroll 8
  for (std::size_t i = 0; i < kWords; ++i) {
    const std::uint64_t word = Word(slot.words[i]).load(std::memory_order_relaxed);
    std::memcpy(bytes + i * sizeof word, &word, sizeof word);
  }
}

// How many slots ahead of the copying their cache lines are asked for: a slot copied by words takes up what the
// processor has to look ahead with, so that it would wait for one line after the other. Twice as fast a stream by it.
constexpr std::uint64_t kFetchAhead = 32;

void fetch_for_reading(const RingSlot& slot) { __builtin_prefetch(&slot); }

void fetch_for_writing(const RingSlot& slot) {
#if defined(__x86_64__)
  asm volatile("prefetchw %0" : : "m"(slot));  // for the baseline processor, the builtin would fetch for reading
#else
  __builtin_prefetch(&slot, 1);
#endif
}

bool is_aligned(const std::byte* address) {
  return reinterpret_cast<std::uintptr_t>(address) % alignof(RingLayout) == 0;
}

RingPlace place_of(std::byte* memory, std::uint32_t capacity) {
  auto* layout = reinterpret_cast<RingLayout*>(memory);
  return {&layout->tail.value, &layout->head.value, reinterpret_cast<RingSlot*>(memory + sizeof(RingLayout)), capacity};
}

[[noreturn]] void refuse(const std::string& why) { throw Error(ErrorCode::machine, "cannot attach to a ring: " + why); }

RingPlace attach(std::span<std::byte> memory, std::uint32_t epoch) {
  if (memory.size() < sizeof(RingLayout) || !is_aligned(memory.data()))
    refuse("its memory is too small or not aligned");
  const RingLayout::Identity identity = reinterpret_cast<const RingLayout*>(memory.data())->identity;
  if (identity.magic != RingLayout::kMagic) refuse("there is none at this place");
  if (identity.version != RingLayout::kVersion || identity.slot_bytes != sizeof(RingSlot))
    refuse("it has version " + std::to_string(identity.version) + ", and this program knows version " +
           std::to_string(RingLayout::kVersion) + "; the two processes must be of one build");
  if (identity.epoch != epoch)
    refuse("it is of epoch " + std::to_string(identity.epoch) + " and not " + std::to_string(epoch));
  if (!std::has_single_bit(identity.capacity) || identity.capacity > kMaxRingCapacity ||
      ring_bytes(identity.capacity) > memory.size())
    refuse("its " + std::to_string(identity.capacity) + " slots do not fit its memory");
  return place_of(memory.data(), identity.capacity);
}

}  // namespace

NewRing reset_ring(std::span<std::byte> memory, std::uint32_t capacity, std::uint32_t epoch, std::uint64_t start) {
  if (!std::has_single_bit(capacity) || capacity > kMaxRingCapacity)
    throw Error(ErrorCode::usage, "a ring takes a power of two of slots, up to " + std::to_string(kMaxRingCapacity) +
                                      ", and not " + std::to_string(capacity));
  if (memory.size() < ring_bytes(capacity) || !is_aligned(memory.data()))
    throw Error(ErrorCode::usage, "a ring of " + std::to_string(capacity) + " slots needs " +
                                      std::to_string(ring_bytes(capacity)) + " bytes, aligned to " +
                                      std::to_string(alignof(RingLayout)));
  const RingPlace place = place_of(memory.data(), capacity);
  for (std::uint32_t i = 0; i < capacity; ++i) write_slot(place.slots[i], Descriptor{});
  Word(*place.tail).store(start, std::memory_order_relaxed);
  Word(*place.head).store(start, std::memory_order_release);
  reinterpret_cast<RingLayout*>(memory.data())->identity = {RingLayout::kMagic, RingLayout::kVersion, capacity,
                                                            sizeof(RingSlot), epoch};
  return {place, start};
}

RingProducer::RingProducer(std::span<std::byte> memory, std::uint32_t epoch) : place_(attach(memory, epoch)) {
  tail_ = Word(*place_.tail).load(std::memory_order_relaxed);
  head_ = Word(*place_.head).load(std::memory_order_acquire);
  if (tail_ - head_ > place_.capacity) refuse("its indices do not belong together");
}

void RingProducer::look() {
  // Acquire: the consumer's reads of the slots that it gave back come before our writes to them.
  const std::uint64_t head = Word(*place_.head).load(std::memory_order_acquire);
  // It must lie between where it was and what was ever sent. The differences hold also where indices pass 2^64.
  if (head - head_ > tail_ - head_) {
    violated_ = true;
    return;
  }
  head_ = head;
  const std::uint64_t soon = std::min(known_room(), kFetchAhead);
  for (std::uint64_t i = 0; i < soon; ++i) fetch_for_writing(place_.at(tail_ + i));
}

RingResult RingProducer::push(std::span<const Descriptor> batch) {
  if (known_room() < batch.size()) look();
  if (violated_) return {0, true};
  const RingPlace place = place_;
  const std::uint64_t tail = tail_;
  const std::uint64_t room = known_room();
  const std::size_t count = std::min<std::uint64_t>(batch.size(), room);
  if (count == 0) return {};
  for (std::size_t i = 0; i < count; ++i) {
    if (room - i > kFetchAhead) fetch_for_writing(place.at(tail + i + kFetchAhead));
    write_slot(place.at(tail + i), batch[i]);
  }
  tail_ = tail + count;
  // The commit.
  Word(*place.tail).store(tail_, std::memory_order_release);
  return {count, false};
}

RingResult RingProducer::room() {
  look();
  if (violated_) return {0, true};
  return {static_cast<std::size_t>(known_room()), false};
}

RingConsumer::RingConsumer(std::span<std::byte> memory, std::uint32_t epoch) : place_(attach(memory, epoch)) {
  head_ = Word(*place_.head).load(std::memory_order_relaxed);
  tail_ = head_;
}

void RingConsumer::look() {
  // Acquire: the producer's writes to the slots that it committed come before our reads of them.
  const std::uint64_t tail = Word(*place_.tail).load(std::memory_order_acquire);
  // Called only when all that was known is consumed, so an index that went backwards is one far ahead.
  if (tail - head_ > place_.capacity) {
    violated_ = true;
    return;
  }
  tail_ = tail;
  const std::uint64_t soon = std::min(tail_ - head_, kFetchAhead);
  for (std::uint64_t i = 0; i < soon; ++i) fetch_for_reading(place_.at(head_ + i));
}

RingResult RingConsumer::pop(std::span<Descriptor> out) {
  if (head_ == tail_) look();
  if (violated_) return {0, true};
  const RingPlace place = place_;
  const std::uint64_t head = head_;
  const std::uint64_t there = tail_ - head;
  const std::size_t count = std::min<std::uint64_t>(out.size(), there);
  if (count == 0) return {};
  for (std::size_t i = 0; i < count; ++i) {
    if (there - i > kFetchAhead) fetch_for_reading(place.at(head + i + kFetchAhead));
    read_slot(place.at(head + i), out[i]);
  }
  head_ = head + count;
  // Only now may the producer write to these slots again.
  Word(*place.head).store(head_, std::memory_order_release);
  return {count, false};
}

bool RingConsumer::ready() {
  if (head_ == tail_) look();
  return violated_ || head_ != tail_;
}

}  // namespace pixmill::ipc
