#include "pipeline/supervised_pool.hpp"

#include "pipeline/machine_limits.hpp"

#include <pixmill/machine.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace pixmill::pipeline {

ipc::PoolOptions supervised_pool(int workers, std::uint64_t max_memory, std::uint64_t lent_bytes) {
  constexpr std::uint64_t kAddressSpace = std::uint64_t{1} << 46U;
  // Room for the images that come next.
  constexpr std::uint64_t kForTheNext = std::uint64_t{256} << 20U;
  const std::uint64_t most = kAddressSpace / static_cast<std::uint64_t>(workers);
  ipc::PoolOptions options;
  options.workers = workers;
  options.region_bytes =
      2 * std::min(std::min(max_memory, physical_memory()) + lent_bytes, most / 2 - kForTheNext) + kForTheNext;
  options.ring_capacity = kRingCapacity;
  options.available_memory = [] {
    const std::uint64_t bytes = available_memory();
    return bytes == 0 ? UINT64_MAX : bytes;  // not known: fallocate will tell
  };
  return options;
}

std::uint64_t worker_memory_bytes(std::uint64_t max_memory) {
  // What the allocator wastes is not reckoned.
  constexpr std::uint64_t kAllocatorWaste = std::uint64_t{512} << 20U;
  return std::min(max_memory, physical_memory()) + kAllocatorWaste;
}

std::uint64_t worker_spin_ns(int workers) {
  // A message to a sleeping process takes longer than this; worth spinning for where a core would idle.
  constexpr std::uint64_t kSpinNs = 20'000;
  return usable_cpus() > workers + 1 ? kSpinNs : 0;
}

Verdict verdict_of(ipc::Failure failure) {
  switch (failure) {
    case ipc::Failure::timed_out:
      return Verdict::timeout;
    case ipc::Failure::no_memory:
      return Verdict::out_of_memory;
    case ipc::Failure::died:
    case ipc::Failure::protocol:
      break;
  }
  return Verdict::crashed;
}

std::string in_words(ipc::Failure failure, const std::string& reason, int attempts) {
  std::string words = reason;
  if (failure == ipc::Failure::protocol) words = "protocol: its worker sent what makes no sense";
  if (failure == ipc::Failure::died)
    words = (reason.starts_with("killed") ? "its worker was " : "its worker ") + reason;
  return attempts > 1 ? fmt::format("{}; tried {} times", words, attempts) : words;
}

}  // namespace pixmill::pipeline
