#include "pipeline/pool_engine.hpp"
#include "pipeline/pool_options.hpp"

#include <pixmill/error.hpp>
#include <pixmill/pool.hpp>

#include <fmt/format.h>
#include <pthread.h>

#include <opencv2/core.hpp>

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <exception>
#include <map>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <utility>

namespace pixmill {
namespace {

using pipeline::PoolEngine;
using pipeline::PoolRequest;
using Waiting = pipeline::LentFrames::Waiting;

constexpr const char* kClosed = "the pool is closed, and takes no more images";

// Signals are the host's, and for its threads. Those that a thread brings upon itself cannot be held back.
void take_no_signals() {
  sigset_t all;
  sigfillset(&all);
  for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS}) sigdelset(&all, number);
  ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
}

}  // namespace

/// The part that any thread may call, and the life of the thread that has the engine. What changes is guarded by the
/// mutex, but for `thread_`; the engine is that thread's alone, but for wake().
class Pool::Impl {
 public:
  Impl(const Plan& plan, const PoolOptions& options)
      : options_(pipeline::settled(options)), frames_(std::make_shared<pipeline::LentFrames>(options_.max_lent)) {
    std::promise<void> started;
    std::future<void> start = started.get_future();
    try {
      thread_ = std::thread([this, plan, promise = std::move(started)]() mutable { live(plan, promise); });
    } catch (const std::system_error& error) {
      throw Error(ErrorCode::machine, fmt::format("a thread could not be started ({})", error.code().message()));
    }
    try {
      start.get();
    } catch (...) {
      thread_.join();
      throw;
    }
  }
  ~Impl() { terminate(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void submit(const cv::Mat& image, std::function<void(ImageResult&&)> done) {
    PoolRequest request{packed(image), std::move(done)};
    std::unique_lock lock(mutex_);
    // A `done` that submits is called by the thread that would make room.
    if (std::this_thread::get_id() != owner_) {
      changed_.wait(lock, [this] { return over() || unfinished_ < options_.capacity; });
    }
    check_open();
    take(std::move(request), image);
  }

  bool push(const cv::Mat& image, std::uint64_t tag, bool wait, const std::stop_token& stop) {
    PoolRequest request{packed(image), {}};
    std::unique_lock lock(mutex_);
    // By this alone: whoever finds no room can fetch something.
    const auto has_room = [this] { return streaming_ < options_.capacity; };
    if (wait) changed_.wait(lock, stop, [&] { return over() || has_room(); });
    check_open();
    if (!has_room()) return false;
    ++streaming_;
    request.done = [this, tag, number = pushed_++](ImageResult&& result) {
      const std::lock_guard guard(mutex_);
      const std::uint64_t key = options_.order == StreamOrder::as_pushed ? number : completed_++;
      ready_.emplace(key, StreamResult{tag, std::move(result)});
      changed_.notify_all();
    };
    take(std::move(request), image);
    return true;
  }

  std::optional<StreamResult> next(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    const auto given = [this] { return !ready_.empty() && ready_.begin()->first == fetched_; };
    changed_.wait(lock, stop, [&] { return terminated_ || given() || (over() && streaming_ == 0); });
    if (terminated_ || !given()) return std::nullopt;
    StreamResult result = std::move(ready_.begin()->second);
    ready_.erase(ready_.begin());
    ++fetched_;
    --streaming_;
    changed_.notify_all();
    return result;
  }

  cv::Mat acquire(int rows, int columns, int type, Waiting waiting, const std::stop_token& stop) {
    pipeline::check_wish(options_, rows, columns, type);
    bool at_once = false;
    {
      const std::lock_guard lock(mutex_);
      at_once = std::this_thread::get_id() == owner_;
    }
    if (at_once) return frames_->acquire_at_once(rows, columns, type);
    return frames_->acquire(rows, columns, type, waiting, stop);
  }

  void close() {
    frames_->refuse(ErrorCode::usage, kClosed);
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

  void join() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return unfinished_ == 0; });
    if (const std::exception_ptr failure = std::exchange(failure_, nullptr)) std::rethrow_exception(failure);
  }

  void terminate() {
    frames_->refuse(ErrorCode::usage, kClosed);
    {
      const std::lock_guard lock(mutex_);
      closed_ = terminated_ = true;
      ready_.clear();
      if (engine_ != nullptr) engine_->wake();
      changed_.notify_all();
    }
    const std::lock_guard once(joining_);
    if (thread_.joinable()) thread_.join();
  }

  [[nodiscard]] PoolStatistics statistics() const {
    const std::uint64_t lent = frames_->lent_bytes();
    const std::lock_guard lock(mutex_);
    PoolStatistics statistics = statistics_;
    statistics.bytes_copied_in += bytes_packed_;
    statistics.bytes_lent = lent;
    return statistics;
  }

 private:
  // Rows one after the other, as workers want them. A header of the same pixels if they are so already.
  static cv::Mat packed(const cv::Mat& image) {
    if (image.dims > 2 || image.isContinuous()) return image;
    try {
      return image.clone();
    } catch (const cv::Exception&) {
      throw std::bad_alloc();
    }
  }

  [[nodiscard]] bool over() const { return closed_ || !trouble_.empty(); }

  void check_open() const {
    if (!trouble_.empty()) throw Error(ErrorCode::machine, trouble_);
    if (closed_) throw Error(ErrorCode::usage, kClosed);
  }

  void take(PoolRequest&& request, const cv::Mat& given) {
    if (request.image.data != given.data) bytes_packed_ += given.total() * given.elemSize();
    queue_.push_back(std::move(request));
    ++unfinished_;
    ++statistics_.unfinished;
    if (engine_ != nullptr) engine_->wake();
  }

