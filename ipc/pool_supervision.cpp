#include "ipc/pool_impl.hpp"

#include <pixmill/error.hpp>

#include <algorithm>
#include <system_error>
#include <utility>

namespace pixmill::ipc {
namespace {

using std::chrono::milliseconds;

// A process that is not ready in this time is given up; twice as long each time until one is, for slow machines.
constexpr milliseconds kStartLimit{2000};
constexpr milliseconds kLongestStartLimit{30000};
// Workers that the server is asked for at one time. Its socket takes no more than a few hundred requests, and the
// kernel no more descriptors under way than a process may have open.
constexpr std::ptrdiff_t kMostAsked = 16;
// It may be the warming up that they die of.
constexpr int kWarmTries = 2;
// A process that outlives its SIGKILL by so much hangs in the kernel, or in a debugger: it is done without.
constexpr milliseconds kLongestDeath{5000};
// Nobody waits for the remains of a dead server.
constexpr milliseconds kStraysEvery{20};
constexpr ProcessEnd kKilled{true, SIGKILL};

milliseconds doubled(milliseconds first, int times, milliseconds most) {
  return std::min(first * (1 << std::clamp(times, 0, 16)), most);
}

std::string seconds(milliseconds time) {
  std::string text = std::to_string(static_cast<double>(time.count()) / 1000.0);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text + " s";
}

std::string stillbirth(WorkerSlot::KillReason reason, const ProcessEnd& end) {
  switch (reason) {
    case WorkerSlot::KillReason::start:
      return "a worker process was not ready in time";
    case WorkerSlot::KillReason::protocol:
      return "a worker process sent what makes no sense before it was ready";
    case WorkerSlot::KillReason::none:
    case WorkerSlot::KillReason::timeout:
    case WorkerSlot::KillReason::worn_out:
      break;
  }
  return "a worker process " + describe_event(end) + " before it was ready";
}

}  // namespace

// --- Births ----------------------------------------------------------------------------------------------------------

void Pool::Impl::start_workers() {
  const Clock::time_point now = Clock::now();
  const bool work = unfinished() > 0;
  for (const auto& slot : slots_) {
    const bool first = slot->epoch == 0;
    if (slot->state != State::empty || slot->restart_at > now || !(work || first)) continue;
    if (!may_ask()) return;
    start(*slot);
  }
}

bool Pool::Impl::may_ask() const {
  return std::count_if(slots_.begin(), slots_.end(),
                       [](const auto& slot) { return slot->state == State::starting && !slot->process; }) < kMostAsked;
}

void Pool::Impl::start(WorkerSlot& slot) {
  if (!have_server()) return;
  try {
    const auto limit = doubled(kStartLimit, late_starts_, kLongestStartLimit);
    slot.begin_life(Clock::now(), limit);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::machine) throw;
    start_failed(slot, error.what());
    return;
  }
  slot.ticket = next_ticket_++;
  if (server_->request(slot.spawn_request(slot.ticket), slot.region_fd(), slot.bell().fd())) return;
  slot.state = State::empty;
  // If it is dead, what it said before and how it ended tell more.
  hear_server();
  if (server_) server_died("it takes no requests");
}

bool Pool::Impl::have_server() {
  if (server_) return true;
  if (Clock::now() < server_at_) return false;
  try {
    server_ready_ = false;
    server_trouble_.clear();
    server_ = std::make_unique<ForkServer>(options_.plan, server_failures_.own() < kWarmTries);
    watch_server();
    ++statistics_.servers_started;
    return true;
  } catch (const Error& error) {
    server_.reset();
    server_died(error.what());
    return false;
  }
}

// Its death beside its socket: a worker that is stopped before it has closed its own end of that keeps it open.
void Pool::Impl::watch_server() {
  watch(server_->socket(), Source::server, 0);
  watch(server_->pidfd(), Source::server_death, 0);
}

void Pool::Impl::hear_server() {
  while (server_) {
    ForkServer::Reply reply = server_->reply();
    if (reply.result == PacketResult::nothing) return;
    if (reply.result == PacketResult::cut) {
      server_died(
          "no descriptor is left for a worker; raise the limit of open files (ulimit -n), or use fewer workers");
      return;
    }
    if (reply.result == PacketResult::closed) {
      server_died({});
      return;
    }
    if (reply.spawned.ticket == 0) {
      server_trouble_ = reply.spawned.trouble();
      server_ready_ = server_trouble_.empty();
      continue;
    }
    const auto at = std::find_if(slots_.begin(), slots_.end(), [&](const auto& slot) {
      return slot->state == State::starting && !slot->process && slot->ticket == reply.spawned.ticket;
    });
    if (at == slots_.end()) {  // it was given up
      reply.worker.kill();
      if (reply.worker) undead_.push_back(std::move(reply.worker));
    } else if (reply.worker) {
      born(**at, std::move(reply.worker));
    } else {
      start_failed(**at, "clone3: " + std::generic_category().message(reply.spawned.error) +
                             "; raise the limit of processes (ulimit -u, or pids.max of the control group), free "
                             "memory, or use fewer workers");
    }
  }
}

