#pragma once

#include "pipeline/inputs/input_list.hpp"

#include <cstdint>
#include <optional>

namespace pixmill::bench {

/// How much of the inputs lies in the page cache.
struct CachedPages {
  std::uint64_t pages = 0;
  std::uint64_t cached = 0;
  std::uint64_t untold = 0;  ///< Files of which the kernel does not tell us: not ours, nor ours to write.
  /// Nothing where the kernel tells of no file.
  [[nodiscard]] std::optional<double> share() const {
    if (pages == 0) return std::nullopt;
    return static_cast<double>(cached) / static_cast<double>(pages);
  }
};

/// Looks (mincore), without reading anything. Files that cannot be opened count as nothing.
[[nodiscard]] CachedPages look_at_cache(const pipeline::InputList& inputs);

/// Asks the kernel to forget what it keeps of the inputs. It need not: what is dirty, mapped by somebody, or on a file
/// system in memory stays. Look afterwards.
void drop_from_cache(const pipeline::InputList& inputs);

/// Reads every regular file among the inputs once, so that the page cache has what it has room for. Those that cannot
/// be read are passed over.
void read_into_cache(const pipeline::InputList& inputs);

}  // namespace pixmill::bench
