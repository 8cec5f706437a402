#include "tests/ipc/pool_client.hpp"
#include "tests/support/scratch_folder.hpp"

#include <pixmill/error.hpp>

#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <chrono>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

/// Signals from outside, to workers and to the fork server, at any time.
namespace pixmill::ipc {
namespace {

void expect_all_answered(Client& client, const std::vector<std::uint64_t>& tags) {
  for (const std::uint64_t tag : tags) client.expect_answered(tag);
}

TEST(PoolSupervision, IdleWorkersThatAreKilledAreReplacedUnnoticed) {
  const Belongings before;
  {
    PoolOptions options = Client::options(3);
    options.retries = 0;
    Client client(options);
    for (int round = 0; round < 30; ++round) {
      client.settle(3);
      client.kill_workers(round % 2 == 0 ? SIGKILL : SIGSEGV);
    }
    const auto tags = client.submit_many(100);
    client.finish();
    expect_all_answered(client, tags);
    EXPECT_EQ(client.pool().statistics().deaths, 90U);
  }
  before.expect_unchanged();
}

TEST(PoolSupervision, BusyWorkersThatAreKilledCostTheirMessageOneAttempt) {
  PoolOptions options = Client::options(2);
  options.retries = 1;
  const SharedMemory counts;
  options.plan.make = Client::options(2, counts.get()).plan.make;
  Client client(options);
  client.settle(2);
  const std::uint64_t runs = counts->runs;
  const auto begin = std::chrono::steady_clock::now();
  const std::uint64_t one = client.submit(Command::echo_when_told, 0);
  const std::uint64_t two = client.submit(Command::echo_when_told, 0);
  const auto behind = client.submit_many(50);
  client.wait_until([&] { return counts->runs >= runs + 2; });
  for (const int pid : client.pool().processes().workers) ::kill(pid, SIGKILL);
  client.wait_until([&] { return client.pool().statistics().deaths == 2; });
  counts->told = 1;
  client.finish();
  client.expect_answered(one, 2);
  client.expect_answered(two, 2);
  ASSERT_EQ(client.losses.size(), 2U);
  EXPECT_EQ(client.losses[0].worker + client.losses[1].worker, 1) << "one each";
  for (const Client::Loss& loss : client.losses) {
    EXPECT_TRUE(loss.tag == one || loss.tag == two) << loss.tag;
    EXPECT_EQ(loss.failure, Failure::died);
    EXPECT_GE(loss.since, begin);
    EXPECT_LE(loss.since, std::chrono::steady_clock::now());
  }
  expect_all_answered(client, behind);
}

TEST(PoolSupervision, WorkersKilledOrStoppedWhileTheyStartAreReplaced) {
  const Belongings before;
  for (const int signal : {SIGKILL, SIGSTOP}) {
    const SharedMemory counts;
    PoolOptions options = Client::options(2);
    options.retries = 0;
    SharedCounts* shared = counts.get();
    options.plan.make = [shared] {
      if (shared->made.fetch_add(1) < 2) {
        for (;;) ::pause();
      }
      return std::make_unique<NastyWorker>(shared);
    };
    Client client(options);
    const auto tags = client.submit_many(20);
    client.wait_until([&] { return client.pool().processes().workers.size() == 2; });
    for (const int pid : client.pool().processes().workers) ::kill(pid, signal);
    client.finish();
    expect_all_answered(client, tags);
    client.close();
  }
  before.expect_unchanged();
}

TEST(PoolSupervision, StoppedWorkersCountAsHanging) {
  PoolOptions options = Client::options(2);
  options.timeout = milliseconds(500);
  options.retries = 1;
  Client client(options);
  client.settle(2);
  for (const int pid : client.pool().processes().workers) ::kill(pid, SIGSTOP);
  const auto tags = client.submit_many(20);
  client.finish();
  client.expect_all_once();
  for (const std::uint64_t tag : tags) EXPECT_EQ(client[tag].answers, 1);
}

TEST(PoolSupervision, AKilledServerIsReplacedUnnoticed) {
  const Belongings before;
  {
    PoolOptions options = Client::options(2);
    options.retries = 0;
    Client client(options);
    const std::size_t descriptors = [&] {
      client.settle(2);
      return Belongings::descriptors();
    }();
    for (int round = 0; round < 20; ++round) {
      const int server = client.pool().processes().server;
      ::kill(server, SIGKILL);
      const auto quiet = client.submit_many(20);
      client.finish();
      expect_all_answered(client, quiet);
      client.kill_workers();
      client.settle(2);
      EXPECT_NE(client.pool().processes().server, server);
    }
    EXPECT_EQ(client.pool().statistics().servers_started, 21U);
    // The remains of the dead ones are gone too, at once and not only at the end.
    client.wait_until([&] { return Belongings::descriptors() <= descriptors; });
    siginfo_t info{};
    client.wait_until([&] {
      info = {};
      return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0;
    });
  }
  before.expect_unchanged();
}

TEST(PoolSupervision, AStoppedServerIsReplacedUnnoticed) {
  const Belongings before;
  {
    PoolOptions options = Client::options(2);
    options.retries = 0;
    Client client(options);
    client.settle(2);
    const int server = client.pool().processes().server;
    ::kill(server, SIGSTOP);
    client.kill_workers();
    const auto tags = client.submit_many(50);
    client.finish();
    expect_all_answered(client, tags);
    EXPECT_NE(client.pool().processes().server, server);
  }
  before.expect_unchanged();
}

// At every moment of its work: among others between the birth of a worker and the word of it.
TEST(PoolSupervision, AServerKilledWhileItStartsWorkersLosesNothing) {
  const Belongings before;
  {
    const SharedMemory counts;
    PoolOptions options = Client::options(4, counts.get());
    options.retries = 0;
    Client client(options);
    const HangGuard guard;
    Dice dice(7);
    std::vector<std::uint64_t> all;
    for (int round = 0; round < 100; ++round) {
      client.kill_workers();
      const auto tags = client.submit_many(8);
      all.insert(all.end(), tags.begin(), tags.end());
      client.pool().wait(milliseconds(0));  // asks for them
      std::this_thread::sleep_for(std::chrono::microseconds(dice.below(1500)));
      const int server = client.pool().processes().server;
      if (server != 0) ::kill(server, dice.once_in(40) ? SIGSTOP : SIGKILL);
      client.finish();
    }
    expect_all_answered(client, all);
    EXPECT_GE(client.pool().statistics().servers_started, 50U);
  }
  before.expect_unchanged();
}

TEST(PoolSupervision, AServerThatDiesTooOftenIsTheEnd) {
  PoolOptions options = Client::options(2);
  options.plan.prepare = [] { ::kill(::getpid(), SIGABRT); };
  Client client(options);
  client.submit(Command::echo);
  try {
    client.finish();
    FAIL() << "it was answered";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::machine);
    EXPECT_NE(std::string(error.what()).find("SIGABRT"), std::string::npos) << error.what();
  }
}

// Somebody kills, or the kernel for want of memory: that is no reason to give up as soon.
TEST(PoolSupervision, AServerThatIsKilledManyTimesIsTriedAgain) {
  const tests::ScratchFolder folder;
  const std::string tries = folder / "tries";
  PoolOptions options = Client::options(1);
  options.plan.prepare = [tries] {
    std::ofstream(tries, std::ios::app) << 'x';
    if (std::filesystem::file_size(tries) < 7) ::kill(::getpid(), SIGKILL);
  };
  Client client(options);
  client.submit(Command::echo);
  client.finish();
  EXPECT_EQ(std::filesystem::file_size(tries), 7U);
}

TEST(PoolSupervision, AServerThatWasMadeBeforeIsUsedAndReplacedIfItIsDead) {
  const Belongings before;
  for (const bool dead : {false, true}) {
    const PoolOptions options = Client::options(2);
    auto server = std::make_unique<ForkServer>(options.plan, true);
    const int pid = server->pid();
    if (dead) ::kill(pid, SIGKILL);
    Client client(options, std::move(server));
    if (!dead) {
      EXPECT_EQ(client.pool().processes().server, pid);
    }
    const auto tags = client.submit_many(20);
    client.finish();
    expect_all_answered(client, tags);
    EXPECT_TRUE(!dead || client.pool().processes().server != pid);
  }
  before.expect_unchanged();
}

TEST(PoolSupervision, AServerThatNobodyNeedsLeavesNothing) {
  const Belongings before;
  { const ForkServer server(Client::options(1).plan, true); }
  before.expect_unchanged();
}

TEST(PoolSupervision, ADismissedPoolIsDyingWhileItsUserGoesOn) {
  const Belongings before;
  {
    Client client(Client::options(3));
    client.settle(3);
    client.submit_many(50);
    const std::vector<int> workers = client.pool().processes().workers;
    ASSERT_EQ(workers.size(), 3U);
    client.pool().dismiss();
    for (const int worker : workers) {
      siginfo_t info{};
      ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(worker), &info, WEXITED | WNOWAIT), 0);
      EXPECT_EQ(info.si_status, SIGKILL);
    }
    client.pool().wake();
  }
  before.expect_unchanged();
}

