#pragma once

#include "ipc/descriptor.hpp"

#include <cstdint>

namespace pixmill::ipc {

/// A descriptor that can be recognised: its number, and in every other field something that follows from it, so that
/// one that was torn, or taken from a slot of another round, shows.
inline Descriptor numbered(std::uint64_t number) {
  const std::uint64_t mixed = (number + 1) * 0x9e3779b97f4a7c15U;
  return {number,
          static_cast<std::uint32_t>(mixed),
          static_cast<std::uint32_t>(mixed >> 32U),
          mixed ^ 1U,
          mixed ^ 2U,
          mixed ^ 3U,
          mixed ^ 4U,
          {mixed ^ 5U, mixed ^ 6U}};
}

}  // namespace pixmill::ipc
