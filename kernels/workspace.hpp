#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace pixmill::kernels {

/// Memory that one worker uses again for every image, so that a warm worker allocates nothing.
///
/// Slots are numbered by their user and grow to the largest size asked for; their content is undefined. Not
/// thread-safe: one a worker. A slot's memory stays valid until the same slot is asked for more bytes, or trim().
class Workspace {
 public:
  /// Memory of at least `bytes` bytes, aligned to 64, without its old content. Throws std::bad_alloc.
  std::span<std::byte> slot(std::size_t index, std::size_t bytes);
  /// Gives back every slot larger than `keep_bytes`.
  void trim(std::size_t keep_bytes);

 private:
  struct Free {
    void operator()(std::byte* memory) const noexcept;
  };
  struct Slot {
    std::unique_ptr<std::byte, Free> memory;
    std::size_t size = 0;
  };
  std::vector<Slot> slots_;
};

/// Who uses which slots.
namespace slots {
inline constexpr std::size_t kFrameA = 0;  ///< The program's two frames, which take turns.
inline constexpr std::size_t kFrameB = 1;
inline constexpr std::size_t kCodec = 2;   ///< 2–7: the decoder's and the encoder's.
inline constexpr std::size_t kKernel = 8;  ///< 8 and up: the running kernel's.
}  // namespace slots

}  // namespace pixmill::kernels
