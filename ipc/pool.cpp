#include "ipc/pool.hpp"

#include "ipc/pool_impl.hpp"

#include <pixmill/error.hpp>

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

namespace pixmill::ipc {
namespace {

using std::chrono::milliseconds;

// While anything runs, clocks are looked at so often.
constexpr milliseconds kTick{100};
// While answers come without a pause, deaths are looked for so often.
constexpr milliseconds kPollEvery{1};
// Longer sleeps are cut short: nobody can tell the difference, and no sum of times overflows.
constexpr milliseconds kLongestWait{60000};
// Time that passes between two calls without our having asked for it: either the user had other things to do, or this
// process was stopped.
constexpr milliseconds kAway{1000};
constexpr std::uint64_t kFirstAnswerBytes = std::uint64_t{64} << 10;

}  // namespace

Pool::Impl::Impl(PoolOptions options, Events& events, std::unique_ptr<ForkServer> server)
    : options_(std::move(options)),
      events_(events),
      admission_(options_.available_memory),
      server_(std::move(server)),
      usual_answer_bytes_(kFirstAnswerBytes),
      last_seen_(Clock::now()) {
  epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_) throw Error(ErrorCode::machine, "epoll_create1: " + std::generic_category().message(errno));
  watch(wake_bell_.fd(), Source::wake, 0);
  // Before the regions, so that the server does not even inherit their descriptors.
  if (!server_) server_ = std::make_unique<ForkServer>(options_.plan, true);
  ++statistics_.servers_started;
  watch_server();
  for (int i = 0; i < std::max(options_.workers, 1); ++i) {
    slots_.push_back(std::make_unique<WorkerSlot>(options_.region_bytes, options_.ring_capacity, admission_,
                                                  options_.most_kept_bytes));
    watch(slots_.back()->bell().fd(), Source::bell, slots_.size() - 1);
  }
  start_workers();
}

void Pool::Impl::pause() {
  signal_all(SIGSTOP);
  paused_at_ = Clock::now();
}

void Pool::Impl::resume() {
  last_seen_ = Clock::now();
  const Clock::duration missed = last_seen_ - paused_at_;
  for (const auto& slot : slots_) {
    slot->start_deadline += missed;
    slot->dying_since += missed;
    slot->oldest_since += missed;
  }
  signal_all(SIGCONT);
}

void Pool::Impl::signal_all(int number) const {
  for (const auto& slot : slots_) slot->process.signal(number);
  if (server_) server_->signal(number);
}

void Pool::Impl::dismiss() {
  for (const auto& slot : slots_) slot->process.kill();
  if (server_) server_->strike();
}

Pool::Impl::~Impl() {
  // All first, so that nobody waits for one after the other.
  dismiss();
  for (const auto& slot : slots_) slot->process = {};
  undead_.clear();
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
  // A worker's bell is heard by its edge and never read: the worker could make the reading of it block.
  if (source == Source::bell) event.events |= EPOLLET;
  event.data.u64 = (std::uint64_t{static_cast<std::uint32_t>(source)} << 32U) | worker;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    throw Error(ErrorCode::machine, "epoll_ctl: " + std::generic_category().message(errno));
  }
}

