#include "ipc/channel.hpp"
#include "ipc/region.hpp"
#include "tests/ipc/forked.hpp"
#include "tests/ipc/numbered.hpp"

#include <gtest/gtest.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <functional>
#include <set>
#include <vector>

// "May die at any instruction", taken at its word: a process is led through a piece of work by single steps, and killed
// after the first instruction, the second, and so on until it gets through. What its peer finds must be right each
// time.

namespace pixmill::ipc {
namespace {

enum class Stepped : std::uint8_t { killed, through, forbidden, broken };

constexpr int kForbidden = 77;

// Waits for the next stop; the signal that it stopped for, or 0 if it ended. `status` is for looking closer.
int next_stop(pid_t pid, int& status) {
  while (::waitpid(pid, &status, __WALL) < 0) {
    if (errno != EINTR) return 0;
  }
  return WIFSTOPPED(status) ? WSTOPSIG(status) : 0;
}

void kill_and_reap(pid_t pid) {
  ::kill(pid, SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, __WALL) < 0 || WIFSTOPPED(status)) {
    if (errno == ECHILD) return;
  }
}

// Runs `work` in a child for `instructions`, and kills it there. The stops at both ends are the child's own.
Stepped run_and_kill(std::uint64_t instructions, const std::function<void()>& work) {
  const pid_t pid = ::fork();
  if (pid < 0) return Stepped::broken;
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(kForbidden);
    ::raise(SIGSTOP);
    work();
    ::raise(SIGSTOP);
    ::_exit(0);
  }
  int status = 0;
  if (next_stop(pid, status) != SIGSTOP) {
    return WIFEXITED(status) && WEXITSTATUS(status) == kForbidden ? Stepped::forbidden : Stepped::broken;
  }
  Stepped result = Stepped::killed;
  for (std::uint64_t i = 0; i < instructions && result == Stepped::killed; ++i) {
    if (::ptrace(PTRACE_SINGLESTEP, pid, nullptr, nullptr) != 0) {
      result = errno == EPERM || errno == EIO ? Stepped::forbidden : Stepped::broken;
      break;
    }
    const int signal = next_stop(pid, status);
    if (signal == SIGSTOP) result = Stepped::through;
    if (signal != SIGSTOP && signal != SIGTRAP) result = Stepped::broken;
  }
  kill_and_reap(pid);
  return result;
}

Descriptor answer_to(Descriptor message) {
  message.user[0] = ~message.task;
  message.code = message.code + 1;
  return message;
}

// What a worker does between two sleeps.
void work_once(WorkerEnd& worker, std::size_t messages) {
  std::array<Descriptor, 8> some;
  if (worker.receive(some).count != messages) return;
  for (std::size_t i = 0; i < messages; ++i) {
    const Descriptor answer = answer_to(some[i]);
    if (worker.post({&answer, 1}).count != 1) return;
  }
  worker.ring();
}

class SingleStep : public testing::Test {
 protected:
  static constexpr std::uint32_t kCapacity = 4;

  SingleStep() : map_(kCapacity), region_(map_.size_bytes) {
    if (!region_.commit(0, map_.size_bytes)) throw std::bad_alloc();
  }

  // Moves both rings on, so that a batch runs over their end; and has every function called once, so that the dynamic
  // linker is not stepped through.
  void warm_up(CoordinatorEnd& coordinator, WorkerEnd& worker, std::uint64_t rounds) {
    std::array<Descriptor, 1> heard;
    for (std::uint64_t i = 0; i < rounds; ++i) {
      ASSERT_FALSE(coordinator.prepare_to_sleep() && coordinator.receive(heard).count > 0);
      announce_sleep(worker_word());
      ASSERT_EQ(coordinator.send(std::array{numbered(1000 + i)}).count, 1U);
      work_once(worker, 1);
      coordinator.awake();
      ASSERT_TRUE(bell_.silence());
      ASSERT_EQ(coordinator.receive(heard).count, 1U);
      ASSERT_EQ(heard[0], answer_to(numbered(1000 + i)));
    }
  }

  [[nodiscard]] SleepWord& worker_word() const {
    return *reinterpret_cast<SleepWord*>(region_.memory().data() + map_.worker_sleep_offset);
  }

  // After any death: a new epoch in the same memory is as good as new.
  void expect_a_new_epoch_to_work(std::uint64_t number) {
    CoordinatorEnd coordinator(region_.memory(), map_, ++epoch_);
    WorkerEnd worker(region_.memory(), map_, epoch_, bell_);
    const std::array batch{numbered(number), numbered(number + 1), numbered(number + 2), numbered(number + 3)};
    ASSERT_EQ(coordinator.send(batch).count, batch.size());
    work_once(worker, batch.size());
    std::vector<Descriptor> heard;
    ASSERT_FALSE(coordinator.drain(heard).violated);
    ASSERT_EQ(heard.size(), batch.size());
    for (std::size_t i = 0; i < batch.size(); ++i) ASSERT_EQ(heard[i], answer_to(batch[i]));
    static_cast<void>(bell_.silence());
  }

  void kill_a_worker_everywhere(std::size_t messages, std::uint64_t rounds, bool asleep);
  void kill_a_coordinator_everywhere(std::size_t messages, std::uint64_t rounds, bool asleep);

  ChannelMap map_;
  Region region_;
  EventBell bell_;
  std::uint32_t epoch_ = 0;
};

