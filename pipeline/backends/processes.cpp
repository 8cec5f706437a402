#include "ipc/fork_server.hpp"
#include "ipc/pool.hpp"
#include "pipeline/backends/answer.hpp"
#include "pipeline/backends/failure.hpp"
#include "pipeline/backends/gate.hpp"
#include "pipeline/backends/mailbox.hpp"
#include "pipeline/backends/pause.hpp"
#include "pipeline/backends/spare_tasks.hpp"
#include "pipeline/backends/table.hpp"
#include "pipeline/file_worker.hpp"
#include "pipeline/machine_limits.hpp"
#include "pipeline/supervised_pool.hpp"
#include "pipeline/worker_plan.hpp"
#include "pipeline/worker_program.hpp"

#include <pixmill/error.hpp>
#include <pixmill/machine.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <new>
#include <system_error>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

namespace pixmill::pipeline {
namespace {

using std::chrono::milliseconds;

// Threads that read and threads that write. More help no disk that we know, and a network file system no more.
constexpr int kMostReaders = 8;
constexpr int kMostWriters = 8;
constexpr std::uint64_t kMostBacklogBytes = std::uint64_t{256} << 20;
// How long what runs may take to finish after the user has asked to stop.
constexpr milliseconds kGrace{2000};
constexpr milliseconds kLook{100};

// `program` must outlive the pool and every fork server that is made by it.
ipc::WorkerPlan worker_plan(const Program& program, int jobs, const Supervision& supervision) {
  const WorkerLimits limits{worker_memory_bytes(program.options().limits.max_memory), worker_spin_ns(jobs),
                            supervision.sandbox};
  if (supervision.start == StartMethod::fork) return plan_of_forks(program, limits, make_file_worker);
  return plan_of_program(
      file_job(program, limits),
      worker_program(supervision.worker_program, "SupervisionOptions::worker_program, or use StartMethod::fork"));
}

/// A fork server that warms up while inputs are listed.
class EarlyServer final : public HeadStart {
 public:
  explicit EarlyServer(const ipc::WorkerPlan& plan) : server_(std::make_unique<ipc::ForkServer>(plan, true)) {}
  /// Null the second time.
  std::unique_ptr<ipc::ForkServer> take() { return std::move(server_); }

 private:
  std::unique_ptr<ipc::ForkServer> server_;
};

/// An attempt at a task that came to nothing.
struct LostAttempt {
  int worker = 0;
  StageSpan span;
  std::string reason;
};

/// A task between being read and being delivered.
struct InFlight {
  std::unique_ptr<Task> task;
  std::uint64_t held_bytes = 0;  ///< Of the gate.
  FileBuffer answer;             ///< What `result` and `encoded` are views of.
  ProgramResult result;
  Bytes encoded;
  std::uint64_t submitted_ns = 0;  ///< Where the job has a probe.
  int worker = 0;
  std::vector<LostAttempt> lost;  ///< Likewise.
};
using InFlightPtr = std::unique_ptr<InFlight>;

/// Reads ahead, hands bytes to the pool, takes answers, and has them delivered; one life.
///
/// Threads: readers fill `loaded_`; the calling thread alone talks to the pool; writers empty `done_`. The gate bounds
/// all that is between the first and the last.
///
/// Nobody waits in a circle. Readers wait for the gate, which only writers open. Writers wait for `done_`, and for the
/// disk. The calling thread waits for the pool, never longer than kLook, and for neither mailbox, since pushing never
/// blocks; it takes nothing from `loaded_` while too much is in `done_`, which writers empty without it. So as long as
/// anything is held by the gate, it is in somebody's hands who gets on with it: a reader's, `loaded_`'s (hungry pool:
/// the caller's), the pool's (which answers, fails or throws), `done_`'s or a writer's.
///
/// Nothing is lost or delivered twice: an item is owned by one place at a time, by its unique_ptr, and leaves
/// `in_flight_` with its one answer or failure. What is dropped, when the run is stopped or broken, was not delivered;
/// the batch then says `cancelled` of it.
class Coordinator final : ipc::Pool::Events {
 public:
  explicit Coordinator(const Job& job)
      : job_(job),
        workers_(std::max(1, static_cast<int>(std::min<std::uint64_t>(static_cast<std::uint64_t>(job.jobs),
                                                                      job.source.inputs().size())))),
        gate_(bounds(job.queued_bytes)),
        busy_until_ns_(static_cast<std::size_t>(workers_)),
        pool_(pool_options(), *this, early_server(job)) {}

  void run() {
    reading_ = std::min(workers_, kMostReaders);
    std::vector<std::jthread> threads;
    try {
      start(threads);
      coordinate();
    } catch (...) {
      failure_.keep(std::current_exception());
    }
    gate_.close();
    loaded_.close();
    // The processes go while the last outputs are written.
    pool_.dismiss();
    // What was answered is delivered, however the run ends.
    done_.finish();
    threads.clear();
    failure_.rethrow();
  }