// Before it is closed: the fork server may hold another descriptor of the same thing for a moment.
void Pool::Impl::ignore(int fd) const { ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

void Pool::Impl::wait(milliseconds limit) {
  const Clock::time_point begin = Clock::now();
  notice_standstill(begin, begin - last_seen_, false);
  for (const auto& slot : slots_) slot->reclaim();
  start_workers();
  const std::uint64_t failed = statistics_.failed;
  dispatch();
  // A message that could not be sent for want of memory has failed by now, and that is something that happened.
  const bool heard = collect() || statistics_.failed != failed || woken_.load(std::memory_order_acquire);
  if (!heard) {
    sleep(next_deadline(begin + std::clamp(limit, milliseconds{0}, kLongestWait)));
  } else if (begin >= last_poll_ + kPollEvery) {
    sleep(begin);
  }
  // An exchange, so that what was done before a wake() that this wait() answers is seen by whoever comes after it.
  static_cast<void>(woken_.exchange(false, std::memory_order_acq_rel));
  // It may have been stopped, or its user busy, anywhere in between.
  const Clock::time_point end = Clock::now();
  notice_standstill(end, end - last_seen_, false);
  check_clocks();
  reap_strays();
  check_hope();
  last_seen_ = Clock::now();
}

void Pool::Impl::wake() {
  static_cast<void>(woken_.exchange(true, std::memory_order_acq_rel));
  wake_bell_.ring_if_asleep(wake_word_);
}

Pool::Impl::Clock::time_point Pool::Impl::next_deadline(Clock::time_point until) const {
  const Clock::time_point tick = Clock::now() + kTick;
  // Otherwise an answer of the server comes first, or the deadline of one.
  const bool work = unfinished() > 0 && may_ask();
  for (const auto& slot : slots_) {
    if (slot->state == State::starting) until = std::min(until, slot->start_deadline);
    if (slot->state == State::empty && work) until = std::min(until, std::max(slot->restart_at, server_at_));
    if (slot->state == State::starting || slot->state == State::dying || !slot->unanswered.empty())
      until = std::min(until, tick);
  }
  for (const auto& server : dead_servers_) {
    if (server->pid() != 0) until = std::min(until, tick);
  }
  return until;
}

void Pool::Impl::sleep(Clock::time_point until) {
  const Clock::time_point before = Clock::now();
  notice_standstill(before, before - last_seen_, false);
  bool may_sleep = until > before;
  for (const auto& slot : slots_) {
    if (slot->channel && !slot->channel->prepare_to_sleep() && slot->heard()) may_sleep = false;
  }
  announce_sleep(wake_word_);
  if (woken_.load(std::memory_order_acquire)) may_sleep = false;
  // Rounded up: to wake too early would be to come back at once.
  const auto time = may_sleep ? std::chrono::ceil<milliseconds>(until - before) : milliseconds{0};
  std::array<epoll_event, 64> heard;
  const int count = ::epoll_wait(epoll_.get(), heard.data(), static_cast<int>(heard.size()),
                                 static_cast<int>(std::clamp(time, milliseconds{0}, kLongestWait).count()));
  end_sleep(wake_word_);
  for (const auto& slot : slots_) {
    if (slot->channel) slot->channel->awake();
  }
  last_poll_ = Clock::now();
  notice_standstill(last_poll_, last_poll_ - before - time, true);
  for (int i = 0; i < count; ++i) hear(heard[static_cast<std::size_t>(i)]);
  collect();
}

// While this process was stopped (Ctrl-Z, a frozen control group), no worker's clock may have run on. If it stood still
// in its sleep, that is certain. Anywhere else, the user may as well have been busy, for which time a worker that hangs
// is forgiven too, but no longer than it may take anyway.
void Pool::Impl::notice_standstill(Clock::time_point now, Clock::duration missed, bool asleep) {
  last_seen_ = now;
  if (missed < (asleep ? kTick : kAway)) return;
  for (const auto& slot : slots_) {
    slot->start_deadline += missed;
    if (!asleep && slot->forgiven >= options_.timeout) continue;
    slot->oldest_since += missed;
    if (!asleep) slot->forgiven += missed;
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
    case Source::server_death:
      hear_server();
      if (server_) server_died({});
      return;
    case Source::bell:
      return;  // what it rang for is collected afterwards
    case Source::death:
      WorkerSlot& slot = *slots_[worker];
      ignore(slot.process.pidfd());
      slot.death_heard = true;
      bury(slot);
      return;
  }
}

PoolStatistics Pool::Impl::statistics() const {
  PoolStatistics statistics = statistics_;
  for (const auto& slot : slots_) {
    slot->reclaim();
    statistics.bytes_in_flight += slot->statistics().lent_bytes;
    statistics.bytes_copied_in += slot->bytes_copied;
  }
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

Pool::Pool(PoolOptions options, Events& events) : Pool(std::move(options), events, nullptr) {}
Pool::Pool(PoolOptions options, Events& events, std::unique_ptr<ForkServer> server)
    : impl_(std::make_unique<Impl>(std::move(options), events, std::move(server))) {}
Pool::~Pool() = default;
void Pool::submit(std::uint64_t tag, std::span<const std::byte> input, const std::array<std::uint64_t, 2>& user) {
  impl_->submit(tag, input, user, {});
}
void Pool::submit(std::uint64_t tag, std::span<const std::byte> input, const std::array<std::uint64_t, 2>& user,
                  const Hints& hints) {
  impl_->submit(tag, input, user, hints);
}
Lease Pool::lend(std::uint64_t size_bytes) { return impl_->lend(size_bytes); }
std::size_t Pool::unfinished() const { return impl_->unfinished(); }
std::size_t Pool::waiting() const { return impl_->waiting(); }
bool Pool::hungry() const { return impl_->hungry(); }
void Pool::wait(milliseconds limit) { impl_->wait(limit); }
void Pool::wake() { impl_->wake(); }
void Pool::reject() { impl_->reject(); }
int Pool::answering() const { return impl_->answering(); }
void Pool::pause() { impl_->pause(); }
void Pool::resume() { impl_->resume(); }
void Pool::dismiss() { impl_->dismiss(); }
PoolStatistics Pool::statistics() const { return impl_->statistics(); }
Pool::Processes Pool::processes() const { return impl_->processes(); }

}  // namespace pixmill::ipc
