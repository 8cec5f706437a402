#include "ipc/pool.hpp"

#include "ipc/admission.hpp"
#include "ipc/fork_server.hpp"
#include "ipc/sandbox.hpp"
#include "ipc/worker_slot.hpp"

#include <pixmill/error.hpp>

#include <sys/epoll.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <deque>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace pixmill::ipc {
namespace {

using Clock = WorkerSlot::Clock;
using State = WorkerSlot::State;
using KillReason = WorkerSlot::KillReason;
using std::chrono::milliseconds;
using TaskPtr = std::unique_ptr<PoolTask>;

// How much work a worker has beyond what it is at: enough that it never waits for us, no more than can be spared at the
// end, when another worker is idle. Messages that take much longer than our answer does need none.
constexpr std::chrono::nanoseconds kWorkAhead{2'000'000};
constexpr std::chrono::nanoseconds kLongWork{10'000'000};
// A process that has not begun in this time is given up; twice as long each time, for slow machines.
constexpr milliseconds kStartLimit{2000};
constexpr milliseconds kLongestStartLimit{60000};
constexpr milliseconds kFirstBackOff{10};
constexpr milliseconds kLongestBackOff{1000};
// Lives in a row that came to nothing, of every worker, after which there is no hope.
constexpr int kMostBarren = 5;
// Time that passes without our having asked for it: this process was stopped.
constexpr milliseconds kStandstill{1000};
// While anything runs, clocks are looked at so often.
constexpr milliseconds kTick{100};
// While answers come without a pause, deaths are looked for so often.
constexpr milliseconds kPollEvery{1};
constexpr std::uint64_t kFirstAnswerBytes = std::uint64_t{64} << 10;
constexpr std::uint64_t kMostAnswerBytes = std::uint64_t{16} << 20;

milliseconds doubled(milliseconds first, int times, milliseconds most) {
  return std::min(first * (1 << std::clamp(times, 0, 16)), most);
}

std::string seconds(milliseconds time) {
  std::string text = std::to_string(static_cast<double>(time.count()) / 1000.0);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text + " s";
}

// What epoll says of: a kind, and the worker's number.
enum class Source : std::uint32_t { wake, server, bell, death };

std::uint64_t label(Source source, std::size_t worker) {
  return (std::uint64_t{static_cast<std::uint32_t>(source)} << 32U) | worker;
}

}  // namespace

class Pool::Impl {
 public:
  Impl(PoolOptions options, Events& events);
  ~Impl();

  void submit(std::uint64_t tag, std::span<const std::byte> input, const std::array<std::uint64_t, 2>& user);
  [[nodiscard]] std::size_t unfinished() const;
  [[nodiscard]] std::size_t waiting() const { return pending_.size(); }
  [[nodiscard]] bool hungry() const;
  void wait(milliseconds limit);
  void wake();
  void reject() { rejected_ = true; }
  [[nodiscard]] PoolStatistics statistics() const;
  [[nodiscard]] Processes processes() const;

 private:
  // Sending.
  [[nodiscard]] std::size_t depth() const;
  void dispatch();
  bool load(WorkerSlot& slot, TaskPtr& task);
  bool make_room(WorkerSlot& slot);
  void flush(WorkerSlot& slot);
  [[nodiscard]] WorkerSlot* least_busy();
  // Hearing.
  bool collect();
  std::size_t collect(WorkerSlot& slot);
  bool judge(WorkerSlot& slot, const Descriptor& message);
  void admit(WorkerSlot& slot);
  bool judge_answer(WorkerSlot& slot, const Descriptor& message);
  void measure(std::size_t answers, Clock::duration elapsed);
  // Sleeping.
  void sleep(Clock::time_point until);
  [[nodiscard]] Clock::time_point next_deadline(Clock::time_point until) const;
  void notice_standstill(Clock::time_point now, Clock::duration expected);
  void hear(const epoll_event& event);
  // Supervision.
  void start_workers();
  void start(WorkerSlot& slot);
  [[nodiscard]] bool have_server();
  void hear_server();
  void server_died(const std::string& why);
  void start_failed(WorkerSlot& slot, const std::string& why);
  void check_clocks();
  void kill(WorkerSlot& slot, KillReason reason);
  void bury(WorkerSlot& slot);
  void charge(WorkerSlot& slot, TaskPtr task, Failure failure, const std::string& reason);
  void fail(const PoolTask& task, Failure failure, const std::string& reason);
  void check_hope() const;
  void watch(int fd, Source source, std::size_t worker);
  void ignore(int fd) const;
  [[nodiscard]] std::size_t number(const WorkerSlot& slot) const;