 private:
  [[nodiscard]] Gate::Bounds bounds(std::uint64_t most_bytes) const {
    const auto workers = static_cast<std::size_t>(workers_);
    return {.few = workers * 5,
            .most_bytes = most_bytes,
            .many = workers * (kRingCapacity + 16),
            .small_bytes = std::min(most_bytes, workers * (std::uint64_t{512} << 10)),
            .always = workers};
  }

  static std::unique_ptr<ipc::ForkServer> early_server(const Job& job) {
    auto* const early = static_cast<EarlyServer*>(job.head_start);
    return early != nullptr ? early->take() : nullptr;
  }

  [[nodiscard]] ipc::PoolOptions pool_options() const {
    check_open_files();
    ipc::PoolOptions options = supervised_pool(workers_, job_.program.options().limits.max_memory);
    options.timeout = job_.supervision.timeout;
    options.retries = job_.supervision.retries;
    options.if_not_locked = "; --sandbox off runs them without, 'pixmill doctor' tells more";
    options.if_no_worker = "; --backend threads works without any";
    options.plan = worker_plan(job_.program, job_.jobs, job_.supervision);
    return options;
  }

  // Asked first: a descriptor that is wanting later would be some image's misfortune.
  void check_open_files() const {
    constexpr std::uint64_t kEachWorker = 3;  // its region, its bell, its pidfd
    constexpr std::uint64_t kEachWriter = 2;  // an output, and its folder
    constexpr std::uint64_t kOwn = 12;
    const auto workers = static_cast<std::uint64_t>(workers_);
    const std::uint64_t needed = workers * kEachWorker + std::min<std::uint64_t>(workers, kMostReaders) +
                                 std::min<std::uint64_t>(workers, kMostWriters) * kEachWriter + kOwn;
    const std::uint64_t left = open_files_left();
    if (left >= needed) return;
    throw Error(ErrorCode::machine, fmt::format("{} worker processes need {} more open files, and {} may be opened; "
                                                "raise the limit of open files (ulimit -n), or use a smaller -j",
                                                workers_, needed, left));
  }

  void start(std::vector<std::jthread>& threads) {
    const int readers = reading_;
    try {
      for (int i = 0; i < readers; ++i) threads.emplace_back([this, i] { guarded(&Coordinator::read, i); });
      for (int i = 0; i < std::min(workers_, kMostWriters); ++i) {
        threads.emplace_back([this, i] { guarded(&Coordinator::write, i); });
      }
    } catch (const std::system_error& error) {
      throw Error(ErrorCode::machine,
                  fmt::format("a thread could not be started ({}); use a smaller -j, or raise the process limit",
                              error.code().message()));
    }
  }

  void guarded(void (Coordinator::*body)(int), int place) {
    try {
      (this->*body)(place);
      pool_.wake();
    } catch (...) {
      failure_.keep(std::current_exception());
      broken_ = true;  // found at the next look, should the bell be what failed
      gate_.close();
    }
  }

  // --- Readers ---

  void read(int place) {
    while (const auto index = job_.source.claim()) {
      const std::uint64_t bytes = job_.source.expected_bytes(*index);
      if (!gate_.hold(bytes)) break;
      auto item = std::make_unique<InFlight>();
      item->task = spare_.take();
      item->held_bytes = bytes;
      load(job_, {Crew::reader, place}, *index, *item->task);
      if (needs_program(*item->task)) {
        loaded_.push(std::move(item));
        pool_.wake();
      } else {
        item->result = result_without_program(*item->task);
        done_.push(std::move(item));
      }
    }
    if (reading_.fetch_sub(1) == 1) loaded_.finish();
  }

  // --- Writers ---

  void write(int place) {
    while (auto item = done_.pop()) {
      InFlight& image = **item;
      if (job_.probe != nullptr) tell_workers_time(image);
      deliver(job_, {Crew::writer, place}, *image.task, std::move(image.result), image.encoded);
      const std::uint64_t bytes = image.answer.bytes().size();
      spare_.put_back(std::move(image.task));
      gate_.release(image.held_bytes);
      item->reset();
      if (backlog_bytes_.fetch_sub(bytes) >= kMostBacklogBytes) pool_.wake();
    }
  }

  void tell_workers_time(const InFlight& image) const {
    for (const LostAttempt& attempt : image.lost) {
      job_.probe->add({{Crew::worker, attempt.worker}, image.task->index, {&attempt.span, 1}, {}, attempt.reason});
    }
    if (image.result.spans.empty()) return;
    job_.probe->add({{Crew::worker, image.worker}, image.task->index, image.result.spans, {}});
  }

  // --- The calling thread ---

  void coordinate() {
    using Clock = std::chrono::steady_clock;
    Clock::time_point stop_at = Clock::time_point::max();
    PausePoint pause([this] { pool_.wake(); });
    while (!broken_ && !(loaded_.exhausted() && pool_.unfinished() == 0)) {
      if (!job_.source.stopping()) {
        feed();
      } else {
        if (stop_at == Clock::time_point::max()) stop_at = Clock::now() + kGrace;
        loaded_.close();
        gate_.close();
        if (Clock::now() >= stop_at) break;
      }
      if (loaded_.exhausted() && pool_.unfinished() == 0) break;
      pause.heed([this] { pool_.pause(); }, [this] { pool_.resume(); });
      pool_.wait(kLook);
    }
  }