void Pool::Impl::born(WorkerSlot& slot, ChildProcess process) {
  slot.process = std::move(process);
  watch(slot.process.pidfd(), Source::death, number(slot));
  ++statistics_.workers_started;
  server_failures_.forget();
  if (slot.kill_reason != KillReason::none) {
    kill(slot, slot.kill_reason);
  } else if (slot.said_ready && !admit(slot)) {
    kill(slot, KillReason::protocol);
  }
}

// Its workers live on. Of those that were asked for and not yet told of, nobody knows whether they exist.
void Pool::Impl::server_died(const std::string& why) {
  std::string how = why;
  bool killed = false;
  if (server_) {
    ignore(server_->socket());
    ignore(server_->pidfd());
    const std::optional<ProcessEnd> end = server_->kill();
    if (!server_trouble_.empty()) {
      how = server_trouble_;
    } else if (how.empty()) {
      how = "it " + (end ? describe_event(*end) : "was killed") + (server_ready_ ? "" : " before it was ready");
      killed = !end || *end == kKilled;
    }
    dead_servers_.push_back(std::move(server_));
  }
  server_failures_.add(killed);
  server_at_ = Clock::now() + server_failures_.back_off();
  last_trouble_ = "the process that starts workers failed: " + how;
  for (const auto& slot : slots_) {
    if (slot->state == State::starting && !slot->process) static_cast<void>(slot->abandon_life());
  }
}

void Pool::Impl::start_failed(WorkerSlot& slot, const std::string& why) {
  last_trouble_ = why;
  if (slot.channel) static_cast<void>(slot.end_life());
  came_to_nothing(slot, why);
}

// --- Clocks ----------------------------------------------------------------------------------------------------------

void Pool::Impl::check_clocks() {
  const Clock::time_point now = Clock::now();
  for (const auto& slot : slots_) check_clock(*slot, now);
}

void Pool::Impl::check_clock(WorkerSlot& slot, Clock::time_point now) {
  switch (slot.state) {
    case State::empty:
      return;
    case State::starting:
      if (now < slot.start_deadline) return;
      ++late_starts_;
      if (!slot.process) {
        server_died("it does not answer");
        return;
      }
      last_trouble_ = "a worker process was not ready in time";
      kill(slot, KillReason::start);
      return;
    case State::dying:
      if (slot.death_heard) bury(slot);
      if (slot.state == State::dying && now >= slot.dying_since + kLongestDeath) lay_aside(slot);
      return;
    case State::running:
      break;
  }
  const std::uint64_t life = options_.messages_a_life;
  if (life > 0 && slot.finished >= life && slot.unanswered.empty() && !slot.retry) {
    return kill(slot, KillReason::worn_out);
  }
  if (options_.timeout.count() == 0) return;
  const auto overdue = [&] { return !slot.unanswered.empty() && now >= slot.oldest_since + options_.timeout; };
  if (!overdue()) return;
  // It may have answered meanwhile, and not been heard yet.
  collect(slot);
  if (slot.state != State::running || !overdue()) return;
  slot.suspect = slot.unanswered.front().id;
  kill(slot, KillReason::timeout);
}

// --- Deaths ----------------------------------------------------------------------------------------------------------

void Pool::Impl::kill(WorkerSlot& slot, KillReason reason) {
  if (slot.state == State::empty) return;
  // What is found in the last words of one that was killed for something else.
  if (slot.state == State::dying && reason != KillReason::protocol) return;
  slot.kill_reason = reason;
  if (slot.state == State::dying) return;
  // Without a process, its hello was nonsense, and the server has not told us of it yet: it is killed when it does. And
  // if it is dead already, and being buried, the reason is all that was wanted.
  if (!slot.process) return;
  slot.state = State::dying;
  slot.dying_since = Clock::now();
  slot.process.kill();
}

void Pool::Impl::bury(WorkerSlot& slot) {
  const Clock::time_point begin = Clock::now();
  const std::optional<ProcessEnd> end = slot.process.try_reap();
  if (!end) {
    // Dead, but a debugger has not let go of it. Nothing is sent to it any more.
    if (slot.state != State::dying) slot.dying_since = begin;
    slot.state = State::dying;
    return;
  }
  ++(slot.kill_reason == KillReason::worn_out ? statistics_.retired : statistics_.deaths);
  // What it committed before it died counts. Of one that talked nonsense nothing more is heard.
  if (slot.kill_reason != KillReason::protocol) collect(slot);
  const bool ready = slot.was_running;
  const std::string trouble = slot.trouble;
  const bool barren = slot.finished == 0 && (slot.unanswered.empty() || !slot.unanswered.front().sent);
  if (ready) slot.stillborn.forget();
  distribute(slot, slot.end_life(), describe(*end));
  if (barren && ready) {
    came_to_nothing(slot, {});
  } else if (barren && !trouble.empty()) {
    came_to_nothing(slot, "a worker process could not be set up: " + trouble);
  } else if (barren) {
    came_to_nothing(slot, stillbirth(slot.kill_reason, *end), slot.kill_reason == KillReason::none && *end == kKilled);
  }
  statistics_.slowest_burial = std::max<std::chrono::nanoseconds>(statistics_.slowest_burial, Clock::now() - begin);
}

