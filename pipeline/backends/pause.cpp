#include "pipeline/backends/pause.hpp"

#include <pixmill/batch.hpp>
#include <pixmill/error.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>
#include <vector>

namespace pixmill::pipeline {

/// All runs of this process that can be paused.
class Pauses {
 public:
  static Pauses& instance() {
    static Pauses pauses;
    return pauses;
  }

  void enter(PausePoint& point) {
    const std::lock_guard lock(mutex_);
    points_.push_back(&point);
  }

  void leave(const PausePoint& point) {
    {
      const std::lock_guard lock(mutex_);
      std::erase(points_, &point);
    }
    changed_.notify_all();
  }

  // A run that is busy with something else is not waited for for long: its workers go on a little.
  void pause() {
    constexpr std::chrono::milliseconds kPatience{500};
    std::unique_lock lock(mutex_);
    paused_ = true;
    for (const PausePoint* point : points_) {
      try {
        point->wake_();
      } catch (const Error&) {
        // It looks by itself before long.
      }
    }
    changed_.wait_for(lock, kPatience, [this] {
      return std::all_of(points_.begin(), points_.end(), [](const PausePoint* point) { return point->standing_; });
    });
  }

  void resume() {
    {
      const std::lock_guard lock(mutex_);
      paused_ = false;
    }
    changed_.notify_all();
  }

  [[nodiscard]] bool paused() const { return paused_; }

  void stand(PausePoint& point) {
    std::unique_lock lock(mutex_);
    point.standing_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !paused_; });
    point.standing_ = false;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<PausePoint*> points_;
  std::atomic<bool> paused_{false};  // changed under the mutex
};

PausePoint::PausePoint(std::function<void()> wake) : wake_(std::move(wake)) { Pauses::instance().enter(*this); }

PausePoint::~PausePoint() { Pauses::instance().leave(*this); }

void PausePoint::heed(const std::function<void()>& stop, const std::function<void()>& go) {
  if (!Pauses::instance().paused()) return;
  stop();
  Pauses::instance().stand(*this);
  go();
}

}  // namespace pixmill::pipeline

namespace pixmill {

void pause_workers() { pipeline::Pauses::instance().pause(); }

void resume_workers() { pipeline::Pauses::instance().resume(); }

}  // namespace pixmill