  void feed() {
    while (pool_.hungry() && backlog_bytes_ < kMostBacklogBytes) {
      std::optional<InFlightPtr> item = loaded_.try_pop();
      if (!item) return;
      InFlightPtr& image = in_flight_[next_tag_];
      image = std::move(*item);
      if (job_.probe != nullptr) image->submitted_ns = monotonic_ns();
      pool_.submit(next_tag_++, image->task->file.bytes(), message_of(image->task->want));
    }
  }

  InFlightPtr take(std::uint64_t tag) {
    auto found = in_flight_.extract(tag);
    return std::move(found.mapped());
  }

  void finish(InFlightPtr image) {
    backlog_bytes_ += image->answer.bytes().size();
    done_.push(std::move(image));
  }

  std::span<std::byte> room_for(std::uint64_t tag, std::uint64_t size) override {
    FileBuffer& answer = in_flight_.at(tag)->answer;
    // No honest worker can make as much: what it makes is reckoned in its need. The rest is for histograms.
    constexpr std::uint64_t kBesidePixels = std::uint64_t{64} << 20;
    if (size > job_.program.options().limits.max_memory + kBesidePixels) return {};
    try {
      answer.reserve(size);
    } catch (const std::bad_alloc&) {
      return {};
    }
    answer.resize(size);
    return {answer.data(), size};
  }

  void answered(std::uint64_t tag, std::span<const std::byte> answer, int attempts) override {
    const Program::Options& options = job_.program.options();
    const AnswerWish wish{in_flight_.at(tag)->task->want, options.reduce_histogram, job_.program.timed_stages(),
                          options.own.get()};
    std::optional<ReadAnswer> read = read_answer(answer, wish);
    if (!read) {
      pool_.reject();
      return;
    }
    InFlightPtr image = take(tag);
    image->result = std::move(read->result);
    image->result.attempts = attempts;
    image->encoded = read->encoded;
    image->worker = pool_.answering();
    if (job_.probe != nullptr) hold_to_its_time(*image);
    finish(std::move(image));
  }

  // A worker may say what it likes of its time, but only of that in which it had this image and no other.
  void hold_to_its_time(InFlight& image) {
    std::uint64_t& since = busy_until_ns_.at(static_cast<std::size_t>(image.worker));
    const std::uint64_t now = monotonic_ns();
    const std::uint64_t begin = std::max(since, image.submitted_ns);
    for (StageSpan& span : image.result.spans) {
      span.begin_ns = std::clamp(span.begin_ns, begin, now);
      span.end_ns = std::clamp(span.end_ns, begin, now);
    }
    if (!image.result.spans.empty()) since = image.result.spans.back().end_ns;
  }

  void lost(std::uint64_t tag, int worker, std::chrono::steady_clock::time_point since, ipc::Failure failure,
            const std::string& reason) override {
    if (job_.probe == nullptr) return;
    std::uint64_t& busy_until = busy_until_ns_.at(static_cast<std::size_t>(worker));
    const std::uint64_t end = monotonic_ns();
    const std::uint64_t begin = std::clamp(monotonic_ns(since), std::min(busy_until, end), end);
    in_flight_.at(tag)->lost.push_back(
        {worker, {begin, end, static_cast<std::uint32_t>(Stage::lost), 0}, in_words(failure, reason, 1)});
    busy_until = end;
  }

  void failed(std::uint64_t tag, ipc::Failure failure, const std::string& reason, int attempts) override {
    InFlightPtr image = take(tag);
    image->answer = {};
    image->encoded = {};
    image->result = {};
    image->result.attempts = attempts;
    image->result.verdict = verdict_of(failure);
    image->result.detail = in_words(failure, reason, attempts);
    finish(std::move(image));
  }

  const Job& job_;
  const int workers_;
  Gate gate_;
  Mailbox<InFlightPtr> loaded_;
  Mailbox<InFlightPtr> done_;
  SpareTasks spare_;
  std::unordered_map<std::uint64_t, InFlightPtr> in_flight_;
  std::uint64_t next_tag_ = 0;
  std::vector<std::uint64_t> busy_until_ns_;  // by worker: the end of the last image that it answered, or lost
  std::atomic<std::uint64_t> backlog_bytes_{0};
  std::atomic<int> reading_{0};
  std::atomic<bool> broken_{false};
  FirstFailure failure_;
  // Last: it forks when it is made, and whatever lies in it goes first.
  ipc::Pool pool_;
};

}  // namespace

std::unique_ptr<HeadStart> begin_processes(const Program& program, int jobs, const Supervision& supervision) {
  const ipc::WorkerPlan plan = worker_plan(program, jobs, supervision);
  try {
    return std::make_unique<EarlyServer>(plan);
  } catch (const std::exception&) {
    return nullptr;  // run_processes() will say why
  }
}

void run_processes(const Job& job) {
  if (job.source.inputs().size() == 0) return;
  Coordinator(job).run();
}

}  // namespace pixmill::pipeline
