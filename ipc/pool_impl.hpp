#pragma once

#include "ipc/admission.hpp"
#include "ipc/fork_server.hpp"
#include "ipc/pool.hpp"
#include "ipc/start_failures.hpp"
#include "ipc/worker_slot.hpp"

#include <atomic>
#include <deque>
#include <memory>
#include <string>
#include <vector>

struct epoll_event;

namespace pixmill::ipc {

/// What a pool is made of. pool.cpp: its life and its sleep; pool_sending.cpp: messages out; pool_hearing.cpp: answers
/// in; pool_supervision.cpp: births, clocks and deaths. docs/processes.md has the states of a worker.
class Pool::Impl {
 public:
  Impl(PoolOptions options, Events& events, std::unique_ptr<ForkServer> server);
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void submit(std::uint64_t tag, std::span<const std::byte> input, const std::array<std::uint64_t, 2>& user,
              const Hints& hints);
  [[nodiscard]] Lease lend(std::uint64_t size_bytes);
  [[nodiscard]] std::size_t unfinished() const;
  [[nodiscard]] std::size_t waiting() const;
  [[nodiscard]] bool hungry() const;
  void wait(std::chrono::milliseconds limit);
  void wake();
  void reject() { rejected_ = true; }
  [[nodiscard]] int answering() const { return answering_; }
  void pause();
  void resume();
  void dismiss();
  [[nodiscard]] PoolStatistics statistics() const;
  [[nodiscard]] Processes processes() const;

 private:
  using Clock = WorkerSlot::Clock;
  using State = WorkerSlot::State;
  using KillReason = WorkerSlot::KillReason;
  using TaskPtr = std::unique_ptr<PoolTask>;
  /// What epoll speaks of.
  enum class Source : std::uint32_t { wake, server, server_death, bell, death };

  // Sending.
  [[nodiscard]] std::size_t depth() const;
  void dispatch();
  void place_lonely();
  void place_near();
  [[nodiscard]] std::deque<TaskPtr>* next_for(WorkerSlot& slot);
  [[nodiscard]] std::size_t room_in(const WorkerSlot& slot) const;
  bool load(WorkerSlot& slot, TaskPtr& task);
  void trim();
  void flush(WorkerSlot& slot);
  [[nodiscard]] WorkerSlot* least_busy();
  // Hearing.
  bool collect();
  std::size_t collect(WorkerSlot& slot);
  bool judge(WorkerSlot& slot, const Descriptor& message);
  [[nodiscard]] bool admit(WorkerSlot& slot);
  bool judge_answer(WorkerSlot& slot, const Descriptor& message);
  bool judge_done(WorkerSlot& slot, const Descriptor& message);
  void judge_lent(WorkerSlot& slot, std::uint64_t size);
  bool judge_need(WorkerSlot& slot, const Descriptor& message);
  void dropped(WorkerSlot& slot);
  [[nodiscard]] TaskPtr settle_without_answer(WorkerSlot& slot, const char* reason);
  void fail_oldest(WorkerSlot& slot, const char* reason);
  void measure(std::size_t answers, Clock::duration elapsed);
  // Sleeping.
  void sleep(Clock::time_point until);
  [[nodiscard]] Clock::time_point next_deadline(Clock::time_point until) const;
  void notice_standstill(Clock::time_point now, Clock::duration missed, bool asleep);
  void hear(const epoll_event& event);
  // Supervision.
  void start_workers();
  void start(WorkerSlot& slot);
  [[nodiscard]] bool may_ask() const;
  [[nodiscard]] bool have_server();
  void watch_server();
  void hear_server();
  void born(WorkerSlot& slot, ChildProcess process);
  void server_died(const std::string& why);
  void start_failed(WorkerSlot& slot, const std::string& why);
  void check_clocks();
  void check_clock(WorkerSlot& slot, Clock::time_point now);
  void kill(WorkerSlot& slot, KillReason reason);
  void bury(WorkerSlot& slot);
  void lay_aside(WorkerSlot& slot);
  void came_to_nothing(WorkerSlot& slot, const std::string& how, bool killed = false);
  void distribute(WorkerSlot& slot, std::deque<WorkerSlot::Lent> left, const std::string& how);
  void reap_strays();
  void charge(WorkerSlot& slot, TaskPtr task, Failure failure, const std::string& reason);
  void fail(const PoolTask& task, Failure failure, const std::string& reason);
  void check_hope() const;
  void signal_all(int number) const;
  void watch(int fd, Source source, std::size_t worker);
  void ignore(int fd) const;
  [[nodiscard]] std::size_t number(const WorkerSlot& slot) const;

  SleepWord wake_word_;  // first, for its alignment
  PoolOptions options_;
  Events& events_;
  Admission admission_;
  UniqueFd epoll_;
  EventBell wake_bell_;
  std::vector<std::unique_ptr<WorkerSlot>> slots_;
  std::unique_ptr<ForkServer> server_;
  std::vector<std::unique_ptr<ForkServer>> dead_servers_;  // until nobody is left of their groups
  std::vector<ChildProcess> undead_;                       // killed, given up, and still not gone
  std::string server_trouble_;                             // what it said before it gave up
  Clock::time_point server_at_;                            // no new one before
  Clock::time_point strays_at_;
  std::deque<TaskPtr> pending_;
  std::deque<TaskPtr> lonely_;  // to be tried alone, by any worker
  std::uint64_t next_number_ = 1;
  std::uint64_t next_id_ = 1;
  std::uint64_t next_ticket_ = 1;
  std::chrono::nanoseconds usual_work_{0};  // 0: not known
  std::uint64_t usual_answer_bytes_;
  std::string last_trouble_;
  std::string insecure_;  // why a worker is not locked in that should be
  Clock::time_point last_seen_;
  Clock::time_point last_poll_;
  Clock::time_point paused_at_;
  PoolStatistics statistics_;
  // What is small, last and side by side, for its alignment as well.
  StartFailures server_failures_;
  int late_starts_ = 0;  // in a row
  int answering_ = 0;    // the place of the worker whose answer is judged
  std::atomic<bool> woken_{false};
  bool server_ready_ = false;
  bool rejected_ = false;
};

}  // namespace pixmill::ipc
