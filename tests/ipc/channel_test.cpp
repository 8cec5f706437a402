#include "ipc/channel.hpp"

#include "ipc/region.hpp"
#include "tests/ipc/forked.hpp"
#include "tests/ipc/numbered.hpp"

#include <pixmill/error.hpp>

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <memory>
#include <vector>

namespace pixmill::ipc {
namespace {

constexpr auto kNever = [] { return false; };

Region committed_region(const ChannelMap& map) {
  Region region(map.size_bytes + page_bytes());
  if (!region.commit(0, map.size_bytes)) throw Error(ErrorCode::machine, "no memory");
  return region;
}

TEST(ChannelMap, PartsAreInOrderAlignedAndApart) {
  for (const std::uint32_t capacity : {1U, 2U, 64U, 1024U}) {
    const ChannelMap map(capacity);
    EXPECT_GE(map.worker_sleep_offset, map.to_worker_offset + ring_bytes(capacity));
    EXPECT_GE(map.to_coordinator_offset, map.worker_sleep_offset + sizeof(SleepWord));
    EXPECT_GE(map.coordinator_sleep_offset, map.to_coordinator_offset + ring_bytes(capacity));
    EXPECT_GE(map.size_bytes, map.coordinator_sleep_offset + sizeof(SleepWord));
    for (const std::uint64_t offset :
         {map.worker_sleep_offset, map.to_coordinator_offset, map.coordinator_sleep_offset})
      EXPECT_EQ(offset % 128, 0U);
    EXPECT_EQ(map.size_bytes % page_bytes(), 0U);
  }
}

TEST(Channel, OfAnotherEpochOrCapacityIsRefusedByTheWorker) {
  const ChannelMap map(8);
  const Region region = committed_region(map);
  const CoordinatorEnd coordinator(region.memory(), map, 3);
  const EventBell bell;
  EXPECT_NO_THROW(WorkerEnd(region.memory(), map, 3, bell));
  EXPECT_THROW(WorkerEnd(region.memory(), map, 4, bell), Error);
  EXPECT_THROW(WorkerEnd(region.memory(), ChannelMap(16), 3, bell), Error);
}

TEST(Channel, ThatDoesNotFitIsRefused) {
  const Region region(page_bytes());
  EXPECT_THROW(CoordinatorEnd(region.memory(), ChannelMap(1024), 0), Error);
  EXPECT_THROW(CoordinatorEnd(region.memory(), ChannelMap(3), 0), Error);
}

TEST(Channel, ANewEpochForgetsTheOldAlsoItsSleepers) {
  const ChannelMap map(4);
  const Region region = committed_region(map);
  const EventBell bell;
  {
    CoordinatorEnd coordinator(region.memory(), map, 1);
    WorkerEnd worker(region.memory(), map, 1, bell);
    ASSERT_EQ(worker.send(std::array{numbered(1)}).count, 1U);
    ASSERT_FALSE(coordinator.prepare_to_sleep());
  }
  CoordinatorEnd coordinator(region.memory(), map, 2);
  WorkerEnd worker(region.memory(), map, 2, bell);
  std::vector<Descriptor> drained;
  EXPECT_EQ(coordinator.drain(drained).count, 0U);
  ASSERT_EQ(worker.send(std::array{numbered(2)}).count, 1U);
  EXPECT_FALSE(bell.silence()) << "nobody announced a sleep in this epoch";
}

TEST(Channel, DrainGivesAllThatADeadWorkerCommitted) {
  const ChannelMap map(64);
  const Region region = committed_region(map);
  CoordinatorEnd coordinator(region.memory(), map, 1);
  const EventBell bell;
  Forked child([&] {
    WorkerEnd worker(region.memory(), map, 1, bell);
    for (std::uint64_t i = 0; i < 64; ++i)
      if (worker.send(std::array{numbered(i)}).count != 1) return 1;
    ::raise(SIGKILL);
    return 2;
  });
  ASSERT_EQ(child.wait(), -SIGKILL);
  std::vector<Descriptor> drained;
  const RingResult result = coordinator.drain(drained);
  EXPECT_FALSE(result.violated);
  ASSERT_EQ(result.count, 64U);
  for (std::uint64_t i = 0; i < 64; ++i) EXPECT_EQ(drained[i], numbered(i));
  EXPECT_EQ(coordinator.drain(drained).count, 0U);
}

TEST(Channel, DrainTellsOfABrokenIndex) {
  const ChannelMap map(4);
  const Region region = committed_region(map);
  CoordinatorEnd coordinator(region.memory(), map, 1);
  reinterpret_cast<RingLayout*>(region.memory().data() + map.to_coordinator_offset)->tail.value = 5;
  EXPECT_FALSE(coordinator.prepare_to_sleep()) << "there is something to be told of";
  std::vector<Descriptor> drained;
  EXPECT_TRUE(coordinator.drain(drained).violated);
  EXPECT_TRUE(drained.empty());
}

// A worker as it will be: sleeps, answers each message with the same task and a word more, ends on code 99.
int echo(std::span<std::byte> memory, const ChannelMap& map, const EventBell& bell, std::uint64_t seed) {
  WorkerEnd worker(memory, map, 1, bell);
  Dice dice(seed);
  WaitLimits limits;
  limits.ask_every = std::chrono::hours(1);
  for (;;) {
    if (worker.wait(limits, kNever) != WaitResult::ready) return 1;
    std::array<Descriptor, 5> some;
    const RingResult got = worker.receive(std::span(some).first(1 + dice.below(some.size())));
    if (got.violated) return 2;
    for (std::size_t i = 0; i < got.count; ++i) {
      if (some[i].code == 99) return 0;
      some[i].user[0] = ~some[i].task;
    }
    if (worker.send(std::span(some).first(got.count)).count != got.count) return 3;
    if (dice.once_in(64)) ::sched_yield();
  }
}

// One coordinator over several workers by epoll, with no time limit anywhere: one lost wake-up hangs it.
TEST(Channel, LosesNoWakeUpBetweenAnEpollLoopAndItsWorkers) {
  const HangGuard guard;
  constexpr std::size_t kWorkers = 3;
  constexpr std::uint64_t kEach = 100'000;
  const ChannelMap map(8);
  struct Worker {
    explicit Worker(const ChannelMap& worker_map)
        : region(committed_region(worker_map)), end(region.memory(), worker_map, 1) {}
    Region region;
    CoordinatorEnd end;
    EventBell bell;
    std::unique_ptr<Forked> child;
    std::uint64_t sent = 0;
    std::uint64_t answered = 0;
  };
  const UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  std::vector<std::unique_ptr<Worker>> workers;
  for (std::size_t i = 0; i < kWorkers; ++i) {
    auto& worker = *workers.emplace_back(std::make_unique<Worker>(map));
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = i;
    ASSERT_EQ(::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, worker.bell.fd(), &event), 0);
    worker.child = std::make_unique<Forked>([&] { return echo(worker.region.memory(), map, worker.bell, i); });
  }
  Dice dice(9);
  const auto serve = [&](Worker& worker) {
    std::array<Descriptor, 8> some;
    const RingResult got = worker.end.receive(some);
    ASSERT_FALSE(got.violated);
    for (std::size_t i = 0; i < got.count; ++i) {
      Descriptor expected = numbered(worker.answered++);
      expected.user[0] = ~expected.task;
      ASSERT_EQ(some[i], expected);
    }
    std::uint64_t most = std::min<std::uint64_t>(kEach - worker.sent, map.capacity - (worker.sent - worker.answered));
    if (most > 0) most = 1 + dice.below(most);
    for (std::size_t i = 0; i < most; ++i) some[i] = numbered(worker.sent + i);
    ASSERT_EQ(worker.end.send(std::span(some).first(most)).count, most);
    worker.sent += most;
  };
  const auto all_answered = [&] {
    return std::all_of(workers.begin(), workers.end(), [](const auto& worker) { return worker->answered == kEach; });
  };
  for (auto& worker : workers) serve(*worker);
  while (!all_answered() && !testing::Test::HasFatalFailure()) {
    bool sleep = true;
    for (auto& worker : workers) sleep = worker->end.prepare_to_sleep() && sleep;
    std::array<epoll_event, kWorkers> events;
    const int rung = ::epoll_wait(epoll.get(), events.data(), kWorkers, sleep ? -1 : 0);
    for (auto& worker : workers) worker->end.awake();
    for (int i = 0; i < rung; ++i) workers[events[static_cast<std::size_t>(i)].data.u64]->bell.silence();
    for (auto& worker : workers) serve(*worker);
  }
  for (auto& worker : workers) {
    Descriptor end;
    end.code = 99;
    EXPECT_EQ(worker->end.send(std::array{end}).count, 1U);
    EXPECT_EQ(worker->child->wait(), 0);
  }
}

}  // namespace
}  // namespace pixmill::ipc
