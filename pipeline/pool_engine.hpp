#pragma once

#include "ipc/pool.hpp"
#include "pipeline/frame_answer.hpp"
#include "pipeline/lent_frames.hpp"
#include "pipeline/program.hpp"
#include "pipeline/result_memory.hpp"

#include <pixmill/pool.hpp>

#include <opencv2/core/mat.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>

namespace pixmill::pipeline {

/// An image on its way through a pool.
struct PoolRequest {
  cv::Mat image;  ///< Without padding.
  std::function<void(ImageResult&&)> done;
};

/// What a pool's own thread does: hands images to worker processes and makes results of what they say. Used by the
/// thread that made it, but for wake().
class PoolEngine final : ipc::Pool::Events {
 public:
  /// `finished` is called with every request and its result, from within wait(). Throws Error.
  PoolEngine(const Plan& plan, const PoolOptions& options, std::shared_ptr<LentFrames> frames,
             std::function<void(PoolRequest&&, ImageResult&&)> finished);
  PoolEngine(const PoolEngine&) = delete;
  PoolEngine& operator=(const PoolEngine&) = delete;
  ~PoolEngine() override;

  /// Throws std::bad_alloc, and Error (machine); then the request is still the caller's.
  void submit(PoolRequest&& request);
  /// Sleeps until something has happened, at most a minute. Throws Error (machine) when no worker can be had.
  void wait();
  void wake() { pool_.wake(); }
  [[nodiscard]] ipc::PoolStatistics statistics() const { return pool_.statistics(); }
  /// Of results, out of workers' memory.
  [[nodiscard]] std::uint64_t bytes_copied_out() const { return bytes_copied_out_; }
  struct InFlight {
    PoolRequest request;
    bool leased = false;  ///< The image lies in a worker's memory, and so may its result.
    /// Of its result; nothing: not known.
    std::optional<kernels::FrameShape> expected = std::nullopt;
  };
  using Requests = std::unordered_map<std::uint64_t, InFlight>;
  /// What has no result yet; it gets none from here any more. Takes no memory.
  [[nodiscard]] Requests give_up() { return std::exchange(in_flight_, {}); }

 private:
  std::span<std::byte> room_for(std::uint64_t /*tag*/, std::uint64_t /*size*/) override { return {}; }
  void answered(std::uint64_t /*tag*/, std::span<const std::byte> /*answer*/, int /*attempts*/) override {}
  void failed(std::uint64_t tag, ipc::Failure failure, const std::string& reason, int attempts) override;
  [[nodiscard]] bool takes_leases() const override { return true; }
  void lent(std::uint64_t tag, std::span<const std::byte> head, ipc::Lease answer, std::uint64_t size_bytes,
            int attempts) override;
  void give_up_spare() override;
  void hand_over(std::uint64_t tag, InFlight& item);
  [[nodiscard]] std::optional<kernels::FrameShape> expected_of(const cv::Mat& image) const;
  [[nodiscard]] cv::Mat image_of(const InFlight& item, ipc::Lease& answer, const FrameAnswer& read);
  [[nodiscard]] cv::Mat copy_of(const ipc::Lease& answer, const FrameAnswer& read);
  void finish(std::uint64_t tag, ImageResult&& result);

  std::function<void(PoolRequest&&, ImageResult&&)> finished_;
  std::shared_ptr<LentFrames> frames_;
  std::shared_ptr<ResultMemory> results_;
  const Program program_;  // outlives the pool, which is made of it
  std::uint64_t most_bytes_;
  std::uint64_t bytes_copied_out_ = 0;
  Requests in_flight_;
  std::uint64_t next_tag_ = 0;
  ipc::Pool pool_;
};

}  // namespace pixmill::pipeline
