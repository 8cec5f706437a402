#pragma once

#include <string_view>

namespace pixmill::kernels {

/// The instruction set that the kernels run with on this machine: "AVX2", "SSE4", … The same bits come out whichever it
/// is. Thread-safe.
[[nodiscard]] std::string_view simd_target();

}  // namespace pixmill::kernels
