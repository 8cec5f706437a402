#pragma once

#include "bench/child_run.hpp"
#include "bench/mapping.hpp"
#include "bench/report.hpp"
#include "ipc/unique_fd.hpp"

#include <pixmill/batch.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stop_token>
#include <vector>

namespace pixmill::bench {

/// Images that are decoded, in memory that runs share: each the bytes of a binary PNM file, a few bytes of header and
/// the pixels as they are. No process holds pages of it that it did not touch.
class DecodedImages {
 public:
  /// Decodes, in a process of its own, the inputs of `batch` in their order, until `most_bytes` are full. Images that
  /// fail are left out. Throws as run_batch() does for inputs that are wrong, and Error (usage) if no image is left.
  /// Nothing if `stop` ended it.
  [[nodiscard]] static std::optional<DecodedImages> decode(const BatchOptions& batch, std::uint64_t most_bytes,
                                                           const std::stop_token& stop);

  [[nodiscard]] int fd() const { return memory_.get(); }
  /// Images, pixels and bytes; what failed and what there was no memory for.
  [[nodiscard]] const Workload& workload() const { return workload_; }

 private:
  ipc::UniqueFd memory_;
  Workload workload_;
};

/// The images, mapped into this process alone: not into those that it forks.
class MappedImages {
 public:
  /// Throws Error (machine). Keeps nothing of `images` but the mapping.
  explicit MappedImages(const DecodedImages& images);
  [[nodiscard]] const std::vector<std::span<const std::byte>>& images() const { return images_; }

 private:
  Mapping mapping_;
  std::vector<std::span<const std::byte>> images_;
};

/// Runs the chain of `batch` over all images at `point`, `passes` times, and hashes every result. Nothing is encoded.
/// A worker in a process of its own gets the pixels copied into its memory, and its result copied out; one in this
/// process reads them where they are. Every one copies them into the frame that the kernels work in. With `breakdown`
/// it says where the time went.
[[nodiscard]] RunFigures run_in_memory(const BatchOptions& batch, const Point& point, const DecodedImages& images,
                                       std::uint64_t passes, Breakdown* breakdown = nullptr);

}  // namespace pixmill::bench
