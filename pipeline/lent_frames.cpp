#include "pipeline/lent_frames.hpp"

#include "pipeline/image_allocator.hpp"
#include "pipeline/kept_memory.hpp"

#include <opencv2/core.hpp>

#include <algorithm>
#include <new>
#include <utility>

namespace pixmill::pipeline {
namespace {

// What is kept for images to come.
constexpr std::uint64_t kSpareBytes = std::uint64_t{32} << 20;
// Ended leases may hold so much until the pool's thread comes by, which is woken for more.
constexpr std::uint64_t kLooseBytes = std::uint64_t{32} << 20;

}  // namespace

struct LentFrames::Held {
  std::shared_ptr<LentFrames> home;
  ipc::Lease lease;
  Kind kind = Kind::input;
};

/// What OpenCV calls when the last header of an image goes.
class LentFrames::Allocator final : public ImageAllocator {
 public:
  /// Never destroyed: images may be the host's to its last moment.
  static const Allocator& one() {
    static const Allocator& allocator = *new Allocator;
    return allocator;
  }
  static const Held& held(const cv::UMatData& data) { return *static_cast<const Held*>(data.userdata); }

  void deallocate(cv::UMatData* data) const override {
    if (data == nullptr) return;
    const std::unique_ptr<Held> held(static_cast<Held*>(data->userdata));
    delete data;
    // In a child of the host's, a lock may be held by a thread that is not there.
    if (held->lease.home()->is_own()) held->home->take_back(std::move(held->lease), held->kind);
  }
};

cv::Mat LentFrames::image_in(ipc::Lease lease, Kind kind, std::size_t offset, int rows, int columns, int type) {
  std::unique_ptr<Held> held;
  std::unique_ptr<cv::UMatData> data;
  try {
    held = std::make_unique<Held>();
    data = std::make_unique<cv::UMatData>(&Allocator::one());
  } catch (const std::bad_alloc&) {
    take_back(std::move(lease), kind);
    throw;
  }
  const std::span<std::byte> memory = lease.memory();
  cv::Mat image(rows, columns, type, memory.data() + offset);
  held->home = shared_from_this();
  held->lease = std::move(lease);
  held->kind = kind;
  data->data = data->origdata = image.data;
  data->size = memory.size() - offset;
  data->userdata = held.release();
  image.u = data.release();
  image.addref();
  return image;
}

cv::Mat LentFrames::acquire(int rows, int columns, int type, Waiting waiting, const std::stop_token& stop) {
  Wish wish{static_cast<std::uint64_t>(rows) * static_cast<std::uint64_t>(columns) * CV_ELEM_SIZE(type), waiting};
  std::unique_lock lock(mutex_);
  if (!why_refused_.empty()) throw Error(refusal_, why_refused_);
  if (wishes_.empty()) wish.lease = take_spare(wish.bytes);
  if (!wish.lease) {
    const bool must_wait = !wishes_.empty() || input_bytes_ - spare_bytes_ + wish.bytes > limit_bytes_;
    if (waiting == Waiting::no && must_wait) return {};
    wish.number = next_wish_++;
    wishes_.push_back(&wish);
    if (wake_) wake_();
    answered_.wait(lock, stop, [&] { return wish.state != State::open || !why_refused_.empty(); });
    if (std::erase(wishes_, &wish) > 0 && !wishes_.empty() && wake_) wake_();
    if (wish.state == State::no_memory) throw std::bad_alloc();
    if (!wish.lease && !why_refused_.empty()) throw Error(refusal_, why_refused_);
    if (!wish.lease) return {};
  }
  lock.unlock();
  return image_in(std::move(wish.lease), Kind::input, 0, rows, columns, type);
}

cv::Mat LentFrames::acquire_at_once(int rows, int columns, int type) {
  const auto bytes = static_cast<std::uint64_t>(rows) * static_cast<std::uint64_t>(columns) * CV_ELEM_SIZE(type);
  std::unique_lock lock(mutex_);
  if (!why_refused_.empty()) throw Error(refusal_, why_refused_);
  if (!lend_) return {};
  bool nothing_lent = false;
  ipc::Lease lease = take_spare(bytes);
  if (!lease) lease = lend_unlocked(bytes, lock, nothing_lent);
  lock.unlock();
  return lease ? image_in(std::move(lease), Kind::input, 0, rows, columns, type) : cv::Mat();
}

const ipc::Lease* LentFrames::lease_of(const cv::Mat& image) const {
  if (image.u == nullptr || image.u->currAllocator != &Allocator::one()) return nullptr;
  const Held& held = Allocator::held(*image.u);
  return held.home.get() == this ? &held.lease : nullptr;
}

void LentFrames::refuse(ErrorCode code, std::string why) {
  const std::lock_guard lock(mutex_);
  if (!why_refused_.empty()) return;
  refusal_ = code;
  why_refused_ = std::move(why);
  answered_.notify_all();
}

void LentFrames::begin(std::function<void()> wake, std::function<ipc::Lease(std::uint64_t)> lend) {
  const std::lock_guard lock(mutex_);
  wake_ = std::move(wake);
  lend_ = std::move(lend);
}

void LentFrames::end() {
  const std::lock_guard lock(mutex_);
  wake_ = nullptr;
  lend_ = nullptr;
  drop_spare();
}

void LentFrames::serve(bool last_hope) {
  std::unique_lock lock(mutex_);
  loose_bytes_ = 0;
  // Who came first is served first, or a large image would wait for ever.
  while (!wishes_.empty()) {
    const std::uint64_t number = wishes_.front()->number;
    const std::uint64_t bytes = wishes_.front()->bytes;
    bool nothing_lent = false;
    ipc::Lease lease = take_spare(bytes);
    if (!lease) lease = lend_unlocked(bytes, lock, nothing_lent);
    if (wishes_.empty() || wishes_.front()->number != number) {  // it did not wait any longer
      if (lease) input_bytes_ -= lease.memory().size();
      continue;
    }
    Wish& wish = *wishes_.front();
    if (lease) {
      wish.state = State::given;
      wish.lease = std::move(lease);
    } else if (wish.waiting == Waiting::no) {
      wish.state = State::none;
    } else if (last_hope && nothing_lent) {
      wish.state = State::no_memory;
    } else {
      return;
    }
    wishes_.pop_front();
    answered_.notify_all();
  }
}

// Memory of a worker, as far as more may be lent. The lock is let go of meanwhile: the machine takes its time, and
// every image that goes needs it. `nothing_lent`: there was nothing that could have come back.
ipc::Lease LentFrames::lend_unlocked(std::uint64_t bytes, std::unique_lock<std::mutex>& lock, bool& nothing_lent) {
  const auto ask = [&] {
    nothing_lent = input_bytes_ == 0 && result_bytes_ == 0;
    lock.unlock();
    ipc::Lease lease = lend_(bytes);
    lock.lock();
    if (lease) input_bytes_ += lease.memory().size();
    return lease;
  };
  if (input_bytes_ + bytes > limit_bytes_) drop_spare();
  if (input_bytes_ + bytes > limit_bytes_) return {};
  ipc::Lease lease = ask();
  if (!lease) lease = take_spare(bytes);  // one that came back meanwhile
  if (lease || spare_.empty()) return lease;
  drop_spare();
  return ask();
}

// One that is not much too large.
ipc::Lease LentFrames::take_spare(std::uint64_t bytes) {
  std::erase_if(spare_, [this](const ipc::Lease& lease) {
    if (!lease.home()->retired()) return false;
    spare_bytes_ -= lease.memory().size();
    input_bytes_ -= lease.memory().size();
    return true;
  });
  const auto fits = [bytes](const ipc::Lease& lease) { return KeptMemory::fits(lease.memory().size(), bytes); };
  const auto found = std::find_if(spare_.begin(), spare_.end(), fits);
  if (found == spare_.end()) return {};
  ipc::Lease lease = std::move(*found);
  spare_.erase(found);
  spare_bytes_ -= lease.memory().size();
  return lease;
}

void LentFrames::drop_spare() {
  input_bytes_ -= spare_bytes_;
  spare_bytes_ = 0;
  spare_.clear();
}

void LentFrames::give_up_spare() {
  const std::lock_guard lock(mutex_);
  drop_spare();
}

bool LentFrames::keep_spare(ipc::Lease& lease) noexcept {
  if (!wake_ || spare_bytes_ + lease.memory().size() > kSpareBytes || lease.home()->retired()) return false;
  try {
    spare_.push_back(std::move(lease));
  } catch (const std::bad_alloc&) {
    return false;
  }
  return true;
}

void LentFrames::take_back(ipc::Lease lease, Kind kind) noexcept {
  const std::uint64_t bytes = lease.memory().size();
  const std::lock_guard lock(mutex_);
  if (kind == Kind::input && keep_spare(lease)) {
    spare_bytes_ += bytes;
  } else {
    lent(kind) -= bytes;
    loose_bytes_ += bytes;
    lease = {};
  }
  if (wake_ && (!wishes_.empty() || loose_bytes_ > kLooseBytes)) {
    loose_bytes_ = 0;
    wake_();
  }
}

cv::Mat LentFrames::result(ipc::Lease& lease, std::size_t offset, int rows, int columns, int type) {
  {
    const std::lock_guard lock(mutex_);
    const std::uint64_t bytes = lease.memory().size();
    if (result_bytes_ + bytes > limit_bytes_) return {};
    result_bytes_ += bytes;
  }
  return image_in(std::move(lease), Kind::result, offset, rows, columns, type);
}

std::uint64_t LentFrames::lent_bytes() const {
  const std::lock_guard lock(mutex_);
  return input_bytes_ - spare_bytes_ + result_bytes_;
}

}  // namespace pixmill::pipeline
