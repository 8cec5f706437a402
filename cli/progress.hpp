#pragma once

#include "cli/console.hpp"

#include <pixmill/batch.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

namespace pixmill::cli {

/// How far a batch is, at one moment.
struct ProgressSnapshot {
  bool listed = false;     ///< Whether `total` is known.
  std::uint64_t pass = 0;  ///< Of a pass over the images before the last, from 1; 0: the last.
  std::uint64_t total = 0;
  std::uint64_t done = 0;  ///< With any verdict but cancelled.
  std::uint64_t failed = 0;
  std::uint64_t bytes = 0;  ///< Read so far.
  double seconds = 0;       ///< Since the start.
  double images_per_s = 0;  ///< Of late.
  double bytes_per_s = 0;
};

/// Seconds until the end at the present rate; negative while nobody can say.
[[nodiscard]] double seconds_left(const ProgressSnapshot& snapshot);

/// One line for a person of at most `width` columns. What matters least is left out first where it does not fit.
[[nodiscard]] std::string format_bar(const ProgressSnapshot& snapshot, std::size_t width);

/// {"progress": {"total", "done", "failed", "bytes", "seconds", "images_per_s", "mb_per_s", "eta_s"}}; total and eta_s
/// are null while unknown; "pass" comes first in a pass before the last.
[[nodiscard]] std::string format_progress_json(const ProgressSnapshot& snapshot);

/// The rate over the last ten seconds since the inputs were listed, so that a run that slows down or resumes shows it.
class RateWindow {
 public:
  /// Takes the counters at a time, in seconds since any beginning, and fills in the rates.
  void update(ProgressSnapshot& snapshot);

 private:
  struct Sample {
    double seconds = 0;
    std::uint64_t done = 0;
    std::uint64_t bytes = 0;
  };
  std::deque<Sample> samples_ = {Sample{}};
};

enum class ProgressMode { automatic, bar, json, none };

/// Shows how far a batch is, from a thread of its own. The counting functions may be called from any thread and cost a
/// few atomic additions.
class Progress {
 public:
  /// Starts to show, unless nothing is to be shown: a bar needs a terminal. `console` must outlive this.
  Progress(ProgressMode mode, Console& console);
  /// Stops, clears the bar, writes the last JSON object.
  ~Progress() { stop(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// A pass over the images before the last begins.
  void begin_pass(std::uint64_t pass, std::uint64_t images);
  /// Such a pass is done with an image.
  void surveyed(std::uint64_t bytes, Verdict verdict);
  /// The last pass, or the only one, begins.
  void listed(std::uint64_t images);
  void count(const ImageOutcome& outcome);
  /// Bytes read from inputs so far.
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  /// Ends the showing; counting goes on. Calling it again does nothing.
  void stop();

 private:
  void show();
  void loop(std::chrono::milliseconds interval);

  Console& console_;
  const bool json_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::atomic<bool> listed_ = false;
  std::atomic<std::uint64_t> pass_ = 0;
  std::atomic<std::uint64_t> total_ = 0;
  std::atomic<std::uint64_t> done_ = 0;
  std::atomic<std::uint64_t> failed_ = 0;
  std::atomic<std::uint64_t> bytes_ = 0;
  RateWindow rates_;  ///< Of the thread; of stop() once that is joined.
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;  ///< Guarded by mutex_.
  std::thread thread_;
};

}  // namespace pixmill::cli
