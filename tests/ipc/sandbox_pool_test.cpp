#include "ipc/pool.hpp"
#include "ipc/sandbox.hpp"
#include "tests/ipc/forked.hpp"

#include <pixmill/error.hpp>

#include <dlfcn.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

// What the workers' libseccomp does instead of what it should.
enum class Lie { none, refuses, pretends };
Lie the_lie = Lie::none;

}  // namespace

/// Stands before libseccomp's own: a kernel that takes no filter, and a worker that is not locked in and says it were.
extern "C" int seccomp_load(scmp_filter_ctx filter) {
  if (the_lie == Lie::pretends) return 0;
  if (the_lie == Lie::refuses) return -EPERM;
  const auto real = reinterpret_cast<int (*)(scmp_filter_ctx)>(::dlsym(RTLD_NEXT, "seccomp_load"));
  return real(filter);
}

namespace pixmill::ipc {
namespace {

using std::chrono::milliseconds;

// What the worker is told to do.
constexpr std::uint64_t kEcho = 0;
constexpr std::uint64_t kOpen = 1;
constexpr std::uint64_t kGetUid = 2;
constexpr std::uint64_t kFork = 3;
constexpr std::uint64_t kThrow = 4;
constexpr std::uint64_t kSpin = 5;

class Obedient final : public Worker {
 public:
  const Answer& run(std::span<const std::byte> input, const std::array<std::uint64_t, 2>& user) override {
    switch (user[0]) {
      case kOpen:
        static_cast<void>(::open("/etc/passwd", O_RDONLY));
        break;
      case kGetUid:
        static_cast<void>(::syscall(SYS_getuid));
        break;
      case kFork:
        static_cast<void>(::fork());
        break;
      case kThrow:
        throw std::runtime_error("a bug");
      case kSpin:
        for (;;) asm volatile("" ::: "memory");
      default:
        break;
    }
    answer_.parts = {input};
    return answer_;
  }

 private:
  Answer answer_;
};

class Log final : public Pool::Events {
 public:
  std::span<std::byte> room_for(std::uint64_t tag, std::uint64_t size) override {
    room[tag].resize(size);
    return room[tag];
  }
  void answered(std::uint64_t tag, std::span<const std::byte> /*answer*/, int /*attempts*/) override {
    answers.push_back(tag);
  }
  void failed(std::uint64_t tag, Failure failure, const std::string& reason, int /*attempts*/) override {
    failures[tag] = {failure, reason};
  }
  std::map<std::uint64_t, std::vector<std::byte>> room;
  std::vector<std::uint64_t> answers;
  std::map<std::uint64_t, std::pair<Failure, std::string>> failures;
};

PoolOptions options() {
  PoolOptions options;
  options.workers = 2;
  options.retries = 0;
  options.region_bytes = std::uint64_t{1} << 20;
  options.plan.make = [] { return std::make_unique<Obedient>(); };
  options.plan.sandbox = true;
  options.if_not_locked = "; go without";
  return options;
}

void run_all(Pool& pool) {
  while (pool.unfinished() > 0) pool.wait(milliseconds(100));
}

// What the pool says when it is asked for an answer.
std::string complaint_of(const PoolOptions& options) {
  Log log;
  const std::array<std::byte, 3> input{};
  try {
    Pool pool(options, log);
    pool.submit(1, input, {kEcho, 0});
    run_all(pool);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::machine);
    EXPECT_TRUE(log.answers.empty()) << "nothing may be sent to a worker that is not locked in";
    return error.what();
  }
  return "(none)";
}

class SandboxPool : public testing::Test {
 protected:
  void TearDown() override { the_lie = Lie::none; }
  HangGuard guard_;
};

TEST_F(SandboxPool, WorksAsWithout) {
  Log log;
  Pool pool(options(), log);
  const std::vector<std::byte> input(100000);
  for (std::uint64_t tag = 0; tag < 200; ++tag) pool.submit(tag, input, {kEcho, 0});
  run_all(pool);
  EXPECT_EQ(log.answers.size(), 200U);
  EXPECT_TRUE(log.failures.empty());
  EXPECT_EQ(pool.statistics().deaths, 0U);
  for (const int worker : pool.processes().workers) EXPECT_EQ(missing_lock(worker), "");
}

TEST_F(SandboxPool, AForbiddenCallCostsTheMessageAndNoOther) {
  Log log;
  Pool pool(options(), log);
  const std::array<std::byte, 3> input{};
  for (std::uint64_t tag = 0; tag < 30; ++tag) {
    pool.submit(tag, input, {tag == 7 ? kOpen : tag == 17 ? kFork : tag == 27 ? kGetUid : kEcho, 0});
  }
  run_all(pool);
  EXPECT_EQ(log.answers.size(), 27U);
  ASSERT_EQ(log.failures.size(), 3U);
  for (const std::uint64_t tag : {7U, 17U, 27U}) {
    EXPECT_EQ(log.failures[tag].first, Failure::died);
    EXPECT_NE(log.failures[tag].second.find("SIGSYS"), std::string::npos) << log.failures[tag].second;
    EXPECT_NE(log.failures[tag].second.find("sandbox"), std::string::npos) << log.failures[tag].second;
  }
}

TEST_F(SandboxPool, OtherDeathsKeepTheirNames) {
  const std::array<std::byte, 3> input{};
  Log thrown;
  Pool pool(options(), thrown);
  pool.submit(1, input, {kThrow, 0});
  run_all(pool);
  EXPECT_NE(thrown.failures[1].second.find("SIGABRT"), std::string::npos) << thrown.failures[1].second;

  PoolOptions with_limit = options();
  with_limit.timeout = milliseconds(200);
  Log late;
  Pool limited(with_limit, late);
  limited.submit(2, input, {kSpin, 0});
  run_all(limited);
  EXPECT_EQ(late.failures[2].first, Failure::timed_out);
}

TEST_F(SandboxPool, MoreMayBeAllowed) {
  PoolOptions with_more = options();
  with_more.plan.also_allowed = {SYS_getuid};
  Log log;
  Pool pool(with_more, log);
  const std::array<std::byte, 3> input{};
  pool.submit(1, input, {kGetUid, 0});
  run_all(pool);
  EXPECT_EQ(log.answers.size(), 1U);
}

TEST_F(SandboxPool, WhereNoFilterIsTakenThePoolFails) {
  the_lie = Lie::refuses;
  const std::string text = complaint_of(options());
  EXPECT_NE(text.find("locked in"), std::string::npos) << text;
  EXPECT_NE(text.find("seccomp"), std::string::npos) << text;
  EXPECT_NE(text.find("; go without"), std::string::npos) << text;
}

TEST_F(SandboxPool, AWorkerThatOnlySaysItWereLockedInGetsNothing) {
  the_lie = Lie::pretends;
  const std::string text = complaint_of(options());
  EXPECT_NE(text.find("no filter"), std::string::npos) << text;
}

TEST_F(SandboxPool, AWorkerWithThreadsGetsNothing) {
  PoolOptions threaded = options();
  threaded.plan.make = [] {
    std::thread([] {
      for (;;) ::pause();
    }).detach();
    return std::make_unique<Obedient>();
  };
  const std::string text = complaint_of(threaded);
  EXPECT_NE(text.find("threads"), std::string::npos) << text;
}

TEST_F(SandboxPool, WithoutItNothingIsAsked) {
  the_lie = Lie::refuses;
  PoolOptions without = options();
  without.plan.sandbox = false;
  EXPECT_EQ(complaint_of(without), "(none)");
}

}  // namespace
}  // namespace pixmill::ipc
