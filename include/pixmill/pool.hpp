#pragma once

#include <pixmill/export.hpp>
#include <pixmill/image.hpp>
#include <pixmill/plan.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace pixmill {

/// In which order Pool::next() gives what was pushed.
enum class StreamOrder : unsigned char {
  as_pushed,
  as_completed,
};

struct PoolOptions {
  int workers = 0;  ///< Processes; 0: usable_cpus().
  /// How many images the pool holds: submit() waits while so many are unfinished, push() while so many were pushed and
  /// not fetched. 0: four a worker.
  std::size_t capacity = 0;
  /// How long an image may take before its worker is killed; zero: for ever.
  std::chrono::milliseconds timeout{60000};
  /// How often an image is tried again after its worker died over it or was killed over its time.
  int retries = 1;
  /// Bytes that an image may have, and that a worker may take for it.
  std::uint64_t max_memory = std::uint64_t{1} << 30;
  /// Whether workers are locked in before they see an image. Default: yes, in every build that can (a sanitizer
  /// cannot).
  std::optional<bool> sandbox;
  StreamOrder order = StreamOrder::as_pushed;
  /// The program pixmill-worker. Empty: that of $PIXMILL_WORKER, else the one installed with this library.
  std::string worker_program;
};

struct PoolStatistics {
  std::uint64_t finished = 0;         ///< Images that have a result.
  std::uint64_t failed = 0;           ///< Of these, without a good verdict.
  std::size_t unfinished = 0;         ///< Images that were taken, and have none yet.
  std::uint64_t workers_started = 0;  ///< Processes, all in all.
  std::uint64_t deaths = 0;           ///< Of workers, whoever killed them.
};

/// One image out of a stream, with the tag that it was pushed with.
struct StreamResult {
  std::uint64_t tag = 0;
  ImageResult result;
};

/// Worker processes that run one plan over images in memory: an image that crashes or hangs its worker costs no other,
/// and the bits are those of Plan::apply().
///
///     pixmill::Pool pool(pixmill::Plan::parse("gray,adaptive=sauvola"));
///     std::future<pixmill::ImageResult> page = pool.submit(photo);
///
/// The program that makes the pool is not forked and may have any number of threads: workers are made by the installed
/// program pixmill-worker. One thread of the pool's own, which takes no signals, looks after them. Workers end with the
/// pool, however the program ends. Several pools may stand side by side.
///
/// Any thread may call anything but the destructor at any time. An image that is handed over is referred to, not
/// copied, if its rows are not padded: leave its pixels alone until its result is there. Its pixels are copied once
/// into the memory that a worker shares, the result's once out of it.
///
/// What befalls an image is its verdict. If no worker can be had at all, what is unfinished is `cancelled` with the
/// reason, and later calls throw Error (machine) with it.
class PIXMILL_API Pool {
 public:
  /// Starts the pool without waiting for its workers. Throws Error: (usage) for options that make no sense, (machine)
  /// if pixmill-worker is not there or no process, thread or descriptor can be had.
  explicit Pool(const Plan& plan, const PoolOptions& options = {});
  /// terminate().
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// Hands an image over; waits while the pool is full. The future always gets a result, never an exception. Throws
  /// Error (usage) after close() or terminate(); std::bad_alloc where there is no room for a copy without padding.
  [[nodiscard]] std::future<ImageResult> submit(const cv::Mat& image);
  /// The same; `done` is called with the result by the pool's thread: be quick. It may submit more, without waiting.
  /// What it throws comes out of join(), the first of it.
  void submit(const cv::Mat& image, std::function<void(ImageResult&&)> done);

  /// Hands an image of the stream over; waits while the pool is full. One thread that pushes and fetches uses
  /// try_push().
  void push(const cv::Mat& image, std::uint64_t tag = 0);
  /// False, at once: there is no room before next() has been called.
  [[nodiscard]] bool try_push(const cv::Mat& image, std::uint64_t tag = 0);
  /// The next image of the stream; waits for it. Nothing: the pool was closed and all was fetched, or it was
  /// terminated.
  [[nodiscard]] std::optional<StreamResult> next();

  /// Runs all images, in their order, and waits for them.
  [[nodiscard]] std::vector<ImageResult> map(std::span<const cv::Mat> images);

  /// Nothing more will be handed over. What was, is done.
  void close();
  /// Waits until nothing is unfinished. Throws what a `done` threw first.
  void join();
  /// Kills the workers. What is unfinished is `cancelled`; what the stream still had is dropped. Nothing more is taken.
  /// Waits for the pool's thread, so not from a `done`.
  void terminate();

  [[nodiscard]] PoolStatistics statistics() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pixmill
