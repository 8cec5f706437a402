#include "ipc/sandbox.hpp"

#include "ipc/sandbox_calls.hpp"
#include "tests/ipc/forked.hpp"
#include "tests/ipc/locked.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <malloc.h>
#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace pixmill::ipc {
namespace {

using std::chrono::milliseconds;

// Tells that it is there, and sleeps for ever.
bool sleep_for_ever(int bell) {
  constexpr std::uint64_t kOne = 1;
  if (::write(bell, &kOne, sizeof kOne) != sizeof kOne) return false;
  SleepWord word{1};
  for (;;) sleep_on(word, WaitLimits::Clock::time_point::max());
}

void wait_for(const EventBell& bell) {
  while (!bell.silence()) std::this_thread::sleep_for(milliseconds(1));
}

char state_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(file, text);
  return text.at(text.rfind(')') + 2);
}

void wait_for_state(pid_t pid, char state) {
  while (state_of(pid) != state) std::this_thread::sleep_for(milliseconds(1));
}

class Sandbox : public testing::Test {
 protected:
  static void SetUpTestSuite() { prepare_lock_in(); }
};

// --- What holds, seen from outside -----------------------------------------------------------------------------------

TEST_F(Sandbox, IsSeenFromOutside) {
  const Locked locked(sleep_for_ever);
  wait_for(locked.bell());
  EXPECT_EQ(missing_lock(locked.pid()), "");
}

TEST_F(Sandbox, WhoIsNotLockedInIsSeen) {
  EXPECT_NE(missing_lock(::getpid()), "");
  const Forked half([] {
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    for (;;) ::pause();
    return 0;
  });
  wait_for_state(half.pid(), 'S');
  EXPECT_NE(missing_lock(half.pid()).find("filter"), std::string::npos);
}

TEST_F(Sandbox, AFilterThatWasThereBeforeIsNotTakenForOurs) {
  // In a process of its own: filters are for life.
  Forked host([] {
    sock_filter all[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    const sock_fprog program{1, all};
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) return 1;
    const Forked inherits([] {
      for (;;) ::pause();
      return 0;
    });
    if (missing_lock(inherits.pid()).find("older") == std::string::npos) return 2;
    const Locked locked(sleep_for_ever);
    wait_for(locked.bell());
    return missing_lock(locked.pid()).empty() ? 0 : 3;
  });
  EXPECT_EQ(host.wait(), 0);
}

TEST_F(Sandbox, AThreadThatBeganBeforeIsSeen) {
  const Locked with_thread(sleep_for_ever, [] {
    std::thread([] {
      for (;;) ::pause();
    }).detach();
  });
  wait_for(with_thread.bell());
  EXPECT_NE(missing_lock(with_thread.pid()).find("threads"), std::string::npos);
}

TEST_F(Sandbox, KeepsNoDescriptorButTheBell) {
  const Locked locked(sleep_for_ever, [] {
    // Inherited, and not close-on-exec; one far up.
    const int file = ::open("/etc/passwd", O_RDONLY);
    ::dup2(file, 200);
    ::socket(AF_INET, SOCK_STREAM, 0);
  });
  wait_for(locked.bell());
  std::vector<std::string> open;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(locked.pid()) + "/fd")) {
    open.push_back(entry.path().filename());
  }
  EXPECT_EQ(open, std::vector<std::string>{std::to_string(locked.bell().fd())});
}

TEST_F(Sandbox, LimitsAreHard) {
  const Locked locked(sleep_for_ever, [] {
    const rlimit limit{std::uint64_t{1} << 30, RLIM_INFINITY};
    ::setrlimit(RLIMIT_DATA, &limit);
  });
  wait_for(locked.bell());
  const auto limit_of = [&](__rlimit_resource resource) {
    rlimit limit{};
    EXPECT_EQ(::prlimit(locked.pid(), resource, nullptr, &limit), 0);
    return std::pair(limit.rlim_cur, limit.rlim_max);
  };
  EXPECT_EQ(limit_of(RLIMIT_DATA), std::pair(rlim_t{1} << 30, rlim_t{1} << 30));
  EXPECT_EQ(limit_of(RLIMIT_FSIZE), std::pair(rlim_t{0}, rlim_t{0}));
  EXPECT_EQ(limit_of(RLIMIT_CORE), std::pair(rlim_t{0}, rlim_t{0}));
}

TEST_F(Sandbox, MemoryThatIsReadIsNotExecutedWhateverThePersonality) {
  Locked locked(
      [](int) {
        void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        *static_cast<unsigned char*>(page) = 0xC3;  // ret
        reinterpret_cast<void (*)()>(page)();
        return true;
      },
      [] { ::personality(READ_IMPLIES_EXEC); });
  EXPECT_EQ(locked.end(), (ProcessEnd{true, SIGSEGV}));
}

TEST_F(Sandbox, ATrialTellsWhatTheMachineCan) {
  const SandboxTrial trial = try_sandbox();
  EXPECT_EQ(trial.missing, "");
  EXPECT_GE(trial.landlock_abi, 0);
}

TEST_F(Sandbox, TroubleIsToldInWords) {
  EXPECT_NE(describe({SandboxTrouble::Step::filter, EPERM}).find("seccomp"), std::string::npos);
  EXPECT_NE(describe({SandboxTrouble::Step::no_new_privs, EPERM}).find("NO_NEW_PRIVS"), std::string::npos);
  EXPECT_NE(describe_sandbox_trouble({~0ULL, ~0ULL}), "");
}

