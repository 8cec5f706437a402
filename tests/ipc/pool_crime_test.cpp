#include "tests/ipc/pool_client.hpp"

/// Workers that crash, hang, and write where they should not: each costs its own message alone.
namespace pixmill::ipc {
namespace {

struct Crime {
  Command command;
  std::uint64_t argument;
  Failure failure;
  std::string reason;
};

std::vector<Crime> crimes() {
  return {
      {Command::raise, SIGSEGV, Failure::died, "SIGSEGV (Segmentation fault)"},
      {Command::raise, SIGBUS, Failure::died, "SIGBUS"},
      {Command::raise, SIGABRT, Failure::died, "SIGABRT"},
      {Command::raise, SIGKILL, Failure::died, "SIGKILL"},
      {Command::raise, SIGFPE, Failure::died, "SIGFPE"},
      {Command::leave, 0, Failure::died, "exited with 0"},
      {Command::leave, 3, Failure::died, "exited with 3"},
      {Command::throw_error, 0, Failure::died, "SIGABRT"},
      {Command::hang, 0, Failure::timed_out, "took longer than 0.7 s"},
      {Command::raise, SIGSTOP, Failure::timed_out, "took longer than 0.7 s"},
  };
}

PoolOptions strict(int workers, int retries, SharedCounts* counts = nullptr) {
  PoolOptions options = Client::options(workers, counts);
  options.retries = retries;
  options.timeout = milliseconds(700);
  return options;
}

TEST(PoolCrime, CostsOnlyItsOwnMessage) {
  const Belongings before;
  {
    Client client(strict(2, 0));
    std::vector<std::uint64_t> good;
    std::map<std::uint64_t, Crime> bad;
    for (const Crime& crime : crimes()) {
      for (const std::uint64_t tag : client.submit_many(30)) good.push_back(tag);
      bad[client.submit(crime.command, crime.argument)] = crime;
      for (const std::uint64_t tag : client.submit_many(30)) good.push_back(tag);
    }
    client.finish();
    for (const std::uint64_t tag : good) client.expect_answered(tag);
    for (const auto& [tag, crime] : bad) client.expect_failed(tag, crime.failure, crime.reason, 1);
    EXPECT_EQ(client.pool().statistics().deaths, crimes().size());
    EXPECT_EQ(client.pool().statistics().bytes_in_flight, 0U);
  }
  before.expect_unchanged();
}

TEST(PoolCrime, IsTriedAgainAsOftenAsAsked) {
  for (const int retries : {0, 1, 3}) {
    const SharedMemory counts;
    Client client(strict(2, retries, counts.get()));
    const std::uint64_t killer = client.submit(Command::raise, SIGSEGV);
    client.finish();
    client.expect_failed(killer, Failure::died, "SIGSEGV", retries + 1);
    EXPECT_EQ(counts->runs, static_cast<std::uint64_t>(retries + 1));
  }
}

TEST(PoolCrime, ThatIsNotRepeatedIsForgiven) {
  for (const int retries : {1, 3}) {
    const SharedMemory counts;
    Client client(strict(1, retries, counts.get()));
    const std::uint64_t unlucky = client.submit(Command::raise_sometimes, static_cast<std::uint64_t>(retries));
    client.finish();
    client.expect_answered(unlucky, retries + 1);
    EXPECT_EQ(client[unlucky].report().messages_before, 0U);
  }
}

TEST(PoolCrime, IsTriedAgainInAFreshWorker) {
  const SharedMemory counts;
  Client client(strict(2, 1, counts.get()));
  client.settle(2);
  const std::uint64_t tag = client.submit(Command::raise_if_used);
  const auto behind = client.submit_many(40);
  client.finish();
  client.expect_answered(tag, 2);
  EXPECT_EQ(client[tag].report().messages_before, 0U);
  for (const std::uint64_t good : behind) client.expect_answered(good);
}

TEST(PoolCrime, OfADeepQueueChargesOnlyItsFirst) {
  for (const int retries : {0, 1}) {
    Client client(strict(1, retries));
    client.settle(1);
    for (int round = 0; round < 5; ++round) {
      const std::uint64_t killer = client.submit(Command::raise, SIGKILL);
      const auto behind = client.submit_many(40, 3000);
      client.finish();
      client.expect_failed(killer, Failure::died, "SIGKILL", retries + 1);
      for (const std::uint64_t tag : behind) client.expect_answered(tag);
    }
  }
}

TEST(PoolCrime, MessagesThatAllKillAreAllFailed) {
  Client client(strict(3, 1));
  std::vector<std::uint64_t> killers;
  for (int i = 0; i < 30; ++i) killers.push_back(client.submit(Command::raise, SIGSEGV));
  client.finish();
  for (const std::uint64_t tag : killers) client.expect_failed(tag, Failure::died, "SIGSEGV", 2);
}

// The clock of a message starts when all before it are answered, not when it is sent.
TEST(PoolCrime, AQueueMayTakeLongerThanAMessage) {
  PoolOptions options = Client::options(1);
  options.timeout = milliseconds(3000);
  options.retries = 0;
  Client client(options);
  client.settle(1);
  std::vector<std::uint64_t> tags;
  for (int i = 0; i < 9; ++i) tags.push_back(client.submit(Command::echo_late, 500));
  client.finish();
  for (const std::uint64_t tag : tags) client.expect_answered(tag);
}

TEST(PoolCrime, AnswersThatComeLateAreNoCrime) {
  PoolOptions options = Client::options(2);
  options.retries = 0;
  Client without_limit(options);
  const std::uint64_t slow = without_limit.submit(Command::echo_late, 1500);
  without_limit.finish();
  without_limit.expect_answered(slow);
}

// Whatever it writes wherever it can: its own messages may be spoiled, the coordinator and the others are not.
TEST(PoolCrime, ScribblingOverTheWholeRegionHarmsNobodyElse) {
  const Belongings before;
  for (const std::uint64_t byte : {0x00U, 0x01U, 0x7FU, 0xFFU}) {
    for (const Command command : {Command::scribble, Command::scribble_and_hang}) {
      const SharedMemory counts;
      PoolOptions options = strict(2, 0, counts.get());
      options.region_bytes = 2U << 20U;
      Client client(options);
      client.settle(2);
      for (int round = 0; round < 3; ++round) {
        const std::uint64_t vandal = client.submit(command, byte);
        client.finish();
        EXPECT_EQ(client[vandal].answers + client[vandal].failures, 1);
        const auto others = client.submit_many(60);
        client.finish();
        // One that went on with a region of nonsense can still cost one message of its own: that on which it dies.
        int lost = 0;
        for (const std::uint64_t tag : others) lost += client[tag].failures;
        EXPECT_LE(lost, 1);
        for (const std::uint64_t tag : others) {
          if (client[tag].failures == 0) {
            EXPECT_TRUE(Client::is_right(client[tag]));
          }
        }
      }
      client.expect_all_once();
    }
  }
  before.expect_unchanged();
}

// AddressSanitizer cannot even report that there is no memory, and hangs in trying to.
#if !defined(__SANITIZE_ADDRESS__)
TEST(PoolCrime, AllocatingWithoutEndFailsOneMessage) {
  PoolOptions options = strict(1, 1);
  options.plan.memory_bytes = std::uint64_t{64} << 20U;
  options.timeout = milliseconds(0);
  Client client(options);
  const auto first = client.submit_many(5);
  const std::uint64_t greedy = client.submit(Command::allocate);
  const auto behind = client.submit_many(5);
  client.finish();
  for (const std::uint64_t tag : first) client.expect_answered(tag);
  for (const std::uint64_t tag : behind) client.expect_answered(tag);
  if (kSanitized) {  // ThreadSanitizer ends the process instead of throwing, and that costs no other message either
    EXPECT_EQ(client[greedy].failures, 1);
    return;
  }
  client.expect_failed(greedy, Failure::no_memory, "more memory than a worker may take", 1);
  EXPECT_EQ(client[first[0]].report().pid, client[behind[4]].report().pid);
  EXPECT_EQ(client.pool().statistics().deaths, 0U);
}
#endif

}  // namespace
}  // namespace pixmill::ipc
