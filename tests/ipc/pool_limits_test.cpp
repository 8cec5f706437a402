#include "tests/ipc/pool_client.hpp"

#include <pixmill/error.hpp>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <limits>

/// Machines that do not give what a pool needs.
namespace pixmill::ipc {
namespace {

constexpr uid_t kNobody = 65534;

// What a pool says when it is made and used: the text of the Error, or nothing if all was well.
std::string trouble_of(const PoolOptions& options) {
  try {
    Client client(options);
    const auto tags = client.submit_many(10);
    client.finish();
    client.expect_all_once();
    return {};
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::machine) << error.what();
    return error.what();
  }
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(PoolLimits, WithoutProcessesThereIsAPlainError) {
  const HangGuard guard;
  for (const rlim_t processes : {1U, 2U}) {
    Forked child([&] {
      if (::getuid() == 0 && ::setuid(kNobody) != 0) return 77;
      const rlimit limit{processes, processes};
      if (::setrlimit(RLIMIT_NPROC, &limit) != 0) return 77;
      const std::string trouble = trouble_of(Client::options(2));
      if (trouble.empty()) return 77;  // this user is not limited
      return contains(trouble, "raise the limit of processes") ? 0 : 1;
    });
    const int code = child.wait();
    if (code == 77) GTEST_SKIP() << "the number of processes cannot be limited here";
    EXPECT_EQ(code, 0);
  }
}

// As in many containers.
TEST(PoolLimits, WorksWhereClone3IsForbidden) {
  Forked child([] {
    sock_filter filter[] = {
        {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
        {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_clone3},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | ENOSYS},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
    };
    const sock_fprog program{static_cast<unsigned short>(std::size(filter)), filter};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
      return 77;
    if (::syscall(SYS_clone3, nullptr, 0) != -1 || errno != ENOSYS) return 1;
    try {
      Client client(Client::options(2));
      const auto tags = client.submit_many(50);
      const std::uint64_t killer = client.submit(Command::raise, SIGSEGV);
      client.finish();
      for (const std::uint64_t tag : tags) {
        if (client[tag].answers != 1) return 2;
      }
      return client[killer].failures == 1 && contains(client[killer].reason, "SIGSEGV") ? 0 : 3;
    } catch (const Error& error) {
      std::fprintf(stderr, "%s\n", error.what());
      return 4;
    }
  });
  const int code = child.wait();
  if (code == 77) GTEST_SKIP() << "no filter can be set here";
  EXPECT_EQ(code, 0);
}

TEST(PoolLimits, WithoutDescriptorsThereIsAPlainError) {
  const HangGuard guard;
  int failures = 0;
  for (rlim_t more = 0; more < 16; ++more) {
    Forked child([more] {
      const rlim_t used = Belongings::descriptors();
      const rlimit limit{used + more, used + more};
      if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return 77;
      const std::string trouble = trouble_of(Client::options(2));
      if (trouble.empty()) return 0;
      return contains(trouble, "open files") || contains(trouble, "Too many") ? 1 : 2;
    });
    const int code = child.wait();
    EXPECT_TRUE(code == 0 || code == 1) << code << " with " << more << " descriptors more";
    failures += code;
  }
  EXPECT_GT(failures, 0);
  EXPECT_LT(failures, 16);
}

TEST(PoolLimits, RegionsBeyondTheAddressSpaceAreAPlainError) {
  const Belongings before;
  for (const std::uint64_t bytes :
       {std::uint64_t{1} << 47U, std::uint64_t{1} << 62U, std::numeric_limits<std::uint64_t>::max()}) {
    PoolOptions options = Client::options(2);
    options.region_bytes = bytes;
    EXPECT_FALSE(trouble_of(options).empty());
  }
  before.expect_unchanged();
}

TEST(PoolLimits, WhatCannotBePreparedIsToldInItsOwnWords) {
  const Belongings before;
  PoolOptions options = Client::options(2);
  options.plan.prepare = [] { throw std::runtime_error("the model is not where it was"); };
  EXPECT_TRUE(contains(trouble_of(options), "the model is not where it was"));
  options.plan.prepare = [] { ::kill(::getpid(), SIGSEGV); };
  EXPECT_TRUE(contains(trouble_of(options), "killed by SIGSEGV (Segmentation fault) before it was ready"));
  options.plan.prepare = [] { ::_exit(9); };
  EXPECT_TRUE(contains(trouble_of(options), "exited with 9 before it was ready"));
  options.plan.prepare = [] { throw 5; };
  EXPECT_TRUE(contains(trouble_of(options), "without a name"));
  before.expect_unchanged();
}

TEST(PoolLimits, AWarmUpThatKillsTheServerIsLeftOut) {
  const Belongings before;
  PoolOptions options = Client::options(2);
  options.plan.warm_up = [] { ::kill(::getpid(), SIGSEGV); };
  EXPECT_EQ(trouble_of(options), "");
  before.expect_unchanged();
}

TEST(PoolLimits, WorkersThatCannotBeMadeAreToldOfInTheirOwnWords) {
  const Belongings before;
  PoolOptions options = Client::options(2);
  const std::string long_text = "no kernel fits: " + std::string(200, 'x') + " end";
  options.plan.make = [&]() -> std::unique_ptr<Worker> { throw std::runtime_error(long_text); };
  EXPECT_TRUE(contains(trouble_of(options), "could not be set up: " + long_text));
  options.plan.make = []() -> std::unique_ptr<Worker> { return nullptr; };
  EXPECT_TRUE(contains(trouble_of(options), "made nothing"));
  options.plan.make = []() -> std::unique_ptr<Worker> {
    ::kill(::getpid(), SIGBUS);
    return nullptr;
  };
  EXPECT_TRUE(contains(trouble_of(options), "SIGBUS (Bus error) before it was ready"));
  before.expect_unchanged();
}

TEST(PoolLimits, ASetUpThatFailsNowAndThenIsTriedAgain) {
  const SharedMemory counts;
  SharedCounts* shared = counts.get();
  PoolOptions options = Client::options(2);
  options.plan.make = [shared]() -> std::unique_ptr<Worker> {
    if (shared->made.fetch_add(1) % 3 != 2) throw std::runtime_error("not yet");
    return std::make_unique<NastyWorker>(nullptr);
  };
  EXPECT_EQ(trouble_of(options), "");
}

TEST(PoolLimits, WithoutMemoryMessagesFailAndThePoolGoesOn) {
  std::atomic<std::uint64_t> available{std::uint64_t{1} << 30U};
  PoolOptions options = Client::options(2);
  options.available_memory = [&] { return available.load(); };
  Client client(options);
  client.settle(2);
  for (int round = 0; round < 3; ++round) {
    available = 0;
    std::this_thread::sleep_for(milliseconds(150));  // what was known is known no more
    std::vector<std::uint64_t> large;
    for (int i = 0; i < 4; ++i) large.push_back(client.submit(Command::echo, 0, 40U << 20U));
    client.finish();
    for (const std::uint64_t tag : large) client.expect_failed(tag, Failure::no_memory, "no memory left", 1);
    available = std::uint64_t{1} << 30U;
    const auto small = client.submit_many(50);
    client.finish();
    for (const std::uint64_t tag : small) client.expect_answered(tag);
  }
  EXPECT_EQ(client.pool().statistics().deaths, 0U);
}

// A machine that has so much for regions.
std::uint64_t left_of(std::uint64_t all_bytes) {
  std::uint64_t held = 0;
  for (int fd = 0; fd < 256; ++fd) {
    std::array<char, 64> name{};
    const std::string link = "/proc/self/fd/" + std::to_string(fd);
    struct stat status {};
    if (::readlink(link.c_str(), name.data(), name.size() - 1) <= 0 || ::fstat(fd, &status) != 0) continue;
    if (std::strstr(name.data(), "memfd:pixmill") != nullptr)
      held += static_cast<std::uint64_t>(status.st_blocks) * 512U;
  }
  return held < all_bytes ? all_bytes - held : 0;
}

// As long as others work, memory may come back: nothing fails for want of it.
TEST(PoolLimits, WhatOthersWillGiveBackIsWaitedFor) {
  PoolOptions options = Client::options(3);
  options.available_memory = [] { return left_of(100U << 20U); };
  Client client(options);
  std::vector<std::uint64_t> tags;
  for (int i = 0; i < 12; ++i) tags.push_back(client.submit(Command::echo, 0, 20U << 20U));
  client.finish();
  for (const std::uint64_t tag : tags) client.expect_answered(tag);
}

TEST(PoolLimits, AnswersWithoutMemoryFailAlone) {
  PoolOptions options = Client::options(1);
  options.available_memory = [] { return left_of(80U << 20U); };
  Client client(options);
  client.settle(1);
  const std::uint64_t large = client.submit(Command::echo_sized, 80U << 20U);
  const auto small = client.submit_many(20);
  client.finish();
  client.expect_failed(large, Failure::no_memory, "memory", 1);
  for (const std::uint64_t tag : small) client.expect_answered(tag);
}

}  // namespace
}  // namespace pixmill::ipc
