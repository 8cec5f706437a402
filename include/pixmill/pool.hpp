#pragma once

#include <pixmill/export.hpp>
#include <pixmill/image.hpp>
#include <pixmill/plan.hpp>
#include <pixmill/start_method.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

/// A Pool keeps one chain of kernels ready in worker processes and runs it over images that lie in memory.
///
///     pixmill::Pool pool(pixmill::Plan::parse("gray,adaptive=sauvola"));
///     std::future<pixmill::ImageResult> page = pool.submit(photo);       // photo is a cv::Mat
///     if (const pixmill::ImageResult result = page.get()) show(result.image);
///     else complain(result.detail);
///
/// An image that crashes its worker, hangs it, or asks for more memory than it may have gets a verdict that says so;
/// all others are done. Use Plan::apply() where that is not needed: it runs in the calling thread and is simpler.
///
/// Images are handed over in one of four ways:
///
///     submit(image)            a future for each
///     submit(image, done)      a callback for each
///     push(image), next()      a stream: results one by one, in order, with back-pressure
///     map(images)              all at once
///
/// Any of them copies the pixels to a worker and the result's back, unless the image came from acquire().
namespace pixmill {

/// In which order Pool::next() gives what was pushed.
enum class StreamOrder : unsigned char {
  as_pushed,
  as_completed,
};

/// How a pool is made. A value.
struct PoolOptions {
  /// Processes. 0: as many as there are CPUs that this process may use.
  int workers = 0;
  /// How many images the pool holds: submit() waits while so many have no result yet, push() while so many were pushed
  /// and not fetched by next(). 0: four a worker.
  std::size_t capacity = 0;
  /// How long an image may take before its worker is killed; zero: for ever.
  std::chrono::milliseconds timeout{60000};
  /// How often an image is tried again after its worker died over it or was killed over its time. When these are used
  /// up, its verdict is `crashed` or `timeout`.
  int retries = 1;
  /// Bytes that the pixels of an image may have, and that a worker may take to work on one. Beyond: `too_large`,
  /// `out_of_memory`.
  std::uint64_t max_memory = std::uint64_t{1} << 30;
  /// Bytes of images from acquire() that may exist at one time, and again of results that lie in workers' memory.
  /// Memory is kept for images to come of the size of late: up to so much in workers, and half as much for results.
  std::uint64_t max_lent = std::uint64_t{1} << 30;
  /// After so many images a worker is replaced by a fresh one; 0: never. For kernels that are not trusted to give back
  /// what they take. What still lies in its memory is copied once more.
  std::uint64_t images_a_worker = 0;
  /// Whether workers are locked in before they see an image: no files, no network, no new processes. Default: yes, in
  /// every build that can (a sanitizer cannot). Where the machine cannot, the pool fails.
  std::optional<bool> sandbox;
  /// For next().
  StreamOrder order = StreamOrder::as_pushed;
  /// Of what workers are made.
  StartMethod start = StartMethod::program;
  /// The program pixmill-worker, for StartMethod::program. Empty: that of the environment variable PIXMILL_WORKER, else
  /// the one that was installed with this library.
  std::string worker_program;
};

/// What a pool has done so far.
struct PoolStatistics {
  std::uint64_t finished = 0;          ///< Images that have a result.
  std::uint64_t failed = 0;            ///< Of these, without a good verdict.
  std::size_t unfinished = 0;          ///< Images that were taken, and have none yet.
  std::uint64_t workers_started = 0;   ///< Processes, all in all.
  std::uint64_t deaths = 0;            ///< Workers that died, whoever killed them; not those that were replaced.
  std::uint64_t replaced = 0;          ///< Workers that had done PoolOptions::images_a_worker.
  std::uint64_t bytes_copied_in = 0;   ///< Of pixels, on their way to a worker.
  std::uint64_t bytes_copied_out = 0;  ///< Of pixels, on their way back.
  std::uint64_t bytes_lent = 0;        ///< At this moment, of workers' memory that images of yours lie in.
};

/// One image out of a stream, with the tag that it was pushed with.
struct StreamResult {
  std::uint64_t tag = 0;  ///< As it was pushed.
  ImageResult result;     ///< What became of it.
};

/// Worker processes that run one plan over images in memory; see above.
///
/// The bits are those of Plan::apply(). The process that makes a pool is not forked, unless it wishes so
/// (StartMethod), and may have any number of threads. One thread of the pool's own, which takes no
/// signals, looks after them. They end with the pool, and with the process, however it ends. Several pools may stand
/// side by side. Signal handlers, other children, descriptors and OpenCV's threads are left alone.
///
/// Any thread may call anything but the destructor at any time. Every call that waits ends when the pool is terminated.
/// Within a `done`, push(), next(), map(), join() and terminate() throw Error (usage), as they wait for the thread that
/// calls it; and get() of a future waits for ever. In a child that you fork every call throws Error (usage).
///
/// What befalls an image is the verdict of its result. Error and std::bad_alloc are thrown for wrong use and want of
/// resources: (usage) after close() or terminate(); (machine), with the reason, once no worker can be had at all, when
/// what was unfinished is `cancelled`.
class PIXMILL_API Pool {
 public:
  /// Starts the pool without waiting for its workers; about a millisecond. Throws Error: (usage) for options that make
  /// no sense, and for an own kernel that the workers cannot have; (machine) if pixmill-worker is not there or no
  /// process, thread or descriptor can be had.
  explicit Pool(const Plan& plan, const PoolOptions& options = {});
  /// terminate(). In a child that you fork: nothing, and its memory stays.
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // --- Handing images over. An image is referred to until its result is there: leave its pixels alone. (One with
  // padded rows is copied at once.) What is no image, as <pixmill/image.hpp> says it, is `unsupported`.