// A debugger keeps what it looks at from being reaped; so does a dead disk from dying.
TEST(PoolSupervision, AWorkerThatCannotBeBuriedIsDoneWithout) {
  const Belongings before;
  {
    PoolOptions options = Client::options(1);
    options.retries = 1;
    Client client(options);
    client.settle(1);
    const int pid = client.pool().processes().workers.at(0);
    int ready[2];
    ASSERT_EQ(::pipe(ready), 0);
    Forked debugger([&] {
      const char ok = ::ptrace(PTRACE_SEIZE, pid, nullptr, nullptr) == 0 ? 'y' : 'n';
      static_cast<void>(::write(ready[1], &ok, 1) < 0);
      for (;;) ::pause();
      return 0;
    });
    char ok = 'n';
    ASSERT_EQ(::read(ready[0], &ok, 1), 1);
    ::close(ready[0]);
    ::close(ready[1]);
    if (ok != 'y') GTEST_SKIP() << "this machine lets nobody be debugged";
    const std::uint64_t tag = client.submit(Command::raise, SIGKILL);  // others would stop it for the debugger to look
    const auto behind = client.submit_many(20);
    const HangGuard guard;
    int waits = 0;
    while (client.pool().unfinished() > 0) {
      client.pool().wait(milliseconds(1000));
      ++waits;
    }
    expect_all_answered(client, behind);
    client.expect_failed(tag, Failure::died, "", 2);
    EXPECT_LT(waits, 2000) << "it was waited for busily";
    debugger.kill();
    debugger.wait();
    const auto more = client.submit_many(20);
    client.finish();
    expect_all_answered(client, more);
  }
  before.expect_unchanged();
}