void SingleStep::kill_a_worker_everywhere(std::size_t messages, std::uint64_t rounds, bool asleep) {
  const HangGuard guard;
  std::set<std::size_t> seen;
  std::size_t answers_before = 0;
  bool popped_before = false;
  for (std::uint64_t instructions = 0;; ++instructions) {
    SCOPED_TRACE(testing::Message() << "killed after " << instructions << " instructions");
    CoordinatorEnd coordinator(region_.memory(), map_, ++epoch_);
    WorkerEnd worker(region_.memory(), map_, epoch_, bell_);
    ASSERT_NO_FATAL_FAILURE(warm_up(coordinator, worker, rounds));
    std::vector<Descriptor> batch;
    for (std::size_t i = 0; i < messages; ++i) batch.push_back(numbered(instructions * 8 + i));
    ASSERT_EQ(coordinator.send(batch).count, messages);
    ASSERT_TRUE(!asleep || coordinator.prepare_to_sleep());

    const Stepped stepped = run_and_kill(instructions, [&] { work_once(worker, messages); });
    if (stepped == Stepped::forbidden) GTEST_SKIP() << "single steps by ptrace are not allowed here";
    ASSERT_NE(stepped, Stepped::broken);

    // What it committed is there, in order and whole; the rest was never sent. More instructions, never fewer answers.
    std::vector<Descriptor> heard;
    ASSERT_FALSE(coordinator.drain(heard).violated);
    ASSERT_LE(heard.size(), messages);
    for (std::size_t i = 0; i < heard.size(); ++i) ASSERT_EQ(heard[i], answer_to(batch[i]));
    ASSERT_GE(heard.size(), answers_before);
    answers_before = heard.size();
    seen.insert(heard.size());
    std::vector<Descriptor> nothing;
    ASSERT_EQ(coordinator.drain(nothing).count, 0U);
    // No bell before the last commit, and none that nobody asked for.
    const bool rang = bell_.silence();
    ASSERT_TRUE(!rang || (asleep && heard.size() == messages));
    // Its pop happened as a whole or not at all, and before any answer. The ring towards it is not broken.
    const std::vector<Descriptor> more(kCapacity, numbered(1));
    const RingResult sent = coordinator.send(more);
    ASSERT_FALSE(sent.violated);
    const bool popped = sent.count == kCapacity;
    ASSERT_TRUE(popped || sent.count == kCapacity - messages);
    ASSERT_TRUE(popped || (heard.empty() && !popped_before));
    popped_before = popped;

    ASSERT_NO_FATAL_FAILURE(expect_a_new_epoch_to_work(instructions));
    if (stepped == Stepped::through) {
      ASSERT_EQ(heard.size(), messages);
      ASSERT_GT(instructions, 50U) << "that was no work";
      RecordProperty("kills", std::to_string(instructions));
      break;
    }
  }
  EXPECT_EQ(seen.size(), messages + 1) << "each answer is a commit of its own";
}

void SingleStep::kill_a_coordinator_everywhere(std::size_t messages, std::uint64_t rounds, bool asleep) {
  const HangGuard guard;
  bool sent_before = false;
  for (std::uint64_t instructions = 0;; ++instructions) {
    SCOPED_TRACE(testing::Message() << "killed after " << instructions << " instructions");
    CoordinatorEnd coordinator(region_.memory(), map_, ++epoch_);
    WorkerEnd worker(region_.memory(), map_, epoch_, bell_);
    ASSERT_NO_FATAL_FAILURE(warm_up(coordinator, worker, rounds));
    if (asleep) announce_sleep(worker_word());
    std::vector<Descriptor> batch;
    for (std::size_t i = 0; i < messages; ++i) batch.push_back(numbered(instructions * 8 + i));

    const Stepped stepped = run_and_kill(instructions, [&] { static_cast<void>(coordinator.send(batch)); });
    if (stepped == Stepped::forbidden) GTEST_SKIP() << "single steps by ptrace are not allowed here";
    ASSERT_NE(stepped, Stepped::broken);

    // All of the batch or nothing.
    std::array<Descriptor, 8> got;
    const RingResult popped = worker.receive(got);
    ASSERT_FALSE(popped.violated);
    ASSERT_TRUE(popped.count == 0 || popped.count == messages);
    for (std::size_t i = 0; i < popped.count; ++i) ASSERT_EQ(got[i], batch[i]);
    ASSERT_TRUE(popped.count == messages || !sent_before);
    sent_before = popped.count == messages;
    // The announcement is taken after the commit: who finds it taken finds the messages.
    const bool taken = asleep && !take_announcement(worker_word());
    ASSERT_TRUE(!taken || sent_before);

    ASSERT_NO_FATAL_FAILURE(expect_a_new_epoch_to_work(instructions));
    if (stepped == Stepped::through) {
      ASSERT_TRUE(sent_before);
      ASSERT_GT(instructions, 50U) << "that was no work";
      RecordProperty("kills", std::to_string(instructions));
      break;
    }
  }
}

TEST_F(SingleStep, AWorkerKilledAnywhereInAPopAndAnAnswer) { kill_a_worker_everywhere(1, 1, false); }
TEST_F(SingleStep, AWorkerKilledAnywhereInThreeAnswersAroundTheEndOfTheRing) { kill_a_worker_everywhere(3, 2, false); }
TEST_F(SingleStep, AWorkerKilledAnywhereWhileItWakesTheCoordinator) { kill_a_worker_everywhere(1, 3, true); }
TEST_F(SingleStep, AWorkerKilledAnywhereWithFullRings) { kill_a_worker_everywhere(4, 1, true); }
TEST_F(SingleStep, ACoordinatorKilledAnywhereInAPush) { kill_a_coordinator_everywhere(1, 1, false); }
TEST_F(SingleStep, ACoordinatorKilledAnywhereInABatchAroundTheEndOfTheRing) {
  kill_a_coordinator_everywhere(3, 2, false);
}
TEST_F(SingleStep, ACoordinatorKilledAnywhereWhileItWakesTheWorker) { kill_a_coordinator_everywhere(4, 1, true); }

}  // namespace
}  // namespace pixmill::ipc