  PoolOptions options_;
  Events& events_;
  Admission admission_;
  UniqueFd epoll_;
  EventBell wake_bell_;
  SleepWord wake_word_;
  std::atomic<bool> woken_{false};
  std::vector<std::unique_ptr<WorkerSlot>> slots_;
  std::unique_ptr<ForkServer> server_;
  std::vector<std::unique_ptr<ForkServer>> dead_servers_;
  bool server_ready_ = false;
  int server_failures_ = 0;
  Clock::time_point server_at_;  // no new one before
  std::deque<TaskPtr> pending_;
  std::uint64_t next_id_ = 1;
  std::uint64_t next_ticket_ = 1;
  std::size_t lent_tasks_ = 0;
  std::chrono::nanoseconds usual_work_{0};  // 0: not known
  std::uint64_t usual_answer_bytes_ = kFirstAnswerBytes;
  bool rejected_ = false;
  std::string last_trouble_;
  std::string insecure_;  // why a worker is not locked in that should be
  Clock::time_point last_seen_;
  Clock::time_point last_poll_;
  PoolStatistics statistics_;
};

Pool::Impl::Impl(PoolOptions options, Events& events)
    : options_(std::move(options)), events_(events), admission_(options_.available_memory), last_seen_(Clock::now()) {
  epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_) throw Error(ErrorCode::machine, "epoll_create1: " + std::generic_category().message(errno));
  watch(wake_bell_.fd(), Source::wake, 0);
  // Before the regions, so that the server does not even inherit their descriptors.
  server_ = std::make_unique<ForkServer>(options_.plan);
  ++statistics_.servers_started;
  watch(server_->socket(), Source::server, 0);
  for (int i = 0; i < std::max(options_.workers, 1); ++i) {
    slots_.push_back(std::make_unique<WorkerSlot>(options_.region_bytes, options_.ring_capacity, admission_));
    watch(slots_.back()->bell().fd(), Source::bell, slots_.size() - 1);
  }
  start_workers();
}

Pool::Impl::~Impl() {
  for (const auto& slot : slots_) slot->process.kill();
  for (const auto& slot : slots_) slot->process = {};
  // Then those of which only the group is known.
  server_.reset();
  dead_servers_.clear();
}

std::size_t Pool::Impl::number(const WorkerSlot& slot) const {
  const auto at = std::find_if(slots_.begin(), slots_.end(), [&](const auto& other) { return other.get() == &slot; });
  return static_cast<std::size_t>(at - slots_.begin());
}

void Pool::Impl::watch(int fd, Source source, std::size_t worker) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = label(source, worker);
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    throw Error(ErrorCode::machine, "epoll_ctl: " + std::generic_category().message(errno));
  }
}

