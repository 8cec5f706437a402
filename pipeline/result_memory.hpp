#pragma once

#include "pipeline/kept_memory.hpp"

#include <opencv2/core/mat.hpp>

#include <sys/types.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace pixmill::pipeline {

/// Memory of this process for results, used again when the last header of an image goes: fresh memory costs a page
/// fault for every 4096 bytes. Any thread. Held by the pool and by every such image.
class ResultMemory : public std::enable_shared_from_this<ResultMemory> {
 public:
  explicit ResultMemory(KeptMemory kept) : kept_(kept) {}
  ResultMemory(const ResultMemory&) = delete;
  ResultMemory& operator=(const ResultMemory&) = delete;

  /// An image without padding, its pixels anything. Small ones are OpenCV's. Throws std::bad_alloc, cv::Exception.
  [[nodiscard]] cv::Mat image(int rows, int columns, int type);
  /// Gives back what is kept.
  void give_up_spare();
  /// Keeps nothing from now on.
  void end();

 private:
  struct Free {
    void operator()(std::byte* memory) const noexcept;
  };
  struct Block {
    std::unique_ptr<std::byte, Free> memory;
    std::uint64_t bytes = 0;
  };
  class Allocator;
  struct Held;

  [[nodiscard]] static Block fresh(std::uint64_t bytes);
  [[nodiscard]] Block take(std::uint64_t bytes);
  void take_back(Block block) noexcept;

  const pid_t owner_ = ::getpid();
  std::mutex mutex_;
  KeptMemory kept_;
  std::vector<Block> spare_;  // the last one that came back is the first to go: it is in the cache
  std::uint64_t spare_bytes_ = 0;
  bool over_ = false;
};

}  // namespace pixmill::pipeline
