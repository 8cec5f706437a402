#pragma once

#include "ipc/lease.hpp"

#include <pixmill/error.hpp>

#include <opencv2/core/mat.hpp>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

namespace pixmill::pipeline {

/// The images of a pool that lie in its workers' memory: which are the host's, how much that is, and who waits for one.
///
/// An image is a cv::Mat whose last header ends its lease, in any thread, and after the pool too. Held by the pool and
/// by every such image.
class LentFrames : public std::enable_shared_from_this<LentFrames> {
 public:
  /// At most so many bytes of images to work on are lent, and so many of results.
  explicit LentFrames(std::uint64_t limit_bytes) : limit_bytes_(limit_bytes) {}
  LentFrames(const LentFrames&) = delete;
  LentFrames& operator=(const LentFrames&) = delete;

  enum class Waiting : std::uint8_t { yes, no };
  /// An image without padding, its pixels anything. Empty: there is none now and nobody shall wait, or `stop` said so.
  /// Throws Error (usage) after refuse(), and std::bad_alloc where there is no memory and none can come back. Any
  /// thread but the pool's; that one says serve() when it is asked. Waiting::no waits for that one alone, and not where
  /// others wait already or too much is lent.
  [[nodiscard]] cv::Mat acquire(int rows, int columns, int type, Waiting waiting, const std::stop_token& stop);
  /// The lease that an image has all of its pixels in; null: it has none, or not of this pool. Valid while the image
  /// is.
  [[nodiscard]] const ipc::Lease* lease_of(const cv::Mat& image) const;
  /// From now on acquire() throws this.
  void refuse(ErrorCode code, std::string why);

  // For the pool's thread:
  /// `wake` makes it call serve(), from any thread; `lend` has memory of a worker, and is called without a lock. Until
  /// end().
  void begin(std::function<void()> wake, std::function<ipc::Lease(std::uint64_t)> lend);
  void end();
  /// Gives those who wait what there is. `last_hope`: nothing but leases could come back.
  void serve(bool last_hope);
  /// The same, for acquire() in the pool's own thread.
  [[nodiscard]] cv::Mat acquire_at_once(int rows, int columns, int type);
  void give_up_spare();
  /// A result that lies in `lease` from `offset`; empty, and the lease untouched, if too much is lent already.
  [[nodiscard]] cv::Mat result(ipc::Lease& lease, std::size_t offset, int rows, int columns, int type);

  [[nodiscard]] std::uint64_t lent_bytes() const;

 private:
  class Allocator;
  struct Held;
  enum class Kind : std::uint8_t { input, result };
  enum class State : std::uint8_t { open, given, none, no_memory };
  struct Wish {
    std::uint64_t bytes;
    Waiting waiting;
    std::uint64_t number = 0;
    State state = State::open;
    ipc::Lease lease = {};
  };

  [[nodiscard]] ipc::Lease lend_unlocked(std::uint64_t bytes, std::unique_lock<std::mutex>& lock, bool& nothing_lent);
  [[nodiscard]] ipc::Lease take_spare(std::uint64_t bytes);
  void drop_spare();
  [[nodiscard]] std::uint64_t& lent(Kind kind) { return kind == Kind::input ? input_bytes_ : result_bytes_; }
  [[nodiscard]] bool keep_spare(ipc::Lease& lease) noexcept;
  void take_back(ipc::Lease lease, Kind kind) noexcept;
  [[nodiscard]] cv::Mat image_in(ipc::Lease lease, Kind kind, std::size_t offset, int rows, int columns, int type);

  const std::uint64_t limit_bytes_;
  mutable std::mutex mutex_;
  std::condition_variable_any answered_;
  std::function<void()> wake_;
  std::function<ipc::Lease(std::uint64_t)> lend_;
  std::deque<Wish*> wishes_;
  std::uint64_t next_wish_ = 0;
  std::vector<ipc::Lease> spare_;  // of images that went; the next of their size costs nothing
  std::uint64_t spare_bytes_ = 0;
  std::uint64_t input_bytes_ = 0;   // lent, and spare
  std::uint64_t result_bytes_ = 0;  // lent
  std::uint64_t loose_bytes_ = 0;   // ended, and the pool's thread not told
  ErrorCode refusal_ = ErrorCode::usage;
  std::string why_refused_;
};

}  // namespace pixmill::pipeline
