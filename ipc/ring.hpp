#pragma once

#include "ipc/descriptor.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

namespace pixmill::ipc {

/// A queue of descriptors in shared memory, for one producer and one consumer in two processes (or threads), either of
/// which may die at any instruction and either of which may lie.
///
/// Two indices count the descriptors ever pushed (`tail`, written by the producer alone) and popped (`head`, written by
/// the consumer alone); they are 64 bits, only grow, and lie on cache lines of their own. Slot `index % capacity` holds
/// descriptor `index`. A push writes slots, then stores `tail` once with release order: **that store is the commit**.
/// Who dies before it has sent nothing of the batch; who dies after it has sent all of it. The like for a pop.
///
/// All that a side decides by is in its handle, in private memory: capacity, its own index, the last good index of its
/// peer. From shared memory it reads only the peer's index, which it checks, and slots, which it copies out once; both
/// by atomic reads, so that a peer who writes meanwhile makes the values wrong, and nothing undefined.
///
/// Nothing here waits, allocates, or makes a system call; see ipc/wait.hpp for waiting.

/// The image of a ring in memory: what stands before its slots. Trivially copyable; every field at a fixed offset.
struct RingLayout {
  /// Two lines, because processors fetch lines in pairs.
  static constexpr std::size_t kApartBytes = 128;
  static constexpr std::uint32_t kMagic = 0x70786d52;  // "Rmxp"
  static constexpr std::uint32_t kVersion = 1;

  struct alignas(kApartBytes) Identity {
    std::uint32_t magic;
    std::uint32_t version;
    std::uint32_t capacity;    ///< Slots: a power of two.
    std::uint32_t slot_bytes;  ///< 64.
    std::uint32_t epoch;       ///< Which life of the worker the ring serves.
  };
  struct alignas(kApartBytes) Index {
    std::uint64_t value;
  };

  Identity identity;
  Index tail;
  Index head;
};
static_assert(std::is_trivially_copyable_v<RingLayout> && std::is_standard_layout_v<RingLayout>);
static_assert(sizeof(RingLayout) == 3 * RingLayout::kApartBytes);
static_assert(offsetof(RingLayout, tail) == 128 && offsetof(RingLayout, head) == 256);

/// One slot in shared memory: a descriptor as words, each of which is read and written whole.
struct RingSlot {
  std::uint64_t words[sizeof(Descriptor) / sizeof(std::uint64_t)];
};
static_assert(sizeof(RingSlot) == sizeof(Descriptor) && std::is_trivially_copyable_v<RingSlot>);

inline constexpr std::uint32_t kMaxRingCapacity = 1U << 16;

/// Bytes that a ring of `capacity` slots takes, a multiple of 64. A ring must begin at a multiple of 128.
constexpr std::size_t ring_bytes(std::uint32_t capacity) { return sizeof(RingLayout) + capacity * sizeof(RingSlot); }

/// What a push or a pop did.
struct RingResult {
  std::size_t count = 0;  ///< Descriptors that went over; 0 for a full or an empty ring.
  /// The peer's index went backwards or further than it can: the peer broke the protocol, or something broke its
  /// memory. Nothing went over, and nothing ever will over this handle.
  bool violated = false;
};

/// Where a ring lies, as one side remembers it in private memory.
struct RingPlace {
  std::uint64_t* tail = nullptr;
  std::uint64_t* head = nullptr;
  RingSlot* slots = nullptr;
  std::uint32_t capacity = 0;

  [[nodiscard]] RingSlot& at(std::uint64_t index) const { return slots[index & (capacity - 1)]; }
};

/// A ring as its maker knows it, without reading any of it.
struct NewRing {
  RingPlace place;
  std::uint64_t start = 0;  ///< Of both indices.
};

/// Makes an empty ring in `memory`, whatever lay there: a new epoch. For the coordinator, while no worker is attached:
/// none was started yet, or the last one is dead and reaped (what it committed was drained, the old handles are not
/// used again). `capacity` is a power of two from 1 to kMaxRingCapacity. `start` is the value that both indices begin
/// with. Throws pixmill::Error (usage) for a wrong capacity, too little memory or an unaligned one.
NewRing reset_ring(std::span<std::byte> memory, std::uint32_t capacity, std::uint32_t epoch, std::uint64_t start = 0);

/// The sending end. One in the whole machine for a ring and epoch; used by one thread at a time. Does not own the
/// memory, which must outlive it. Not copied while in use: a copy has its own idea of the index.
class RingProducer {
 public:
  /// For who made the ring: reads nothing of it.
  explicit RingProducer(const NewRing& ring) : place_(ring.place), tail_(ring.start), head_(ring.start) {}
  /// Attaches to a ring that another process made in `memory`, and believes it. Throws pixmill::Error (machine) when
  /// what lies there is no ring of this version and epoch, or does not fit `memory`.
  RingProducer(std::span<std::byte> memory, std::uint32_t epoch);

  /// Sends as many of `batch`, from its first on, as there is room for, with one commit. Lock-free, no system call; a
  /// copy of 64 bytes a descriptor, and one read of the peer's cache line only when the room last seen does not do.
  [[nodiscard]] RingResult push(std::span<const Descriptor> batch);
  /// Looks at the peer's index now. Count: how many descriptors a push would take.
  [[nodiscard]] RingResult room();

 private:
  void look();
  [[nodiscard]] std::uint64_t known_room() const { return place_.capacity - (tail_ - head_); }

  RingPlace place_;
  std::uint64_t tail_ = 0;
  std::uint64_t head_ = 0;  // The peer's, as last seen.
  bool violated_ = false;
};

/// The receiving end. The same contract as for RingProducer.
class RingConsumer {
 public:
  explicit RingConsumer(const NewRing& ring) : place_(ring.place), head_(ring.start), tail_(ring.start) {}
  RingConsumer(std::span<std::byte> memory, std::uint32_t epoch);

  /// Copies out the oldest descriptors, at most `out.size()`, and gives their slots back with one store. Cost as for
  /// push(). It may give fewer than there are; 0 means that the ring was empty.
  ///
  /// After the producer's death (reaped, so that no thread of it writes any more) the ring still holds all that it
  /// committed: pop until 0 comes back, then reset_ring().
  [[nodiscard]] RingResult pop(std::span<Descriptor> out);
  /// True when pop() would give something, or say that the protocol is violated: there is a reason not to sleep.
  [[nodiscard]] bool ready();

 private:
  void look();

  RingPlace place_;
  std::uint64_t head_ = 0;
  std::uint64_t tail_ = 0;  // The peer's, as last seen.
  bool violated_ = false;
};

}  // namespace pixmill::ipc
