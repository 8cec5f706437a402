#pragma once

#include "bench/child_run.hpp"
#include "bench/memory_mode.hpp"

#include <pixmill/batch.hpp>

namespace pixmill::bench {

/// Reads and decodes every image of `batch` on `jobs` threads, and nothing else: to gray where the chain begins with
/// that. Throws as run_batch() does for inputs that are wrong.
[[nodiscard]] RunFigures decode_alone(const BatchOptions& batch, int jobs);

/// Copies every image `passes` times on `jobs` threads, each into memory of its own that is used again.
[[nodiscard]] RunFigures copy_alone(const DecodedImages& images, std::uint64_t passes, int jobs);

}  // namespace pixmill::bench