// As bury(), for one that will not go. It keeps the old region as long as it lives, and nobody listens to it.
void Pool::Impl::lay_aside(WorkerSlot& slot) {
  if (!slot.death_heard) ignore(slot.process.pidfd());
  ++statistics_.deaths;
  if (slot.kill_reason != KillReason::protocol) collect(slot);
  undead_.push_back(std::move(slot.process));
  const bool ready = slot.was_running;
  distribute(slot, slot.abandon_life(), "cannot be killed");
  if (!ready) came_to_nothing(slot, "a worker process cannot be killed");
}

// A life that ended with nothing done and nobody to blame.
void Pool::Impl::came_to_nothing(WorkerSlot& slot, const std::string& how, bool killed) {
  ++slot.barren;
  if (!how.empty()) {
    slot.stillborn.add(killed);
    last_trouble_ = how;
  }
  slot.restart_at = Clock::now() + StartFailures::back_off(slot.barren);
}

// Only the oldest message is charged, if it was sent at all; and of a worker that was killed over its time, only the
// one that took it.
void Pool::Impl::distribute(WorkerSlot& slot, std::deque<WorkerSlot::Lent> left, const std::string& how) {
  for (const auto& other : slots_) other->full = false;
  const KillReason killed = slot.kill_reason;
  const bool guilty =
      !left.empty() && left.front().sent && (killed != KillReason::timeout || left.front().id == slot.suspect);
  TaskPtr oldest = guilty ? std::move(left.front().task) : nullptr;
  if (guilty) left.pop_front();
  for (auto at = left.rbegin(); at != left.rend(); ++at) {
    (at->task->lonely() ? lonely_ : pending_).push_front(std::move(at->task));
  }
  if (!oldest) return;
  switch (killed) {
    case KillReason::timeout:
      charge(slot, std::move(oldest), Failure::timed_out, "took longer than " + seconds(options_.timeout));
      return;
    case KillReason::protocol:
      charge(slot, std::move(oldest), Failure::protocol, "protocol");
      return;
    case KillReason::none:
    case KillReason::start:
    case KillReason::worn_out:
      charge(slot, std::move(oldest), Failure::died, how);
      return;
  }
}

void Pool::Impl::charge(WorkerSlot& slot, TaskPtr task, Failure failure, const std::string& reason) {
  ++task->attempts;
  events_.lost(task->tag, static_cast<int>(number(slot)), slot.oldest_since, failure, reason);
  if (task->attempts > options_.retries) {
    fail(*task, failure, reason);
    return;
  }
  // The next life here is a fresh one; another that waited for this worker can do with any.
  if (slot.retry) lonely_.push_back(std::move(slot.retry));
  slot.retry = std::move(task);
}

void Pool::Impl::fail(const PoolTask& task, Failure failure, const std::string& reason) {
  ++statistics_.failed;
  events_.failed(task.tag, failure, reason, failure == Failure::no_memory ? task.attempts + 1 : task.attempts);
}

// Takes leave of dead servers, of workers that a server made and could not tell us of, and of those that took long to
// die.
void Pool::Impl::reap_strays() {
  std::erase_if(undead_, [](ChildProcess& process) { return process.try_reap().has_value(); });
  const Clock::time_point now = Clock::now();
  if (dead_servers_.empty() || now < strays_at_) return;
  strays_at_ = now + kStraysEvery;
  std::vector<pid_t> known;
  for (const auto& slot : slots_) {
    if (slot->process) known.push_back(slot->process.pid());
  }
  for (const auto& process : undead_) known.push_back(process.pid());
  std::erase_if(dead_servers_, [&](const auto& server) { return server->reap_strays(known); });
}

void Pool::Impl::check_hope() const {
  if (unfinished() == 0) return;
  if (!insecure_.empty()) {
    throw Error(ErrorCode::machine, "workers cannot be locked in (" + insecure_ + ")" + options_.if_not_locked);
  }
  const bool no_server = !server_ && server_failures_.hopeless();
  for (const auto& slot : slots_) {
    if (slot->process || (!slot->stillborn.hopeless() && !no_server)) return;
  }
  throw Error(ErrorCode::machine, "no worker process can be started: " + last_trouble_ + options_.if_no_worker);
}

}  // namespace pixmill::ipc