TEST(PoolSupervision, NobodyIsAwakeWithoutNeed) {
  const auto switches = [] {
    rusage usage{};
    ::getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nvcsw;
  };
  Client client(Client::options(2));
  client.settle(2);
  const auto waits_in_a_second = [&] {
    int waits = 0;
    for (const auto end = std::chrono::steady_clock::now() + milliseconds(1000); std::chrono::steady_clock::now() < end;
         ++waits)
      client.pool().wait(milliseconds(1000));
    return waits;
  };
  const long before = switches();
  EXPECT_LE(waits_in_a_second(), 20);
  EXPECT_LE(switches() - before, 50);
  client.submit(Command::hang);
  client.submit(Command::hang);
  EXPECT_LE(waits_in_a_second(), 50);
  for (const int pid : client.pool().processes().workers) ::kill(pid, SIGSTOP);
  EXPECT_LE(waits_in_a_second(), 50);
  EXPECT_LE(switches() - before, 500);
}

TEST(PoolSupervision, WorkersDieWithTheirCoordinator) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  const HangGuard guard;
  for (const int signal : {SIGKILL, SIGSEGV}) {
    int told[2];
    ASSERT_EQ(::pipe(told), 0);
    Forked coordinator([&] {
      PoolOptions options = Client::options(3);
      Client client(options);
      client.settle(3);
      ::signal(SIGSEGV, SIG_DFL);
      client.submit(Command::hang);
      client.pool().wait(milliseconds(50));
      const Pool::Processes processes = client.pool().processes();
      ::kill(processes.workers[2], SIGSTOP);
      std::vector<int> pids = processes.workers;
      pids.push_back(processes.server);
      const auto bytes = static_cast<ssize_t>(pids.size() * sizeof(int));
      if (::write(told[1], pids.data(), pids.size() * sizeof(int)) != bytes) return 1;
      for (;;) ::pause();
    });
    int pids[4] = {};
    ASSERT_EQ(::read(told[0], pids, sizeof pids), static_cast<ssize_t>(sizeof pids));
    ::close(told[0]);
    ::close(told[1]);
    ::kill(coordinator.pid(), signal);
    coordinator.wait();
    // They are ours now, and every one of them ends.
    for (const int pid : pids) {
      int status = 0;
      while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
      }
      EXPECT_TRUE(WIFSIGNALED(status) || WIFEXITED(status));
    }
  }
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