// Before it is closed: the fork server may hold another descriptor of the same thing for a moment.
void Pool::Impl::ignore(int fd) const { ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

// --- Sending ---------------------------------------------------------------------------------------------------------

void Pool::Impl::submit(std::uint64_t tag, std::span<const std::byte> input, const std::array<std::uint64_t, 2>& user) {
  auto task = std::make_unique<PoolTask>();
  task->tag = tag;
  task->input = input;
  task->user = user;
  pending_.push_back(std::move(task));
}

std::size_t Pool::Impl::unfinished() const {
  std::size_t count = pending_.size();
  for (const auto& slot : slots_) count += slot->unanswered.size() + (slot->retry ? 1 : 0);
  return count;
}

std::size_t Pool::Impl::depth() const {
  const std::size_t most = options_.ring_capacity > 1 ? options_.ring_capacity - 1 : 1;
  if (usual_work_.count() == 0) return std::min<std::size_t>(2, most);
  if (usual_work_ >= kLongWork) return 1;
  return std::min(most, static_cast<std::size_t>(2 + kWorkAhead / usual_work_));
}

bool Pool::Impl::hungry() const {
  std::size_t places = 0;
  const std::size_t most = depth();
  for (const auto& slot : slots_) places += most - std::min(most, slot->unanswered.size());
  return pending_.size() < places;
}

WorkerSlot* Pool::Impl::least_busy() {
  WorkerSlot* best = nullptr;
  const std::size_t most = depth();
  for (const auto& slot : slots_) {
    if (slot->state != State::running || slot->alone || slot->retry || slot->full) continue;
    if (slot->unanswered.size() >= most) continue;
    if (best == nullptr || slot->unanswered.size() < best->unanswered.size()) best = slot.get();
  }
  return best;
}

void Pool::Impl::dispatch() {
  for (const auto& slot : slots_) {
    if (!slot->idle() || !slot->retry) continue;
    if (load(*slot, slot->retry)) slot->alone = !slot->unanswered.empty();
  }
  // What waits for a worker that cannot be started is tried by one that has nothing else to do.
  if (pending_.empty()) {
    for (const auto& stuck : slots_) {
      if (!stuck->retry || stuck->state != State::empty || stuck->barren == 0) continue;
      WorkerSlot* idle = least_busy();
      if (idle != nullptr && idle->idle()) idle->retry = std::move(stuck->retry);
    }
  }
  while (!pending_.empty()) {
    WorkerSlot* slot = least_busy();
    if (slot == nullptr) break;
    TaskPtr& task = pending_.front();
    if (!load(*slot, task)) continue;  // the worker is full now, or the task failed
    pending_.pop_front();
  }
  for (const auto& slot : slots_) flush(*slot);
}

// True: it is in the worker's hands, or has failed, and `task` is empty in the latter case only if it was taken away.
bool Pool::Impl::load(WorkerSlot& slot, TaskPtr& task) {
  LendStatus status = slot.load(task, next_id_, usual_answer_bytes_);
  if (status != LendStatus::lent && make_room(slot)) status = slot.load(task, next_id_, kFirstAnswerBytes);
  if (status == LendStatus::lent) {
    ++next_id_;
    return true;
  }
  const bool others_work =
      std::any_of(slots_.begin(), slots_.end(), [](const auto& other) { return !other->unanswered.empty(); });
  if (!slot.unanswered.empty() || (status == LendStatus::no_memory && others_work)) {
    slot.full = true;
    return false;
  }
  const TaskPtr failed = std::move(task);
  fail(*failed, Failure::no_memory,
       status == LendStatus::no_room ? "it needs more shared memory than a worker has"
                                     : "the machine has no memory left to hand it to a worker");
  return true;
}

// Gives back what is only kept warm. False: there is nothing to give, or work is under way that will give some.
bool Pool::Impl::make_room(WorkerSlot& slot) {
  if (!slot.unanswered.empty()) return false;
  for (const auto& other : slots_) other->trim();
  return true;
}

void Pool::Impl::flush(WorkerSlot& slot) {
  if (slot.state == State::running && !slot.flush(Clock::now())) kill(slot, KillReason::protocol);
}

// --- Hearing ---------------------------------------------------------------------------------------------------------

bool Pool::Impl::collect() {
  std::size_t heard = 0;
  for (const auto& slot : slots_) {
    if (slot->state == State::starting || slot->state == State::running) heard += collect(*slot);
  }
  return heard > 0;
}

std::size_t Pool::Impl::collect(WorkerSlot& slot) {
  std::array<Descriptor, 32> some;
  std::size_t heard = 0;
  const Clock::time_point before = slot.oldest_since;
  const std::uint64_t finished = slot.finished;
  for (;;) {
    const RingResult popped = slot.channel->receive(some);
    if (popped.violated) {
      kill(slot, KillReason::protocol);
      break;
    }
    heard += popped.count;
    bool sensible = true;
    for (std::size_t i = 0; i < popped.count && sensible; ++i) sensible = judge(slot, some[i]);
    if (!sensible) kill(slot, KillReason::protocol);
    if (!sensible || popped.count < some.size()) break;
  }
  if (slot.finished > finished) measure(slot.finished - finished, slot.oldest_since - before);
  return heard;
}

// A running mean over about the last eight messages, which follows what is in the folder.
void Pool::Impl::measure(std::size_t answers, Clock::duration elapsed) {
  const std::chrono::nanoseconds each = elapsed / static_cast<long>(answers);
  for (std::size_t i = 0; i < std::min<std::size_t>(answers, 8); ++i) {
    usual_work_ = usual_work_.count() == 0 ? each : usual_work_ + (each - usual_work_) / 8;
  }
  usual_work_ = std::max(usual_work_, std::chrono::nanoseconds(1));
}

// Whether a message from shared memory agrees with what we know. It was copied out before.
bool Pool::Impl::judge(WorkerSlot& slot, const Descriptor& message) {
  if (message.epoch != slot.epoch) return false;
  const bool unlocked = message.code == to_coordinator::kNotLocked;
  if (message.code != to_coordinator::kReady && !unlocked) return judge_answer(slot, message);
  if (slot.state == State::running || slot.said_ready || message.task != 0) return false;
  if (unlocked) {
    insecure_ = describe_sandbox_trouble(message.user);
    kill(slot, KillReason::start);
    return true;
  }
  if (slot.process && message.user[0] != static_cast<std::uint64_t>(slot.process.pid())) return false;
  slot.said_ready = true;
  if (slot.process && slot.state == State::starting) admit(slot);
  return true;
}

// It is ready; nothing is sent to it unless we see for ourselves that it is locked in.
void Pool::Impl::admit(WorkerSlot& slot) {
  const std::string missing = options_.plan.sandbox ? missing_lock(slot.process.pid()) : std::string();
  if (missing.empty()) {
    slot.state = State::running;
  } else if (!slot.process.dead()) {
    insecure_ = missing;
    kill(slot, KillReason::start);
  }
}

bool Pool::Impl::judge_answer(WorkerSlot& slot, const Descriptor& message) {
  // A worker does its messages in the order in which it got them.
  if (slot.unanswered.empty() || slot.unanswered.front().id != message.task) return false;
  WorkerSlot::Lent& oldest = slot.unanswered.front();
  const std::uint64_t size = message.output_size_bytes;
  switch (message.code) {
    case to_coordinator::kDone: {
      if (oldest.dropped || size > oldest.output.size_bytes || message.output_offset != oldest.output.offset)
        return false;
      const std::span<std::byte> room = events_.room_for(oldest.task->tag, size);
      if (room.size() < size) {
        fail(*slot.settle(Clock::now()).task, Failure::no_memory, "there is no memory for its answer");
        return true;
      }
      if (size > 0) std::memcpy(room.data(), slot.output(oldest, size).data(), size);
      rejected_ = false;
      events_.answered(oldest.task->tag, room.first(size), oldest.task->attempts + 1);
      if (rejected_) return false;
      static_cast<void>(slot.settle(Clock::now()));
      ++statistics_.answered;
      // Room for the next answers: somewhat more than the largest of late.
      usual_answer_bytes_ = std::clamp(std::max(size + size / 8, usual_answer_bytes_ - usual_answer_bytes_ / 16),
                                       std::uint64_t{1}, kMostAnswerBytes);
      break;
    }
    case to_coordinator::kMoreRoom:
      if (oldest.room_asked || size <= oldest.output.size_bytes) return false;
      if (slot.state == State::running) slot.answer_room(size);
      return true;
    case to_coordinator::kDropped:
      if (!oldest.dropped) return false;
      fail(*slot.settle(Clock::now()).task, Failure::no_memory, "there is no shared memory for its answer");
      break;
    case to_coordinator::kNoMemory:
      fail(*slot.settle(Clock::now()).task, Failure::no_memory, "it needs more memory than a worker may take");
      break;
    default:
      return false;
  }
  for (const auto& other : slots_) other->full = false;
  return true;
}

// --- Sleeping --------------------------------------------------------------------------------------------------------

void Pool::Impl::wait(milliseconds limit) {
  const Clock::time_point begin = Clock::now();
  notice_standstill(begin, Clock::duration::zero());
  start_workers();
  dispatch();
  const bool heard = collect() || woken_.load(std::memory_order_acquire);
  if (!heard) {
    sleep(next_deadline(begin + limit));
  } else if (begin >= last_poll_ + kPollEvery) {
    sleep(begin);
  }
  woken_.store(false, std::memory_order_release);
  check_clocks();
  check_hope();
  last_seen_ = Clock::now();
}

void Pool::Impl::wake() {
  woken_.store(true, std::memory_order_release);
  wake_bell_.ring_if_asleep(wake_word_);
}

Clock::time_point Pool::Impl::next_deadline(Clock::time_point until) const {
  const bool work = unfinished() > 0;
  for (const auto& slot : slots_) {
    if (slot->state == State::starting) until = std::min(until, slot->start_deadline);
    if (slot->state == State::empty && work) until = std::min(until, std::max(slot->restart_at, server_at_));
    if (!slot->unanswered.empty() || slot->state == State::starting) until = std::min(until, Clock::now() + kTick);
  }
  return until;
}

void Pool::Impl::sleep(Clock::time_point until) {
  const Clock::time_point before = Clock::now();
  bool may_sleep = until > before;
  for (const auto& slot : slots_) {
    if (slot->channel && !slot->channel->prepare_to_sleep() && slot->state != State::dying) may_sleep = false;
  }
  announce_sleep(wake_word_);
  if (woken_.load(std::memory_order_acquire)) may_sleep = false;
  // Rounded up: to wake too early would be to come back at once.
  const auto time = may_sleep ? std::chrono::ceil<milliseconds>(until - before) : milliseconds{0};
  std::array<epoll_event, 64> heard;
  const int count = ::epoll_wait(epoll_.get(), heard.data(), static_cast<int>(heard.size()),
                                 static_cast<int>(std::min<std::int64_t>(time.count(), 60000)));
  end_sleep(wake_word_);
  for (const auto& slot : slots_) {
    if (slot->channel) slot->channel->awake();
  }
  last_poll_ = Clock::now();
  notice_standstill(last_poll_, time);
  for (int i = 0; i < count; ++i) hear(heard[static_cast<std::size_t>(i)]);
  collect();
}

// While this process was stopped (Ctrl-Z, a frozen control group), no worker's clock may have run on.
void Pool::Impl::notice_standstill(Clock::time_point now, Clock::duration expected) {
  const Clock::duration missed = now - last_seen_ - expected;
  last_seen_ = now;
  if (missed < kStandstill) return;
  for (const auto& slot : slots_) {
    slot->oldest_since += missed;
    slot->start_deadline += missed;
  }
}

void Pool::Impl::hear(const epoll_event& event) {
  const auto source = static_cast<Source>(event.data.u64 >> 32U);
  const std::size_t worker = event.data.u64 & 0xFFFFFFFFU;
  switch (source) {
    case Source::wake:
      static_cast<void>(wake_bell_.silence());
      return;
    case Source::server:
      hear_server();
      return;
    case Source::bell:
      static_cast<void>(slots_[worker]->bell().silence());
      return;
    case Source::death:
      bury(*slots_[worker]);
      return;
  }
}

// --- Supervision -----------------------------------------------------------------------------------------------------

void Pool::Impl::start_workers() {
  const Clock::time_point now = Clock::now();
  const bool work = unfinished() > 0;
  for (const auto& slot : slots_) {
    const bool first = slot->epoch == 0;
    if (slot->state == State::empty && slot->restart_at <= now && (work || first)) start(*slot);
  }
}

void Pool::Impl::start(WorkerSlot& slot) {
  if (!have_server()) return;
  const auto limit = doubled(kStartLimit, slot.barren + server_failures_, kLongestStartLimit);
  slot.begin_life(Clock::now(), limit);
  slot.ticket = next_ticket_++;
  if (server_->request(slot.spawn_request(slot.ticket), slot.region_fd(), slot.bell().fd())) return;
  slot.state = State::empty;
  server_died("it takes no requests");
}

bool Pool::Impl::have_server() {
  if (server_) return true;
  if (Clock::now() < server_at_) return false;
  try {
    server_ = std::make_unique<ForkServer>(options_.plan);
    watch(server_->socket(), Source::server, 0);
    server_ready_ = false;
    ++statistics_.servers_started;
    return true;
  } catch (const Error& error) {
    server_.reset();
    server_died(error.what());
    return false;
  }
}

void Pool::Impl::hear_server() {
  while (server_) {
    ForkServer::Reply reply = server_->reply();
    if (reply.result == PacketResult::nothing) return;
    if (reply.result == PacketResult::closed) {
      server_died(server_ready_ ? "it died" : "it died before it was ready");
      return;
    }
    if (reply.spawned.ticket == 0) {
      server_ready_ = true;
      continue;
    }
    const auto at = std::find_if(slots_.begin(), slots_.end(), [&](const auto& slot) {
      return slot->state == State::starting && !slot->process && slot->ticket == reply.spawned.ticket;
    });
    if (at == slots_.end()) continue;  // it was given up; its process ends here
    WorkerSlot& slot = **at;
    if (!reply.worker) {
      start_failed(slot, "clone3: " + std::generic_category().message(reply.spawned.error) +
                             "; raise the limit of processes (ulimit -u, or pids.max of the control group), free "
                             "memory, or use fewer workers");
      continue;
    }
    slot.process = std::move(reply.worker);
    watch(slot.process.pidfd(), Source::death, number(slot));
    ++statistics_.workers_started;
    server_failures_ = 0;
    if (slot.kill_reason != KillReason::none) {
      slot.state = State::dying;
      slot.process.kill();
    } else if (slot.said_ready) {
      admit(slot);
    }
  }
}

// Its workers live on. Of those that were asked for and not yet told of, nobody knows whether they exist.
void Pool::Impl::server_died(const std::string& why) {
  last_trouble_ = "the process that starts workers failed: " + why;
  ++server_failures_;
  server_at_ = Clock::now() + doubled(kFirstBackOff, server_failures_, kLongestBackOff);
  if (server_) {
    ignore(server_->socket());
    server_->kill();
    dead_servers_.push_back(std::move(server_));
  }
  for (const auto& slot : slots_) {
    if (slot->state != State::starting || slot->process) continue;
    slot->abandon_life();
    ++slot->barren;
  }
}

void Pool::Impl::start_failed(WorkerSlot& slot, const std::string& why) {
  last_trouble_ = why;
  static_cast<void>(slot.end_life());
  ++slot.barren;
  slot.restart_at = Clock::now() + doubled(kFirstBackOff, slot.barren, kLongestBackOff);
}

void Pool::Impl::check_clocks() {
  const Clock::time_point now = Clock::now();
  for (const auto& slot : slots_) {
    if (slot->state == State::starting && now >= slot->start_deadline) {
      if (!slot->process) {
        server_died("it does not answer");
        return;
      }
      last_trouble_ = "a worker process was not ready in time";
      kill(*slot, KillReason::start);
    }
    if (slot->state != State::running || options_.timeout.count() == 0 || slot->unanswered.empty()) continue;
    if (now < slot->oldest_since + options_.timeout) continue;
    // It may have answered meanwhile, and not been heard yet.
    collect(*slot);
    if (slot->state != State::running || slot->unanswered.empty()) continue;
    if (now < slot->oldest_since + options_.timeout) continue;
    slot->suspect = slot->unanswered.front().id;
    kill(*slot, KillReason::timeout);
  }
}

void Pool::Impl::kill(WorkerSlot& slot, KillReason reason) {
  if (slot.state == State::dying || slot.state == State::empty) return;
  slot.kill_reason = reason;
  if (!slot.process) return;  // its hello was nonsense, and the server has not told us of it yet: it is heard then
  slot.state = State::dying;
  slot.process.kill();
}

void Pool::Impl::bury(WorkerSlot& slot) {
  const Clock::time_point begin = Clock::now();
  if (!slot.process) return;
  ignore(slot.process.pidfd());
  const std::optional<ProcessEnd> end = slot.process.try_reap();
  if (!end) {
    watch(slot.process.pidfd(), Source::death, number(slot));
    return;
  }
  ++statistics_.deaths;
  // What it committed before it died counts. Of one that talked nonsense nothing more is heard.
  if (slot.kill_reason != KillReason::protocol) collect(slot);
  const KillReason killed = slot.kill_reason;
  const std::uint64_t suspect = slot.suspect;
  const bool barren = slot.finished == 0 && slot.unanswered.empty();
  std::deque<WorkerSlot::Lent> left = slot.end_life();
  if (barren) {
    ++slot.barren;
    if (killed == KillReason::none)
      last_trouble_ = "a worker process " + describe(*end) + " before it had done anything";
    slot.restart_at = begin + doubled(kFirstBackOff, slot.barren, kLongestBackOff);
  }
  const bool guilty = !left.empty() && (killed != KillReason::timeout || left.front().id == suspect);
  TaskPtr oldest = guilty ? std::move(left.front().task) : nullptr;
  if (guilty) left.pop_front();
  for (auto at = left.rbegin(); at != left.rend(); ++at) pending_.push_front(std::move(at->task));
  if (oldest && killed == KillReason::timeout) {
    charge(slot, std::move(oldest), Failure::timed_out, "took longer than " + seconds(options_.timeout));
  } else if (oldest && killed == KillReason::protocol) {
    charge(slot, std::move(oldest), Failure::protocol, "protocol");
  } else if (oldest) {
    charge(slot, std::move(oldest), Failure::died, describe(*end));
  }
  statistics_.slowest_burial = std::max<std::chrono::nanoseconds>(statistics_.slowest_burial, Clock::now() - begin);
}

void Pool::Impl::charge(WorkerSlot& slot, TaskPtr task, Failure failure, const std::string& reason) {
  ++task->attempts;
  if (task->attempts > options_.retries) {
    fail(*task, failure, reason);
  } else {
    slot.retry = std::move(task);
  }
}

void Pool::Impl::fail(const PoolTask& task, Failure failure, const std::string& reason) {
  ++statistics_.failed;
  events_.failed(task.tag, failure, reason, failure == Failure::no_memory ? task.attempts + 1 : task.attempts);
}

void Pool::Impl::check_hope() const {
  if (unfinished() == 0) return;
  if (!insecure_.empty()) {
    throw Error(ErrorCode::machine, "workers cannot be locked in (" + insecure_ +
                                        "); --sandbox off runs them without, 'pixmill doctor' tells more");
  }
  const bool no_server = !server_ && server_failures_ >= kMostBarren;
  for (const auto& slot : slots_) {
    if (slot->process || (slot->barren < kMostBarren && !no_server)) return;
  }
  throw Error(ErrorCode::machine,
              "no worker process can be started: " + last_trouble_ + "; --backend threads works without any");
}

PoolStatistics Pool::Impl::statistics() const {
  PoolStatistics statistics = statistics_;
  for (const auto& slot : slots_) statistics.bytes_in_flight += slot->statistics().lent_bytes;
  return statistics;
}

Pool::Processes Pool::Impl::processes() const {
  Processes processes;
  if (server_) processes.server = server_->pid();
  for (const auto& slot : slots_) {
    if (slot->process) processes.workers.push_back(slot->process.pid());
  }
  return processes;
}

// --- The public face -------------------------------------------------------------------------------------------------

Pool::Pool(PoolOptions options, Events& events) : impl_(std::make_unique<Impl>(std::move(options), events)) {}
Pool::~Pool() = default;
void Pool::submit(std::uint64_t tag, std::span<const std::byte> input, const std::array<std::uint64_t, 2>& user) {
  impl_->submit(tag, input, user);
}
std::size_t Pool::unfinished() const { return impl_->unfinished(); }
std::size_t Pool::waiting() const { return impl_->waiting(); }
bool Pool::hungry() const { return impl_->hungry(); }
void Pool::wait(milliseconds limit) { impl_->wait(limit); }
void Pool::wake() { impl_->wake(); }
void Pool::reject() { impl_->reject(); }
PoolStatistics Pool::statistics() const { return impl_->statistics(); }
Pool::Processes Pool::processes() const { return impl_->processes(); }

}  // namespace pixmill::ipc