// --- What a worker does all day --------------------------------------------------------------------------------------

TEST_F(Sandbox, FullHeapIsAnExceptionAndNoDeath) {
  Locked locked(
      [](int) {
        for (const std::size_t size :
             {std::size_t{100}, std::size_t{5000}, std::size_t{200000}, std::size_t{1} << 40}) {
          std::vector<std::unique_ptr<char[]>> blocks;
          blocks.reserve(1000000);
          try {
            for (;;) blocks.push_back(std::make_unique<char[]>(size));
          } catch (const std::bad_alloc&) {
          }
          if (size < 1000000 && blocks.empty()) return false;
          blocks.clear();
          ::malloc_trim(0);
        }
        return true;
      },
      [] {
        const rlimit limit{std::uint64_t{100} << 20, RLIM_INFINITY};
        ::setrlimit(RLIMIT_DATA, &limit);
      });
  EXPECT_EQ(locked.end(), kReturned);
}

TEST_F(Sandbox, LargeBlocksGrowAndShrink) {
  const ProcessEnd end = end_of([](int) {
    std::size_t size = 100000;
    void* block = std::malloc(size);
    for (; block != nullptr && size < 100000000; size *= 2) block = std::realloc(block, size);
    block = std::realloc(block, 1000);
    std::free(block);
    return true;
  });
  EXPECT_EQ(end, kReturned);
}

TEST_F(Sandbox, ASleepGoesOnAfterStopAndContinue) {
  Locked locked([](int bell) {
    constexpr std::uint64_t kOne = 1;
    if (::write(bell, &kOne, sizeof kOne) != sizeof kOne) return false;
    SleepWord word{1};
    const auto until = std::chrono::steady_clock::now() + milliseconds(500);
    while (std::chrono::steady_clock::now() < until) sleep_on(word, until);
    return true;
  });
  wait_for(locked.bell());
  for (int i = 0; i < 5; ++i) {
    wait_for_state(locked.pid(), 'S');
    locked.process().signal(SIGSTOP);
    wait_for_state(locked.pid(), 'T');
    locked.process().signal(SIGCONT);
  }
  EXPECT_EQ(locked.end(), kReturned);
}

// Only the optimiser does not see what they come to.
[[gnu::noinline]] void complain(volatile int* number) {
  if (*number > 0) throw std::runtime_error("escapes");
}

[[gnu::noinline]] void spoil(std::uint64_t* block) {
  std::uint64_t* volatile at = block;
  at[-1] = 7;
}

[[gnu::noinline]] int overflow_the_stack(int depth) {
  volatile char frame[4096];
  frame[0] = static_cast<char>(depth);
  return depth < 0 ? 0 : overflow_the_stack(depth + 1) + frame[0];
}

TEST_F(Sandbox, CrashesAreToldAsWhatTheyAre) {
  const auto end = [](const std::function<void()>& crash) {
    return end_of([&](int) {
      crash();
      return true;
    });
  };
  const ProcessEnd aborted{true, SIGABRT};
  EXPECT_EQ(end([] { std::abort(); }), aborted);
  // NOLINTNEXTLINE(bugprone-exception-escape): that is what is tested
  EXPECT_EQ(end([]() noexcept {
              volatile int one = 1;
              complain(&one);
            }),
            aborted);
  EXPECT_EQ(end([] {
              // The C library says so on standard error, and aborts.
              auto* block = static_cast<std::uint64_t*>(std::malloc(2000));
              spoil(block);
              std::free(block);
            }),
            aborted);
  EXPECT_EQ(end([] { *const_cast<volatile int*>(static_cast<int*>(nullptr)) = 1; }), (ProcessEnd{true, SIGSEGV}));
  EXPECT_EQ(end([] { __builtin_trap(); }).by_signal, true);
  EXPECT_EQ(end([] { static_cast<void>(overflow_the_stack(0)); }), (ProcessEnd{true, SIGSEGV}));
}

TEST_F(Sandbox, MoreMayBeAllowed) {
  const std::array<int, 1> also{SYS_getuid};
  const auto asks = [](int) { return ::syscall(SYS_getuid) >= 0; };
  EXPECT_EQ(end_of(asks), kDenied);
  EXPECT_EQ(end_of(asks, also), kReturned);
  EXPECT_EQ(end_of([](int) { return ::syscall(SYS_geteuid) >= 0; }, also), kDenied);
}

TEST_F(Sandbox, ADeathByTheFilterSaysSo) {
  EXPECT_NE(describe(kDenied).find("SIGSYS"), std::string::npos);
  EXPECT_NE(describe(kDenied).find("sandbox"), std::string::npos);
}

// --- What is written about it ----------------------------------------------------------------------------------------

TEST_F(Sandbox, TheListInTheDocumentIsTheList) {
  std::string list;
  for (const AllowedCall& call : allowed_calls(0, 0, 0)) {
    list += "| `" + std::string(call.name) + "` | " + std::string(call.only.empty() ? "any" : call.only) + " | " +
            std::string(call.why) + " |\n";
  }
  std::ifstream file(PIXMILL_SECURITY_PAGE);
  const std::string page((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const std::string head = "| call | with | for |\n|---|---|---|\n";
  const std::size_t at = page.find(head);
  ASSERT_NE(at, std::string::npos) << "SECURITY.md has no table of calls";
  const std::size_t begin = at + head.size();
  EXPECT_EQ(page.substr(begin, page.find("\n\n", begin) + 1 - begin), list);
}

}  // namespace
}  // namespace pixmill::ipc
