#include "ipc/sandbox.hpp"
#include "ipc/sandbox_calls.hpp"
#include "tests/ipc/forked.hpp"
#include "tests/ipc/locked.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>
#include <utility>
#include <vector>

/// A worker that was taken over, and its ways out: every attempt in a locked-in process of its own.
namespace pixmill::ipc {
namespace {

using Arguments = std::array<std::uint64_t, 6>;

constexpr int kMostNumber = 600;
constexpr std::uint64_t kX32 = 0x40000000;

// As the processor does it: nothing of a library in between.
std::int64_t call(std::uint64_t number, const Arguments& a) {
#if defined(__x86_64__)
  std::int64_t result = 0;
  register std::uint64_t r10 asm("r10") = a[3];
  register std::uint64_t r8 asm("r8") = a[4];
  register std::uint64_t r9 asm("r9") = a[5];
  asm volatile("syscall"
               : "=a"(result)
               : "0"(number), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  return result;
#else
  return ::syscall(static_cast<long>(number), a[0], a[1], a[2], a[3], a[4], a[5]);
#endif
}

// uretprobe and uprobe: since Linux 6.14 and 6.18 no filter is asked about them. The kernel itself puts them into
// processes that are traced; called from anywhere else they do nothing.
#if defined(__x86_64__)
const std::set<int> kUnfiltered = {335, 336};
#else
const std::set<int> kUnfiltered = {};
#endif

bool holds(const AllowedCall& allowed, const Arguments& arguments) {
  return std::all_of(allowed.when.begin(), allowed.when.end(), [&](const ArgumentCondition& condition) {
    return (arguments.at(condition.argument) & condition.mask) == condition.value;
  });
}

bool is_allowed(const std::vector<AllowedCall>& list, int number, const Arguments& arguments) {
  return std::any_of(list.begin(), list.end(),
                     [&](const AllowedCall& allowed) { return allowed.number == number && holds(allowed, arguments); });
}

// Tries one call. What it answers does not matter: only whether the filter let it through.
ProcessEnd end_of_call(std::uint64_t number, const Arguments& arguments) {
  return end_of([&](int) {
    call(number, arguments);
    return true;
  });
}

class Escape : public testing::Test {
 protected:
  static void SetUpTestSuite() { prepare_lock_in(); }
};

// --- Every number ----------------------------------------------------------------------------------------------------

TEST_F(Escape, EveryNumberThatIsNotListedIsTheEnd) {
  const std::vector<AllowedCall> list = allowed_calls(-2, 0, 0);
  constexpr std::uint64_t kOnes = ~std::uint64_t{0};
  std::set<int> let_through;
  for (int number = 0; number <= kMostNumber; ++number) {
    if (kUnfiltered.count(number) > 0) continue;
    for (const std::uint64_t filling : {std::uint64_t{0}, kOnes, std::uint64_t{0x1000}}) {
      const Arguments arguments{filling, filling, filling, filling, filling, filling};
      // The bell's number is none of these, nor are its ids.
      const bool expected = is_allowed(list, number, arguments);
      const ProcessEnd end = end_of_call(static_cast<std::uint64_t>(number), arguments);
      EXPECT_EQ(end != kDenied, expected) << "call " << number << " with " << filling << ": " << describe(end);
      if (end != kDenied) let_through.insert(number);
    }
  }
  for (const AllowedCall& allowed : list) {
    std::printf("allowed: %s%s%s\n", std::string(allowed.name).c_str(), allowed.only.empty() ? "" : ", ",
                std::string(allowed.only).c_str());
    if (allowed.when.empty()) {
      EXPECT_EQ(let_through.count(allowed.number), 1U) << allowed.name;
    }
  }
}

TEST_F(Escape, WhatTheKernelKeepsFromFiltersDoesNothing) {
  for (const int number : kUnfiltered) {
    const ProcessEnd end = end_of([&](int) { return call(static_cast<std::uint64_t>(number), {}) < 0; });
    EXPECT_TRUE(end == kDenied || end == (ProcessEnd{true, SIGILL}) || end == kReturned) << number << describe(end);
  }
}

TEST_F(Escape, NumbersBeyondTheTableAreTheEnd) {
  for (const std::uint64_t number : {std::uint64_t{1000}, std::uint64_t{0xFFFF}, std::uint64_t{0x7FFFFFFF},
                                     std::uint64_t{0x80000000}, std::uint64_t{0xFFFFFFFF}, ~std::uint64_t{0}}) {
    EXPECT_EQ(end_of_call(number, {}), kDenied) << number;
  }
}

#if defined(__x86_64__)
TEST_F(Escape, EveryNumberOfX32IsTheEnd) {
  for (int number = 0; number <= kMostNumber; ++number) {
    EXPECT_EQ(end_of_call(kX32 | static_cast<std::uint64_t>(number), {}), kDenied) << number;
  }
}

std::int64_t call_by_interrupt(std::uint32_t number) {
  std::int64_t result = 0;
  asm volatile("int $0x80"
               : "=a"(result)
               : "0"(number), "b"(0), "c"(0), "d"(0), "S"(0), "D"(0)
               : "memory", "r8", "r9", "r10", "r11");
  return result;
}

TEST_F(Escape, EveryNumberOfTheOldInterruptIsTheEnd) {
  // 20 is getpid there. A kernel without that interface ends the process for it, whoever it is.
  const int usual = Forked([] { return call_by_interrupt(20) > 0 ? 0 : 1; }).wait();
  const ProcessEnd expected = usual == -SIGSEGV ? ProcessEnd{true, SIGSEGV} : kDenied;
  for (std::uint32_t number = 0; number <= kMostNumber; ++number) {
    const ProcessEnd end = end_of([&](int) {
      call_by_interrupt(number);
      return true;
    });
    EXPECT_EQ(end, expected) << number;
  }
}

TEST_F(Escape, TheVsyscallPageIsTheEnd) {
  const ProcessEnd end = end_of([](int) {
    reinterpret_cast<long (*)(long*)>(0xffffffffff600400UL)(nullptr);  // time
    return true;
  });
  EXPECT_TRUE(end == kDenied || end == (ProcessEnd{true, SIGSEGV})) << describe(end);
}
#endif

// --- Every condition -------------------------------------------------------------------------------------------------

// How an allowed call with arguments of no use ends.
ProcessEnd usual_end(const AllowedCall& allowed) {
  if (allowed.number == SYS_exit_group) return {false, 0};
  if (allowed.number == SYS_tgkill) return {true, SIGABRT};
  return kReturned;
}

// The call in its row, with its own bell and ids, `flip` applied to one argument.
ProcessEnd end_of_row(std::size_t row, unsigned argument, std::uint64_t flip) {
  return end_of([&](int bell) {
    const auto thread = static_cast<pid_t>(::syscall(SYS_gettid));
    const AllowedCall allowed = allowed_calls(bell, ::getpid(), thread).at(row);
    Arguments arguments{};
    for (const ArgumentCondition& condition : allowed.when) arguments.at(condition.argument) = condition.value;
    arguments.at(argument) ^= flip;
    // It may be what another row allows: nothing to learn then.
    if (flip != 0 && is_allowed(allowed_calls(bell, ::getpid(), thread), allowed.number, arguments)) return false;
    call(static_cast<std::uint64_t>(allowed.number), arguments);
    return true;
  });
}

TEST_F(Escape, WhatIsListedIsAllowed) {
  const std::vector<AllowedCall> list = allowed_calls(0, 0, 0);
  for (std::size_t row = 0; row < list.size(); ++row) {
    EXPECT_EQ(end_of_row(row, 0, 0), usual_end(list[row])) << list[row].name;
  }
}

TEST_F(Escape, EveryBitOfEveryConditionCounts) {
  const std::vector<AllowedCall> list = allowed_calls(0, 0, 0);
  for (std::size_t row = 0; row < list.size(); ++row) {
    for (const ArgumentCondition& condition : list[row].when) {
      for (unsigned bit = 0; bit < 64; ++bit) {
        const std::uint64_t flip = std::uint64_t{1} << bit;
        // A bit that the condition leaves open may be either: the call is still harmless.
        if ((condition.mask & flip) == 0) continue;
        const ProcessEnd end = end_of_row(row, condition.argument, flip);
        if (end == ProcessEnd{false, Locked::kReturnedNot}) continue;
        EXPECT_EQ(end, kDenied) << list[row].name << ", argument " << condition.argument << ", bit " << bit;
      }
    }
  }
}

// --- The classic ways out --------------------------------------------------------------------------------------------

template <typename T>
std::uint64_t word(T value) {
  if constexpr (std::is_pointer_v<T>) {
    return reinterpret_cast<std::uint64_t>(value);
  } else {
    return static_cast<std::uint64_t>(value);
  }
}

struct Attempt {
  std::string what;
  std::uint64_t number;
  Arguments arguments;
};

void expect_all_denied(const std::vector<Attempt>& attempts) {
  for (const Attempt& attempt : attempts) {
    EXPECT_EQ(end_of_call(attempt.number, attempt.arguments), kDenied) << attempt.what;
  }
}

TEST_F(Escape, Files) {
  const char* path = "/etc/passwd";
  const std::string parent_memory = "/proc/" + std::to_string(::getpid()) + "/mem";
  std::array<std::uint64_t, 3> how{};
  expect_all_denied({
      {"open", SYS_open, {word(path), O_RDONLY}},
      {"openat", SYS_openat, {word(AT_FDCWD), word(path), O_RDONLY}},
      {"openat2", 437, {word(AT_FDCWD), word(path), word(how.data()), sizeof how}},
      {"creat", SYS_creat, {word("/tmp/pixmill-escaped"), 0600}},
      {"its parent's memory", SYS_openat, {word(AT_FDCWD), word(parent_memory.c_str()), O_RDWR}},
      {"its own memory", SYS_openat, {word(AT_FDCWD), word("/proc/self/mem"), O_RDWR}},
      {"readlink", SYS_readlink, {word("/proc/self/exe"), 0, 0}},
      {"stat", SYS_newfstatat, {word(AT_FDCWD), word(path), 0, 0}},
      {"access", SYS_access, {word(path), R_OK}},
      {"unlink", SYS_unlink, {word("/tmp/pixmill-escaped")}},
      {"rename", SYS_rename, {word("/tmp/pixmill-escaped"), word("/tmp/pixmill-other")}},
      {"mkdir", SYS_mkdir, {word("/tmp/pixmill-escaped"), 0700}},
      {"mount", SYS_mount, {0, word("/tmp"), word("tmpfs"), 0, 0}},
      {"chroot", SYS_chroot, {word("/tmp")}},
      {"open_by_handle_at", SYS_open_by_handle_at, {word(AT_FDCWD), 0, 0}},
      {"inotify_init1", SYS_inotify_init1, {}},
      {"memfd_create", SYS_memfd_create, {word("x"), 0}},
      {"memfd_secret", 447, {}},
      {"pipe2", SYS_pipe2, {0, 0}},
      {"eventfd2", SYS_eventfd2, {0, 0}},
  });
}

TEST_F(Escape, Network) {
  std::vector<Attempt> attempts;
  for (const int family : {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_ALG, AF_VSOCK}) {
    attempts.push_back({"socket " + std::to_string(family), SYS_socket, {word(family), SOCK_DGRAM, 0}});
  }
  attempts.push_back({"socketpair", SYS_socketpair, {AF_UNIX, SOCK_STREAM, 0, 0}});
  attempts.push_back({"connect", SYS_connect, {0, 0, sizeof(sockaddr_un)}});
  attempts.push_back({"bind", SYS_bind, {0, 0, sizeof(sockaddr_un)}});
  attempts.push_back({"sendmsg", SYS_sendmsg, {0, 0, 0}});
  attempts.push_back({"recvmsg", SYS_recvmsg, {0, 0, 0}});
  expect_all_denied(attempts);
}

TEST_F(Escape, Programs) {
  std::array<const char*, 2> arguments{"/bin/true", nullptr};
  std::array<const char*, 1> environment{nullptr};
  expect_all_denied({
      {"execve", SYS_execve, {word(arguments[0]), word(arguments.data()), word(environment.data())}},
      {"execveat",
       SYS_execveat,
       {word(AT_FDCWD), word(arguments[0]), word(arguments.data()), word(environment.data()), 0}},
      {"init_module", SYS_init_module, {0, 0, word("")}},
      {"bpf", SYS_bpf, {0, 0, 0}},
      {"io_uring_setup", 425, {1, 0}},
      {"io_uring_enter", 426, {0, 0, 0, 0}},
      {"userfaultfd", SYS_userfaultfd, {0}},
      {"perf_event_open", SYS_perf_event_open, {0, 0, word(-1), word(-1), 0}},
      {"keyctl", SYS_keyctl, {0, 0}},
      {"add_key", SYS_add_key, {word("user"), word("x"), word("x"), 1, word(-2)}},
      {"io_setup", SYS_io_setup, {1, 0}},
  });
}

TEST_F(Escape, Processes) {
  clone_args like_fork{};
  like_fork.exit_signal = SIGCHLD;
  expect_all_denied({
      {"fork", SYS_fork, {}},
      {"vfork", SYS_vfork, {}},
      {"clone", SYS_clone, {SIGCHLD}},
      {"clone, as a thread", SYS_clone, {CLONE_VM | CLONE_THREAD | CLONE_SIGHAND, 0}},
      {"clone3", SYS_clone3, {word(&like_fork), sizeof like_fork}},
      {"unshare", SYS_unshare, {CLONE_NEWUSER}},
      {"setns", SYS_setns, {0, 0}},
      {"setsid", SYS_setsid, {}},
      {"setpgid", SYS_setpgid, {0, 0}},
  });
}

TEST_F(Escape, OtherProcesses) {
  const Forked sibling([] {
    for (;;) ::pause();
    return 0;
  });
  std::array<std::uint64_t, 2> some{};
  const std::array<std::uint64_t, 2> vector{word(some.data()), sizeof some};
  const std::uint64_t parent = word(::getpid());
  const std::uint64_t other = word(sibling.pid());
  siginfo_t info{};
  info.si_code = SI_QUEUE;
  std::vector<Attempt> attempts = {
      {"ptrace, to be traced", SYS_ptrace, {PTRACE_TRACEME, 0, 0, 0}},
      {"kill of its group", SYS_kill, {0, SIGKILL}},
      {"pidfd_getfd", 438, {0, 0, 0}},
      {"process_madvise", 440, {0, 0, 0, 0, 0}},
      {"prlimit64", SYS_prlimit64, {other, 0, 0, word(some.data())}},
      {"kcmp", SYS_kcmp, {parent, other, 0, 0, 0}},
  };
  for (const auto& [name, pid] : {std::pair("parent", parent), std::pair("sibling", other)}) {
    const std::string of = std::string(" of its ") + name;
    attempts.push_back({"ptrace" + of, SYS_ptrace, {PTRACE_ATTACH, pid, 0, 0}});
    attempts.push_back({"ptrace, seizing" + of, SYS_ptrace, {PTRACE_SEIZE, pid, 0, 0}});
    attempts.push_back({"kill" + of, SYS_kill, {pid, SIGKILL}});
    attempts.push_back({"tkill" + of, SYS_tkill, {pid, SIGKILL}});
    attempts.push_back({"tgkill" + of, SYS_tgkill, {pid, pid, SIGKILL}});
    attempts.push_back({"abort by tgkill" + of, SYS_tgkill, {pid, pid, SIGABRT}});
    attempts.push_back({"rt_sigqueueinfo" + of, SYS_rt_sigqueueinfo, {pid, SIGTERM, word(&info)}});
    attempts.push_back({"pidfd_open" + of, 434, {pid, 0}});
    attempts.push_back(
        {"reading the memory" + of, SYS_process_vm_readv, {pid, word(vector.data()), 1, word(vector.data()), 1, 0}});
    attempts.push_back(
        {"writing the memory" + of, SYS_process_vm_writev, {pid, word(vector.data()), 1, word(vector.data()), 1, 0}});
    attempts.push_back({"setpriority" + of, SYS_setpriority, {0, pid, 19}});
    attempts.push_back({"sched_setaffinity" + of, SYS_sched_setaffinity, {pid, sizeof some, word(some.data())}});
  }
  expect_all_denied(attempts);
  EXPECT_EQ(::kill(sibling.pid(), 0), 0);
  EXPECT_EQ(::waitpid(sibling.pid(), nullptr, WNOHANG), 0) << "the sibling is as it was";
}

TEST_F(Escape, ExecutableAndSharedMemory) {
  constexpr std::uint64_t kPage = 4096;
  constexpr std::uint64_t kOwn = MAP_PRIVATE | MAP_ANONYMOUS;
  auto* page = static_cast<unsigned char*>(::mmap(nullptr, kPage, PROT_READ | PROT_WRITE, kOwn, -1, 0));
  ASSERT_NE(page, MAP_FAILED);
  page[0] = 0xC3;
  const std::uint64_t at = word(page);
  const std::uint64_t none = word(-1);
  expect_all_denied({
      {"executable", SYS_mmap, {0, kPage, PROT_READ | PROT_EXEC, kOwn, none, 0}},
      {"writable and executable", SYS_mmap, {0, kPage, PROT_READ | PROT_WRITE | PROT_EXEC, kOwn, none, 0}},
      {"shared", SYS_mmap, {0, kPage, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, none, 0}},
      {"of a file", SYS_mmap, {0, kPage, PROT_READ, MAP_PRIVATE, 3, 0}},
      {"in a fixed place", SYS_mmap, {at, kPage, PROT_READ, kOwn | MAP_FIXED, none, 0}},
      {"that grows down", SYS_mmap, {0, kPage, PROT_READ, kOwn | MAP_GROWSDOWN, none, 0}},
      {"locked", SYS_mmap, {0, kPage, PROT_READ, kOwn | MAP_LOCKED, none, 0}},
      {"in low addresses", SYS_mmap, {0, kPage, PROT_READ, kOwn | MAP_32BIT, none, 0}},
      {"made executable", SYS_mprotect, {at, kPage, PROT_READ | PROT_EXEC}},
      {"made executable with a key", SYS_pkey_mprotect, {at, kPage, PROT_READ | PROT_EXEC, none}},
      {"moved to a fixed place", SYS_mremap, {at, kPage, kPage, MREMAP_MAYMOVE | MREMAP_FIXED, at + kPage}},
      {"left behind when moved", SYS_mremap, {at, kPage, kPage, MREMAP_MAYMOVE | 4, 0}},
      {"a hole in the region", SYS_madvise, {at, kPage, MADV_REMOVE}},
      {"locked later", SYS_mlock, {at, kPage}},
      {"shmget", SYS_shmget, {0, kPage, 01600}},
      {"shmat", SYS_shmat, {0, 0, 0}},
      {"remap_file_pages", SYS_remap_file_pages, {at, kPage, 0, 0, 0}},
  });
  EXPECT_EQ(end_of([&](int) {
              reinterpret_cast<void (*)()>(page)();
              return true;
            }),
            (ProcessEnd{true, SIGSEGV}));
  ::munmap(page, kPage);
}

TEST_F(Escape, TheBellIsGoodForRingingOnly) {
  const auto tries = [](std::uint64_t number, std::uint64_t second, std::uint64_t third) {
    return end_of([&](int bell) {
      call(number, {word(bell), second, third});
      return true;
    });
  };
  std::uint64_t count = 0;
  EXPECT_EQ(tries(SYS_read, word(&count), sizeof count), kDenied);
  EXPECT_EQ(tries(SYS_dup, 0, 0), kDenied);
  EXPECT_EQ(tries(SYS_dup2, 7, 0), kDenied);
  EXPECT_EQ(tries(SYS_fcntl, F_SETFL, 0), kDenied);  // to make the coordinator's reads block
  EXPECT_EQ(tries(SYS_ioctl, 0, 0), kDenied);
  EXPECT_EQ(tries(SYS_close, 0, 0), kDenied);
  EXPECT_EQ(tries(SYS_writev, 0, 0), kDenied);
  EXPECT_EQ(tries(SYS_sendfile, word(-1), 0), kDenied);
}

TEST_F(Escape, TheLockItself) {
  expect_all_denied({
    {"another filter", SYS_seccomp, {1, 0, 0}}, {"prctl", SYS_prctl, {38, 0, 0, 0, 0}},
        {"prctl, to outlive the coordinator", SYS_prctl, {1, 0, 0, 0, 0}}, {"setrlimit", SYS_setrlimit, {2, 0}},
        {"personality", SYS_personality, {0x0400000}}, {"rt_sigaction", SYS_rt_sigaction, {SIGSYS, 0, 0, 8}},
        {"rt_sigreturn", SYS_rt_sigreturn, {}}, {"sigaltstack", SYS_sigaltstack, {0, 0}},
        {"blocking signals", SYS_rt_sigprocmask, {SIG_BLOCK, 0, 0, 8}}, {"setuid", SYS_setuid, {0}},
        {"capset", SYS_capset, {0, 0}}, {"landlock_restrict_self", 446, {0, 0}},
#if defined(__x86_64__)
        {"arch_prctl", SYS_arch_prctl, {0x1002, 0}}, {"modify_ldt", SYS_modify_ldt, {1, 0, 0}}, {"iopl", SYS_iopl, {3}},
#endif
  });
}

TEST_F(Escape, TheKernelsLocksThatWereHolesOnce) {
  std::uint32_t lock = 0;
  for (const int operation : {FUTEX_WAIT, FUTEX_WAKE, FUTEX_REQUEUE, FUTEX_CMP_REQUEUE, FUTEX_WAKE_OP, FUTEX_LOCK_PI,
                              FUTEX_TRYLOCK_PI, FUTEX_WAIT_REQUEUE_PI, FUTEX_CMP_REQUEUE_PI}) {
    EXPECT_EQ(end_of_call(SYS_futex, {word(&lock), word(operation), 0, 0, word(&lock), 0}), kDenied) << operation;
  }
}

TEST_F(Escape, AsleepOrSpinningItCanStillBeKilled) {
  for (const bool asleep : {true, false}) {
    Locked locked([asleep](int) {
      SleepWord sleep_word{1};
      for (;;) {
        if (asleep) sleep_on(sleep_word, WaitLimits::Clock::time_point::max());
      }
      return true;
    });
    locked.process().kill();
    EXPECT_EQ(locked.end(), (ProcessEnd{true, SIGKILL}));
  }
}

}  // namespace
}  // namespace pixmill::ipc
