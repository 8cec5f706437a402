#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace pixmill::ipc {

/// One message between a coordinator and a worker: what to do with which bytes of the worker's region, or what came of
/// it. A value of one cache line: offsets from the region's begin, never pointers, so that it means the same in every
/// process. A coordinator believes nothing in one that a worker sent until it agrees with its own ledger.
struct Descriptor {
  std::uint64_t task = 0;          ///< The sender's name of the work; the answer repeats it.
  std::uint32_t epoch = 0;         ///< Which life of the worker it was meant for; the answer repeats it.
  std::uint32_t code = 0;          ///< Towards the worker: the kind of work. Back: the status. Meaning is the user's.
  std::uint64_t input_offset = 0;  ///< First byte of the input.
  std::uint64_t input_size_bytes = 0;   ///< Its length.
  std::uint64_t output_offset = 0;      ///< First byte of the output.
  std::uint64_t output_size_bytes = 0;  ///< Towards the worker: the room there is. Back: how much of it is written.
  std::array<std::uint64_t, 2> user{};  ///< Free for the user of the pool.

  friend bool operator==(const Descriptor&, const Descriptor&) = default;
};

static_assert(sizeof(Descriptor) == 64);
static_assert(std::is_trivially_copyable_v<Descriptor> && std::is_standard_layout_v<Descriptor>);
static_assert(std::has_unique_object_representations_v<Descriptor>, "no padding: nothing of the sender's stack leaks");
static_assert(offsetof(Descriptor, epoch) == 8 && offsetof(Descriptor, input_offset) == 16 &&
              offsetof(Descriptor, output_offset) == 32 && offsetof(Descriptor, user) == 48);

}  // namespace pixmill::ipc
