#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace pixmill::pipeline {

/// How much of the memory of images that went is kept for those to come: what so many images of the size of the last
/// one take, but no more than `most_bytes`; and always 32 MiB.
struct KeptMemory {
  std::size_t images = 0;
  std::uint64_t most_bytes = 0;

  /// Whether one of `bytes` may be kept beside `kept_bytes`.
  [[nodiscard]] bool room_for(std::uint64_t bytes, std::uint64_t kept_bytes) const {
    constexpr std::uint64_t kAlways = std::uint64_t{32} << 20U;
    const std::uint64_t wanted = images > most_bytes / std::max<std::uint64_t>(bytes, 1) ? most_bytes : images * bytes;
    return kept_bytes + bytes <= std::max(kAlways, wanted);
  }
  /// Whether memory of `has` bytes will do for an image of `bytes`: it is not much too large.
  [[nodiscard]] static bool fits(std::uint64_t has, std::uint64_t bytes) {
    return has >= bytes && has - bytes <= bytes / 4 + 4096;
  }
};

}  // namespace pixmill::pipeline
