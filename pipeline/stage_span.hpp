#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

namespace pixmill::pipeline {

/// What time goes into. From `kernel` on: the steps of the chain, in order.
enum class Stage : std::uint32_t {
  read,    ///< The file, and its hash.
  decode,  ///< With the header, the counting of levels and the turning upright.
  reduce,  ///< What is left to do for reductions, and levels that are applied for a finished frame.
  encode,  ///< With the levels that are applied on the way.
  write,   ///< Output, journal and row; what is folded.
  lost,    ///< An attempt of which nothing came, since its worker died or was ended.
  kernel,
};
constexpr Stage stage_of_step(std::size_t step) {
  return static_cast<Stage>(static_cast<std::uint32_t>(Stage::kernel) + static_cast<std::uint32_t>(step));
}
/// Of a chain of so many steps: stages have smaller numbers.
constexpr std::uint32_t stage_count(std::size_t steps) { return static_cast<std::uint32_t>(stage_of_step(steps)); }

/// One stretch of an image's time, in nanoseconds of the monotonic clock, which processes share.
struct StageSpan {
  std::uint64_t begin_ns = 0;
  std::uint64_t end_ns = 0;
  std::uint32_t stage = 0;
  std::uint32_t unused = 0;
};
static_assert(sizeof(StageSpan) == 24);

[[nodiscard]] inline std::uint64_t monotonic_ns(
    std::chrono::steady_clock::time_point time = std::chrono::steady_clock::now()) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count());
}

/// Notes how long it lives. Costs one branch where there is nowhere to note it.
class StageTimer {
 public:
  /// `spans` may be null. It never grows beyond what is reserved in it.
  StageTimer(std::vector<StageSpan>* spans, Stage stage) : spans_(spans), stage_(stage) {
    if (spans_ != nullptr) begin_ns_ = monotonic_ns();
  }
  ~StageTimer() {
    if (spans_ != nullptr && spans_->size() < spans_->capacity()) {
      spans_->push_back({begin_ns_, monotonic_ns(), static_cast<std::uint32_t>(stage_), 0});
    }
  }
  StageTimer(const StageTimer&) = delete;
  StageTimer& operator=(const StageTimer&) = delete;

 private:
  std::vector<StageSpan>* spans_;
  std::uint64_t begin_ns_ = 0;
  Stage stage_;
};

}  // namespace pixmill::pipeline
