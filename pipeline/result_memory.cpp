#include "pipeline/result_memory.hpp"

#include "pipeline/image_allocator.hpp"

#include <opencv2/core.hpp>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <new>
#include <utility>

namespace pixmill::pipeline {
namespace {

// The allocator keeps smaller ones itself.
constexpr std::uint64_t kLeastBytes = std::uint64_t{128} << 10;
constexpr std::size_t kAlignment = 64;

}  // namespace

void ResultMemory::Free::operator()(std::byte* memory) const noexcept { std::free(memory); }

struct ResultMemory::Held {
  std::shared_ptr<ResultMemory> home;
  Block block;
};

/// What OpenCV calls when the last header of an image goes.
class ResultMemory::Allocator final : public ImageAllocator {
 public:
  /// Never destroyed: images may be the host's to its last moment.
  static const Allocator& one() {
    static const Allocator& allocator = *new Allocator;
    return allocator;
  }

  void deallocate(cv::UMatData* data) const override {
    if (data == nullptr) return;
    const std::unique_ptr<Held> held(static_cast<Held*>(data->userdata));
    delete data;
    // In a child of the host's, a lock may be held by a thread that is not there; then the block is freed.
    if (held->home->owner_ == ::getpid()) held->home->take_back(std::move(held->block));
  }
};

cv::Mat ResultMemory::image(int rows, int columns, int type) {
  const auto bytes = static_cast<std::uint64_t>(rows) * static_cast<std::uint64_t>(columns) * CV_ELEM_SIZE(type);
  if (bytes < kLeastBytes) {
    cv::Mat small(rows, columns, type);
    return small;
  }
  auto held = std::make_unique<Held>();
  auto data = std::make_unique<cv::UMatData>(&Allocator::one());
  held->block = take(bytes);
  held->home = shared_from_this();
  cv::Mat image(rows, columns, type, held->block.memory.get());
  data->data = data->origdata = image.data;
  data->size = bytes;
  data->userdata = held.release();
  image.u = data.release();
  image.addref();
  return image;
}

ResultMemory::Block ResultMemory::fresh(std::uint64_t bytes) {
  const std::uint64_t whole = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  return {std::unique_ptr<std::byte, Free>(static_cast<std::byte*>(std::aligned_alloc(kAlignment, whole))), whole};
}

ResultMemory::Block ResultMemory::take(std::uint64_t bytes) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(spare_.rbegin(), spare_.rend(),
                                    [bytes](const Block& block) { return KeptMemory::fits(block.bytes, bytes); });
    if (found != spare_.rend()) {
      Block block = std::move(*found);
      spare_.erase(std::prev(found.base()));
      spare_bytes_ -= block.bytes;
      return block;
    }
  }
  Block block = fresh(bytes);
  if (!block.memory) {
    // What is kept of other images must not decide what becomes of this one.
    give_up_spare();
    block = fresh(bytes);
  }
  if (!block.memory) throw std::bad_alloc();
  return block;
}

void ResultMemory::take_back(Block block) noexcept {
  std::vector<Block> gone;  // freed without the lock
  const std::lock_guard lock(mutex_);
  if (over_) return;
  try {
    // Those of other sizes make room.
    while (!spare_.empty() && !kept_.room_for(block.bytes, spare_bytes_) &&
           !KeptMemory::fits(spare_.front().bytes, block.bytes)) {
      spare_bytes_ -= spare_.front().bytes;
      gone.push_back(std::move(spare_.front()));
      spare_.erase(spare_.begin());
    }
    if (!kept_.room_for(block.bytes, spare_bytes_)) return;
    spare_bytes_ += block.bytes;
    spare_.push_back(std::move(block));
  } catch (const std::bad_alloc&) {
    spare_bytes_ = 0;
    for (const Block& kept : spare_) spare_bytes_ += kept.bytes;
  }
}

void ResultMemory::give_up_spare() {
  std::vector<Block> gone;
  const std::lock_guard lock(mutex_);
  gone.swap(spare_);
  spare_bytes_ = 0;
}

void ResultMemory::end() {
  give_up_spare();
  const std::lock_guard lock(mutex_);
  over_ = true;
  spare_.clear();
  spare_bytes_ = 0;
}

}  // namespace pixmill::pipeline