  // The life of the pool's thread.
  void live(const Plan& plan, std::promise<void>& started) {
    take_no_signals();
    std::optional<PoolEngine> engine;
    try {
      engine.emplace(plan, options_, frames_, [this](PoolRequest&& request, ImageResult&& result) {
        finish(std::move(request), std::move(result));
      });
      const std::lock_guard lock(mutex_);
      engine_ = &*engine;
      owner_ = std::this_thread::get_id();
    } catch (...) {
      started.set_exception(std::current_exception());
      return;
    }
    started.set_value();
    std::string why = "the pool was terminated";
    try {
      work(*engine);
    } catch (const std::exception& error) {
      why = error.what();
    }
    end(engine, why);
  }

  void work(PoolEngine& engine) {
    for (;;) {
      std::deque<PoolRequest> begun;
      {
        const std::lock_guard lock(mutex_);
        if (terminated_) return;
        begun.swap(queue_);
      }
      for (PoolRequest& request : begun) engine.submit(std::move(request));
      engine.wait();
      const std::lock_guard lock(mutex_);
      count(engine);
    }
  }

  void count(const PoolEngine& engine) {
    const ipc::PoolStatistics statistics = engine.statistics();
    statistics_.workers_started = statistics.workers_started;
    statistics_.deaths = statistics.deaths;
    statistics_.replaced = statistics.retired;
    statistics_.bytes_copied_in = statistics.bytes_copied_in;
    statistics_.bytes_copied_out = engine.bytes_copied_out();
  }

  // Nobody is left without a result, whatever ended it.
  void end(std::optional<PoolEngine>& engine, const std::string& why) {
    std::vector<PoolRequest> left = engine->give_up();
    {
      const std::lock_guard lock(mutex_);
      engine_ = nullptr;
      if (!terminated_) trouble_ = why;
    }
    frames_->refuse(ErrorCode::machine, why);
    engine.reset();
    for (;;) {
      {
        const std::lock_guard lock(mutex_);
        std::move(queue_.begin(), queue_.end(), std::back_inserter(left));
        queue_.clear();
        changed_.notify_all();
      }
      if (left.empty()) return;
      for (PoolRequest& request : std::exchange(left, {})) {
        finish(std::move(request), {Verdict::cancelled, why, {}});
      }
    }
  }

  void finish(PoolRequest&& request, ImageResult&& result) {
    request.image.release();
    {
      // Before the result is known to anybody.
      const std::lock_guard lock(mutex_);
      ++statistics_.finished;
      --statistics_.unfinished;
      if (!result) ++statistics_.failed;
      if (engine_ != nullptr) count(*engine_);
    }
    std::exception_ptr failure;
    try {
      request.done(std::move(result));
    } catch (...) {
      failure = std::current_exception();
    }
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = failure;
    --unfinished_;
    changed_.notify_all();
  }

  const PoolOptions options_;
  const std::shared_ptr<pipeline::LentFrames> frames_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<PoolRequest> queue_;
  PoolEngine* engine_ = nullptr;  // while it lives
  std::thread::id owner_;
  std::size_t unfinished_ = 0;  // until its `done` has returned
  PoolStatistics statistics_;
  std::uint64_t bytes_packed_ = 0;
  bool closed_ = false;
  bool terminated_ = false;
  std::string trouble_;  // why no worker can be had
  std::exception_ptr failure_;
  // The stream: what was pushed and not fetched, and of that what is ready, by its place.
  std::size_t streaming_ = 0;
  std::uint64_t pushed_ = 0;
  std::uint64_t completed_ = 0;
  std::uint64_t fetched_ = 0;
  std::map<std::uint64_t, StreamResult> ready_;
  std::mutex joining_;
  std::thread thread_;
};

Pool::Pool(const Plan& plan, const PoolOptions& options) : impl_(std::make_unique<Impl>(plan, options)) {}
Pool::~Pool() = default;

std::future<ImageResult> Pool::submit(const cv::Mat& image) {
  const auto promise = std::make_shared<std::promise<ImageResult>>();
  std::future<ImageResult> future = promise->get_future();
  impl_->submit(image, [promise](ImageResult&& result) { promise->set_value(std::move(result)); });
  return future;
}

void Pool::submit(const cv::Mat& image, std::function<void(ImageResult&&)> done) {
  impl_->submit(image, std::move(done));
}

void Pool::push(const cv::Mat& image, std::uint64_t tag) { static_cast<void>(impl_->push(image, tag, true, {})); }
bool Pool::push(const cv::Mat& image, std::uint64_t tag, const std::stop_token& stop) {
  return impl_->push(image, tag, true, stop);
}
bool Pool::try_push(const cv::Mat& image, std::uint64_t tag) { return impl_->push(image, tag, false, {}); }
std::optional<StreamResult> Pool::next(const std::stop_token& stop) { return impl_->next(stop); }

cv::Mat Pool::acquire(int rows, int columns, int type, const std::stop_token& stop) {
  return impl_->acquire(rows, columns, type, Waiting::yes, stop);
}
cv::Mat Pool::try_acquire(int rows, int columns, int type) {
  return impl_->acquire(rows, columns, type, Waiting::no, {});
}

std::vector<ImageResult> Pool::map(std::span<const cv::Mat> images) {
  std::vector<std::future<ImageResult>> futures;
  futures.reserve(images.size());
  for (const cv::Mat& image : images) futures.push_back(submit(image));
  std::vector<ImageResult> results;
  results.reserve(images.size());
  for (std::future<ImageResult>& future : futures) results.push_back(future.get());
  return results;
}

void Pool::close() { impl_->close(); }
void Pool::join() { impl_->join(); }
void Pool::terminate() { impl_->terminate(); }
PoolStatistics Pool::statistics() const { return impl_->statistics(); }

}  // namespace pixmill
