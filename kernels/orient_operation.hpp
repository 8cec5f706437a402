#pragma once

#include "kernels/kernel.hpp"

namespace pixmill::kernels {

/// The kernel that turns or mirrors as the EXIF orientation (1–8) asks: orient(), bound. Takes no scratch memory.
[[nodiscard]] Operation orient_operation(int orientation);

}  // namespace pixmill::kernels
