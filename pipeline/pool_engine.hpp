#pragma once

#include "ipc/pool.hpp"

#include <pixmill/pool.hpp>

#include <opencv2/core/mat.hpp>

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

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
  PoolEngine(const Plan& plan, const PoolOptions& options, std::function<void(PoolRequest&&, ImageResult&&)> finished);

  void submit(PoolRequest request);
  /// Sleeps until something has happened, at most a minute. Throws Error (machine) when no worker can be had.
  void wait();
  void wake() { pool_.wake(); }
  [[nodiscard]] ipc::PoolStatistics statistics() const { return pool_.statistics(); }
  /// What has no result yet; it gets none from here any more.
  [[nodiscard]] std::vector<PoolRequest> give_up();

 private:
  struct InFlight {
    PoolRequest request;
    cv::Mat answer;  // as bytes
  };

  std::span<std::byte> room_for(std::uint64_t tag, std::uint64_t size) override;
  void answered(std::uint64_t tag, std::span<const std::byte> answer, int attempts) override;
  void failed(std::uint64_t tag, ipc::Failure failure, const std::string& reason, int attempts) override;
  void finish(std::uint64_t tag, ImageResult&& result);

  std::function<void(PoolRequest&&, ImageResult&&)> finished_;
  std::uint64_t most_bytes_;
  std::unordered_map<std::uint64_t, InFlight> in_flight_;
  std::uint64_t next_tag_ = 0;
  ipc::Pool pool_;
};

}  // namespace pixmill::pipeline
