#include "kernels/simd.hpp"

#include <hwy/highway.h>

#include <bit>
#include <cstdint>

namespace pixmill::kernels {

std::string_view simd_target() {
  // Highway numbers its targets so that the best is the lowest bit, and dispatches to the best that was compiled.
  const auto usable = static_cast<std::uint64_t>(hwy::SupportedTargets() & HWY_TARGETS);
  return hwy::TargetName(static_cast<std::int64_t>(usable & (~usable + 1)));
}

}  // namespace pixmill::kernels
