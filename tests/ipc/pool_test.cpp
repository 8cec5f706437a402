#include "tests/ipc/pool_client.hpp"

#include <thread>

namespace pixmill::ipc {
namespace {

TEST(Pool, AnswersEveryMessageOnceAndRight) {
  const Belongings before;
  {
    Client client(Client::options(3));
    Dice dice(1);
    std::vector<std::uint64_t> tags;
    for (int i = 0; i < 2000; ++i) tags.push_back(client.submit(Command::echo, 0, dice.below(5000)));
    client.finish();
    for (const std::uint64_t tag : tags) client.expect_answered(tag);
    EXPECT_EQ(client.pool().statistics().answered, 2000U);
    EXPECT_EQ(client.pool().statistics().bytes_in_flight, 0U);
    EXPECT_EQ(client.pool().statistics().deaths, 0U);
  }
  before.expect_unchanged();
}

TEST(Pool, TakesInputsAndAnswersOfAnySize) {
  Client client(Client::options(2));
  std::vector<std::uint64_t> tags;
  for (const std::size_t input : {0U, 1U, 4095U, 4096U, 4097U, 3U << 20U}) {
    for (const std::uint64_t answer : {0U, 1U, 16U, 4096U, 65536U, 65537U, 5U << 20U, 20U << 20U})
      tags.push_back(client.submit(Command::echo_sized, answer, input));
  }
  client.finish();
  for (const std::uint64_t tag : tags) client.expect_answered(tag);
  EXPECT_EQ(client.pool().statistics().bytes_in_flight, 0U);
}

TEST(Pool, WorksWithRingsOfEverySize) {
  for (const std::uint32_t capacity : {1U, 2U, 4U, 1024U}) {
    PoolOptions options = Client::options(2);
    options.ring_capacity = capacity;
    Client client(options);
    std::vector<std::uint64_t> tags = client.submit_many(300);
    for (int i = 0; i < 20; ++i) tags.push_back(client.submit(Command::echo_sized, 300'000));
    client.finish();
    for (const std::uint64_t tag : tags) client.expect_answered(tag);
  }
}

TEST(Pool, SharesTheWorkAmongAllWorkers) {
  Client client(Client::options(3));
  client.settle(3);
  std::set<std::uint64_t> pids;
  const HangGuard guard;
  // On a busy machine the third may be long in coming.
  while (pids.size() < 3) {
    std::vector<std::uint64_t> tags;
    for (int i = 0; i < 12; ++i) tags.push_back(client.submit(Command::echo_late, 50));
    client.finish();
    for (const std::uint64_t tag : tags) pids.insert(client[tag].report().pid);
  }
}

TEST(Pool, AnswersThatNeedMoreThanTheRegionFailAlone) {
  PoolOptions options = Client::options(1);
  options.region_bytes = 4U << 20U;
  Client client(options);
  const auto good = client.submit_many(20);
  const std::uint64_t large = client.submit(Command::echo_sized, 5U << 20U);
  const std::uint64_t huge_input = client.submit(Command::echo, 0, 5U << 20U);
  const auto more = client.submit_many(20);
  client.finish();
  for (const std::uint64_t tag : good) client.expect_answered(tag);
  for (const std::uint64_t tag : more) client.expect_answered(tag);
  client.expect_failed(large, Failure::no_memory, "more shared memory than a worker has", 1);
  client.expect_failed(huge_input, Failure::no_memory, "more shared memory than a worker has", 1);
}

// While others wait in the same region there may be no room for an answer that would fit if it were alone.
TEST(Pool, AnswersThatFitOnlyAnEmptyRegionAreMadeAgainAlone) {
  PoolOptions options = Client::options(1);
  options.region_bytes = 8U << 20U;
  Client client(options);
  client.settle(1);
  std::vector<std::uint64_t> tags;
  for (int i = 0; i < 5; ++i) {
    for (int j = 0; j < 10; ++j) tags.push_back(client.submit(Command::echo, 0, 300'000));
    tags.push_back(client.submit(Command::echo_sized, 7U << 20U, 300'000));
  }
  client.finish();
  for (const std::uint64_t tag : tags) client.expect_answered(tag);
}

TEST(Pool, WithoutRoomAtTheUsersTheMessageFails) {
  Client client(Client::options(1));
  const std::uint64_t tag = client.submit(Command::echo);
  client.without_room.insert(tag);
  const std::uint64_t empty = client.submit(Command::echo_sized, 0);
  client.without_room.insert(empty);
  client.finish();
  client.expect_failed(tag, Failure::no_memory, "no memory for its answer", 1);
  ASSERT_EQ(client.losses.size(), 1U);
  EXPECT_EQ(client.losses[0].tag, tag);
  client.expect_answered(empty);
}

TEST(Pool, RejectedAnswersCostTheWorkerItsLifeAndTheMessageAnAttempt) {
  PoolOptions options = Client::options(2);
  options.retries = 2;
  Client client(options);
  client.settle(2);
  const std::uint64_t twice = client.submit(Command::echo);
  const std::uint64_t always = client.submit(Command::echo);
  client.rejections = {{twice, 2}, {always, 100}};
  const auto others = client.submit_many(50);
  client.finish();
  client.expect_answered(twice, 3);
  client.expect_failed(always, Failure::protocol, "protocol", 3);
  for (const std::uint64_t tag : others) client.expect_answered(tag);
  EXPECT_EQ(client.pool().statistics().deaths, 5U);
}

TEST(Pool, TakesMessagesFromWithinItsCalls) {
  PoolOptions options = Client::options(1);
  options.retries = 0;
  Client client(options);
  client.resubmit_failed = 3;
  for (int i = 0; i < 3; ++i) client.submit(Command::leave, 1);
  client.finish();
  client.expect_all_once();
  EXPECT_EQ(client.order.size(), 6U);
  EXPECT_EQ(client.pool().statistics().answered, 3U);
}

TEST(Pool, IsWokenByAnyThread) {
  Client client(Client::options(1));
  client.settle(1);
  const HangGuard guard;
  std::atomic<bool> stop{false};
  std::atomic<int> wakes{0};
  std::thread other([&] {
    while (!stop) {
      ++wakes;
      client.pool().wake();
    }
  });
  for (int i = 0; i < 2000; ++i) client.pool().wait(milliseconds(60000));
  stop = true;
  other.join();
  // One that comes before the wait is not lost either.
  client.pool().wait(milliseconds(0));
  client.pool().wake();
  client.pool().wait(milliseconds(60000));
  EXPECT_GT(wakes.load(), 0);
}

TEST(Pool, WaitsNoLongerThanItWasTold) {
  const HangGuard guard;
  Client client(Client::options(1));
  client.settle(1);
  client.pool().wait(milliseconds(0));
  client.pool().wait(milliseconds(-5));
  client.submit(Command::hang);
  client.pool().wait(milliseconds::max());  // there is a tick while something is under way
}

TEST(Pool, HungryUntilEveryWorkerHasMoreThanItCanBegin) {
  Client client(Client::options(2));
  EXPECT_TRUE(client.pool().hungry());
  for (int i = 0; i < 1000 && client.pool().hungry(); ++i) client.submit(Command::echo);
  EXPECT_FALSE(client.pool().hungry());
  EXPECT_GE(client.pool().waiting(), 2U);
  client.finish();
  EXPECT_TRUE(client.pool().hungry());
  EXPECT_EQ(client.pool().waiting(), 0U);
}

TEST(Pool, IdleWorkersRest) {
  const SharedMemory counts;
  Client client(Client::options(2, counts.get()));
  client.settle(2);
  client.wait_until([&] { return counts->rests >= 2; });
}

TEST(Pool, MadeAndUnmadeManyTimesLeavesNothing) {
  const Belongings before;
  for (int i = 0; i < (kSanitized ? 40 : 200); ++i) {
    Client client(Client::options(2));
    if (i % 3 == 1) client.submit(Command::hang);
    if (i % 3 == 2) client.submit_many(10);
    if (i % 2 == 0) client.pool().wait(milliseconds(i % 10));
  }
  before.expect_unchanged();
}

TEST(Pool, LeavesNothingInTheFileSystem) {
  const auto entries = [] {
    std::set<std::string> names;
    if (DIR* folder = ::opendir("/dev/shm")) {
      while (const dirent* entry = ::readdir(folder)) names.insert(entry->d_name);
      ::closedir(folder);
    }
    return names;
  };
  const auto before = entries();
  Client client(Client::options(2));
  client.settle(2);
  for (const std::string& name : entries()) EXPECT_TRUE(before.contains(name) || name.find("pixmill") == name.npos);
}

}  // namespace
}  // namespace pixmill::ipc