// Runs a coordinator in a process of its own, for it to be stopped.
int coordinate(int told, SharedCounts* counts, bool stop_workers_too) {
  PoolOptions options = Client::options(2, counts);
  options.timeout = milliseconds(2000);
  options.retries = 0;
  Client client(options);
  client.settle(2);
  std::vector<std::uint64_t> tags;
  for (int i = 0; i < 8; ++i) tags.push_back(client.submit(Command::echo_late, 400));
  client.pool().wait(milliseconds(10));
  const std::vector<int> workers = client.pool().processes().workers;
  std::vector<int> pids(2, 0);
  if (stop_workers_too) pids = workers;
  if (::write(told, pids.data(), 2 * sizeof(int)) != static_cast<ssize_t>(2 * sizeof(int))) return 1;
  client.finish();
  for (const std::uint64_t tag : tags) {
    if (client[tag].answers != 1 || client[tag].attempts != 1) return 2;
  }
  return 0;
}

TEST(PoolSupervision, NoClockRunsWhileTheCoordinatorIsStopped) {
  const HangGuard guard;
  for (const bool workers_too : {false, true}) {
    const SharedMemory counts;
    int told[2];
    ASSERT_EQ(::pipe(told), 0);
    Forked coordinator([&] { return coordinate(told[1], counts.get(), workers_too); });
    int pids[2] = {};
    ASSERT_EQ(::read(told[0], pids, sizeof pids), static_cast<ssize_t>(sizeof pids));
    ::close(told[0]);
    ::close(told[1]);
    std::this_thread::sleep_for(milliseconds(100));
    ::kill(coordinator.pid(), SIGSTOP);
    for (const int pid : pids) {
      if (pid != 0) ::kill(pid, SIGSTOP);
    }
    std::this_thread::sleep_for(milliseconds(3500));
    for (const int pid : pids) {
      if (pid != 0) ::kill(pid, SIGCONT);
    }
    ::kill(coordinator.pid(), SIGCONT);
    EXPECT_EQ(coordinator.wait(), 0) << "workers stopped too: " << workers_too;
  }
}

char state_of(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string stat;
  std::getline(file, stat);
  const std::size_t name_end = stat.rfind(") ");
  return name_end == std::string::npos ? '?' : stat.at(name_end + 2);
}

TEST(PoolSupervision, APausedPoolStandsStillAndSoDoItsClocks) {
  using Clock = std::chrono::steady_clock;
  constexpr milliseconds kPause{1500};
  const HangGuard guard;
  PoolOptions options = Client::options(2);
  options.timeout = milliseconds(1000);
  options.retries = 0;
  Client client(options);
  client.settle(2);
  const Clock::time_point begin = Clock::now();
  const std::uint64_t hangs = client.submit(Command::hang);
  client.pool().wait(milliseconds(0));
  client.pool().pause();
  for (const int pid : client.pool().processes().workers) {
    while (state_of(pid) != 'T') std::this_thread::yield();
  }
  while (state_of(client.pool().processes().server) != 'T') std::this_thread::yield();
  std::this_thread::sleep_for(kPause);
  client.pool().resume();
  const std::uint64_t echo = client.submit(Command::echo);
  client.finish();
  EXPECT_GE(Clock::now() - begin, kPause + options.timeout);
  client.expect_failed(hangs, Failure::timed_out, "took longer", 1);
  client.expect_answered(echo);
}

// Whose own work between two calls takes longer than a message may.
TEST(PoolSupervision, ASlowUserStopsNoClockForEver) {
  PoolOptions options = Client::options(1);
  options.timeout = milliseconds(1000);
  options.retries = 0;
  Client client(options);
  client.settle(1);
  const std::uint64_t tag = client.submit(Command::hang);
  for (int i = 0; i < 50 && client[tag].failures == 0; ++i) {
    client.pool().wait(milliseconds(5));
    std::this_thread::sleep_for(milliseconds(1100));
  }
  client.expect_failed(tag, Failure::timed_out, "took longer than 1 s", 1);
}

}  // namespace
}  // namespace pixmill::ipc