  /// Waits while the pool is full. The future always gets a result, never an exception.
  [[nodiscard]] std::future<ImageResult> submit(const cv::Mat& image);
  /// Likewise; `done` is called with the result by the pool's thread: be quick. It may submit more, without waiting.
  /// What it throws comes out of join(), the first of it.
  void submit(const cv::Mat& image, std::function<void(ImageResult&&)> done);

  /// Adds to the stream; waits while the pool is full. A thread that both pushes and fetches uses try_push().
  void push(const cv::Mat& image, std::uint64_t tag = 0);
  /// Likewise; false: `stop` ended the waiting, and the image was not taken.
  [[nodiscard]] bool push(const cv::Mat& image, std::uint64_t tag, const std::stop_token& stop);
  /// False, at once: there is no room before next() has been called.
  [[nodiscard]] bool try_push(const cv::Mat& image, std::uint64_t tag = 0);
  /// The next image of the stream; waits for it. Nothing: the pool was closed and all was fetched, or it was
  /// terminated, or `stop` ended the waiting.
  [[nodiscard]] std::optional<StreamResult> next(const std::stop_token& stop = {});

  /// Runs all images, in their order, and waits for them.
  [[nodiscard]] std::vector<ImageResult> map(std::span<const cv::Mat> images);

  // --- Without copies. An image from acquire() lies in memory that one worker shares, and so does its result. Fill it,
  // hand it over, let go of it:
  //
  //     cv::Mat frame = pool.acquire(1080, 1920, CV_8UC3);
  //     camera.read_into(frame);
  //     pool.push(frame);
  //
  // It is a cv::Mat like any other, may be handed over any number of times, in whole or some of its rows, and be kept
  // beyond the pool's end. Its memory is lent until the last header that refers to it goes, and that of a result
  // likewise; a child that you fork does not have it.
  //
  // The worker that shares an image can write to it while it lives: one that hostile pixels have taken over can change
  // a result while you read it, and what a second attempt starts from. Where decisions hang on the pixels, copy first
  // (cv::Mat::clone()) and look at the copy; or do not use acquire(), as all other results are yours alone.
  //
  // Pixels are copied nevertheless where the worker has died or been replaced since, where it had no time for the image
  // for a tenth of a second while another was idle, and for results beyond PoolOptions::max_lent. statistics() counts.

  /// An image in a worker's memory, its pixels anything. Waits while too much is lent: let go of images and results,
  /// or another thread must. Empty: `stop` ended the waiting. In a `done` it does not wait, and may be empty.
  ///
  /// `type` is CV_8UC1 to CV_8UC4 or CV_16UC1 to CV_16UC4. Throws Error (usage) for what is no image, or larger than
  /// max_memory or max_lent; std::bad_alloc where the machine has no memory and nothing is lent that could come back.
  [[nodiscard]] cv::Mat acquire(int rows, int columns, int type, const std::stop_token& stop = {});
  /// Likewise; empty where acquire() would wait: at once where too much is lent or others wait already. Otherwise the
  /// pool's thread is asked, so it may wait for a `done` that runs: hold no lock that one takes.
  [[nodiscard]] cv::Mat try_acquire(int rows, int columns, int type);

  // --- The end.

  /// Nothing more will be handed over. What was, is done.
  void close();
  /// Waits until nothing is unfinished. Throws what a `done` threw first.
  void join();
  /// Kills the workers. What is unfinished is `cancelled`; what the stream still had is dropped. Nothing more is taken.
  /// Waits for the pool's thread, so not from a `done`.
  void terminate();

  /// So far.
  [[nodiscard]] PoolStatistics statistics() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pixmill
