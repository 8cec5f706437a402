#pragma once

#include <functional>

namespace pixmill::pipeline {

/// Where a run whose workers are processes looks whether they are to stand still; see pause_workers() of
/// <pixmill/batch.hpp>. As long as it lives, pause_workers() waits for the run to come here.
class PausePoint {
 public:
  /// `wake` makes the run's thread look soon. Called from any thread, and not after the destructor.
  explicit PausePoint(std::function<void()> wake);
  ~PausePoint();
  PausePoint(const PausePoint&) = delete;
  PausePoint& operator=(const PausePoint&) = delete;

  /// For the run's thread: calls `stop`, waits for resume_workers(), and calls `go`, if they are to stand still now;
  /// else does nothing, at the cost of one look.
  void heed(const std::function<void()>& stop, const std::function<void()>& go);

 private:
  friend class Pauses;
  std::function<void()> wake_;
  bool standing_ = false;
};

}  // namespace pixmill::pipeline
