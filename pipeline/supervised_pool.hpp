#pragma once

#include "ipc/pool.hpp"

#include <pixmill/verdict.hpp>

#include <chrono>
#include <cstdint>
#include <string>

/// What pools of worker processes have in common, of files or of images in memory.
namespace pixmill::pipeline {

/// Messages that one worker may have unanswered.
inline constexpr std::uint32_t kRingCapacity = 64;

/// Options of a pool, but for its plan and what its user can do when it fails. An image and its result are within
/// `max_memory` bytes each; `lent_bytes` beside that is lent of each for longer. A region is no larger than the machine
/// could ever fill, nor than its share of the address space, which one process maps them all in.
[[nodiscard]] ipc::PoolOptions supervised_pool(int workers, std::uint64_t max_memory, std::uint64_t lent_bytes = 0);

/// Of ipc::WorkerPlan: private memory for images that are reckoned to take `max_memory`, and how long to spin beside so
/// many other workers.
[[nodiscard]] std::uint64_t worker_memory_bytes(std::uint64_t max_memory);
[[nodiscard]] std::uint64_t worker_spin_ns(int workers);

/// What becomes of an image that failed with its worker, and why, for people.
[[nodiscard]] Verdict verdict_of(ipc::Failure failure);
[[nodiscard]] std::string in_words(ipc::Failure failure, const std::string& reason, int attempts);

}  // namespace pixmill::pipeline
