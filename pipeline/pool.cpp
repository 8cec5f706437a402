#include "pipeline/pool_engine.hpp"
#include "pipeline/pool_options.hpp"

#include <pixmill/error.hpp>
#include <pixmill/pool.hpp>

#include <fmt/format.h>
#include <pthread.h>
#include <unistd.h>

#include <opencv2/core.hpp>

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <exception>
#include <map>
#include <mutex>
#include <new>
#include <string>
#include <string_view>
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

// The pool whose thread this is.
thread_local const void* pool_of_this_thread = nullptr;

// Where there is no memory for an image there may be none for words.
std::string copy_of(std::string_view words) noexcept {
  try {
    return std::string(words);
  } catch (const std::bad_alloc&) {
    return "out of memory";
  }
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
  ~Impl() { stop(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  /// In a child of the process that made the pool there is none of its threads, and what these held locked stays so.
  [[nodiscard]] bool is_own() const { return ::getpid() == pid_; }

  /// Before every call: whether it may be made here.
  void check_process() const {
    if (!is_own()) throw Error(ErrorCode::usage, "a pool is not for children of the process that made it");
  }
  /// Before every call that waits for what the pool's thread will do.
  void check_may_wait(const char* call) const {
    check_process();
    if (!in_own_thread()) return;
    throw Error(ErrorCode::usage,
                fmt::format("{} waits, which a done must not; use try_push or submit with a done", call));
  }

  void submit(const cv::Mat& image, std::function<void(ImageResult&&)> done) {
    check_process();
    PoolRequest request{packed(image), std::move(done)};
    std::unique_lock lock(mutex_);
    // A `done` that submits is called by the thread that would make room.
    if (!in_own_thread()) {
      changed_.wait(lock, [this] { return over() || unfinished_ < options_.capacity; });
    }
    check_open();
    take(std::move(request), image);
  }

  bool push(const cv::Mat& image, std::uint64_t tag, bool wait, const std::stop_token& stop) {
    wait ? check_may_wait("push") : check_process();
    // Made now, so that whatever becomes of the image, its place in the stream is not lost for want of memory.
    const auto place = std::make_shared<Ready::node_type>(place_of(tag));
    PoolRequest request{packed(image), [this, place](ImageResult&& result) { now_ready(*place, std::move(result)); }};
    std::unique_lock lock(mutex_);
    // By this alone: whoever finds no room can fetch something.
    const auto has_room = [this] { return streaming_ < options_.capacity; };
    if (wait) changed_.wait(lock, stop, [&] { return over() || has_room(); });
    check_open();
    if (!has_room()) return false;
    place->key() = pushed_;
    take(std::move(request), image);
    ++pushed_;
    ++streaming_;
    return true;
  }

  std::optional<StreamResult> next(const std::stop_token& stop) {
    check_may_wait("next");
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
    check_process();
    pipeline::check_wish(options_, rows, columns, type);
    if (in_own_thread()) return frames_->acquire_at_once(rows, columns, type);
    return frames_->acquire(rows, columns, type, waiting, stop);
  }

  void close() {
    check_process();
    frames_->refuse(ErrorCode::usage, kClosed);
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

  void join() {
    check_may_wait("join");
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return unfinished_ == 0; });
    if (const std::exception_ptr failure = std::exchange(failure_, nullptr)) std::rethrow_exception(failure);
  }

  void terminate() {
    check_may_wait("terminate");
    stop();
  }

  void stop() {
    frames_->refuse(ErrorCode::usage, copy_of(kClosed));
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
    check_process();
    const std::uint64_t lent = frames_->lent_bytes();
    const std::lock_guard lock(mutex_);
    PoolStatistics statistics = statistics_;
    statistics.bytes_copied_in += bytes_packed_;
    statistics.bytes_lent = lent;
    return statistics;
  }

 private:
  using Ready = std::map<std::uint64_t, StreamResult>;

  // Rows one after the other, as workers want them. A header of the same pixels if they are so already.
  static cv::Mat packed(const cv::Mat& image) {
    if (image.dims > 2 || image.isContinuous()) return image;
    try {
      return image.clone();
    } catch (const cv::Exception&) {
      throw std::bad_alloc();
    }
  }

  static Ready::node_type place_of(std::uint64_t tag) {
    Ready one;
    one.try_emplace(0).first->second.tag = tag;
    return one.extract(one.begin());
  }

  // Takes no memory.
  void now_ready(Ready::node_type& place, ImageResult&& result) {
    const std::lock_guard lock(mutex_);
    if (options_.order == StreamOrder::as_completed) place.key() = completed_++;
    place.mapped().result = std::move(result);
    ready_.insert(std::move(place));
    changed_.notify_all();
  }

  [[nodiscard]] bool in_own_thread() const { return pool_of_this_thread == this; }

  [[nodiscard]] bool over() const { return closed_ || !trouble_.empty(); }

  void check_open() const {
    if (!trouble_.empty()) throw Error(ErrorCode::machine, trouble_);
    if (closed_) throw Error(ErrorCode::usage, kClosed);
  }

  // Or nothing is changed, where there is no memory.
  void take(PoolRequest&& request, const cv::Mat& given) {
    const bool copied = request.image.data != given.data;
    queue_.push_back(std::move(request));
    if (copied) bytes_packed_ += given.total() * given.elemSize();
    ++unfinished_;
    ++statistics_.unfinished;
    if (engine_ != nullptr) engine_->wake();
  }

  // The life of the pool's thread.
  void live(const Plan& plan, std::promise<void>& started) {
    take_no_signals();
    pool_of_this_thread = this;
    std::optional<PoolEngine> engine;
    try {
      engine.emplace(plan, options_, frames_, [this](PoolRequest&& request, ImageResult&& result) {
        finish(std::move(request), std::move(result));
      });
      const std::lock_guard lock(mutex_);
      engine_ = &*engine;
    } catch (...) {
      started.set_exception(std::current_exception());
      return;
    }
    started.set_value();
    std::string why = copy_of("the pool was terminated");
    try {
      work(*engine);
    } catch (const std::bad_alloc&) {
      why = copy_of("there is no memory left to run the pool");
    } catch (const std::exception& error) {
      why = copy_of(error.what());
    } catch (...) {
      why = copy_of("the pool's thread failed");
    }
    end(engine, why);
  }

  void work(PoolEngine& engine) {
    for (;;) {
      {
        const std::lock_guard lock(mutex_);
        if (terminated_) return;
        begun_.swap(queue_);
      }
      for (; !begun_.empty(); begun_.pop_front()) begin(engine, begun_.front());
      engine.wait();
      const std::lock_guard lock(mutex_);
      count(engine);
    }
  }

  void begin(PoolEngine& engine, PoolRequest& request) {
    try {
      engine.submit(std::move(request));
    } catch (const std::bad_alloc&) {
      finish(std::move(request), {Verdict::out_of_memory, copy_of("there is no memory to hand it to a worker"), {}});
    }
  }

  void count(const PoolEngine& engine) {
    ipc::PoolStatistics statistics;
    try {
      statistics = engine.statistics();
    } catch (const std::bad_alloc&) {
      return;  // next time
    }
    statistics_.workers_started = statistics.workers_started;
    statistics_.deaths = statistics.deaths;
    statistics_.replaced = statistics.retired;
    statistics_.bytes_copied_in = statistics.bytes_copied_in;
    statistics_.bytes_copied_out = engine.bytes_copied_out();
  }

  // Nobody is left without a result, whatever ended it.
  void end(std::optional<PoolEngine>& engine, const std::string& why) {
    PoolEngine::Requests in_flight = engine->give_up();
    {
      const std::lock_guard lock(mutex_);
      engine_ = nullptr;
      if (!terminated_) trouble_ = copy_of(why);
      changed_.notify_all();
    }
    frames_->refuse(ErrorCode::machine, copy_of(why));
    engine.reset();
    const auto cancel = [&](PoolRequest& request) {
      finish(std::move(request), {Verdict::cancelled, copy_of(why), {}});
    };
    for (auto& [tag, item] : in_flight) cancel(item.request);
    for (;; begun_.pop_front()) {
      if (begun_.empty()) {
        const std::lock_guard lock(mutex_);
        begun_.swap(queue_);
      }
      if (begun_.empty()) return;
      cancel(begun_.front());
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
    request.done = nullptr;  // what it holds goes before anybody hears that all is done
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = failure;
    --unfinished_;
    changed_.notify_all();
  }

  const pid_t pid_ = ::getpid();
  const PoolOptions options_;
  const std::shared_ptr<pipeline::LentFrames> frames_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<PoolRequest> queue_;
  std::deque<PoolRequest> begun_;  // out of the queue; the pool's thread alone
  PoolEngine* engine_ = nullptr;   // while it lives
  std::size_t unfinished_ = 0;     // until its `done` has returned
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
  Ready ready_;
  std::mutex joining_;
  std::thread thread_;
};

Pool::Pool(const Plan& plan, const PoolOptions& options) : impl_(std::make_unique<Impl>(plan, options)) {}
Pool::~Pool() {
  // In a child there is no thread to wait for, and what has a lock or shares memory is the parent's.
  if (!impl_->is_own()) static_cast<void>(impl_.release());
}

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
  impl_->check_may_wait("map");
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
