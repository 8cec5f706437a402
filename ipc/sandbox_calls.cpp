#include "ipc/sandbox_calls.hpp"

#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <ctime>

namespace pixmill::ipc {
namespace {

constexpr std::uint64_t kIntBits = 0xFFFFFFFF;
constexpr std::uint64_t kAllBits = ~std::uint64_t{0};

ArgumentCondition whole(unsigned argument, std::int64_t value) {
  return {argument, kIntBits, static_cast<std::uint64_t>(value) & kIntBits};
}

// No bits but these.
ArgumentCondition within(unsigned argument, std::uint64_t bits, std::uint64_t must = 0) {
  return {argument, kAllBits & ~bits, must};
}

}  // namespace

std::vector<AllowedCall> allowed_calls(int bell, pid_t process, pid_t thread) {
  constexpr std::uint64_t kReadWrite = PROT_READ | PROT_WRITE;
  constexpr std::uint64_t kOwnMemory = MAP_PRIVATE | MAP_ANONYMOUS;
  return {
      // Between messages.
      {"futex", SYS_futex, {whole(1, FUTEX_WAIT_BITSET)}, "`FUTEX_WAIT_BITSET`", "sleeps until there is a message"},
      {"write", SYS_write, {whole(0, bell)}, "to the bell", "wakes the coordinator"},
      {"getppid", SYS_getppid, {}, "", "asks whether the coordinator is still there"},
      {"restart_syscall",
       SYS_restart_syscall,
       {},
       "",
       "the kernel goes on with a sleep after the job was stopped and continued"},
      {"exit_group", SYS_exit_group, {}, "", "ends, when it is wanted no more"},
      // Memory: the heap, and nothing that could be executed or shared.
      {"brk", SYS_brk, {}, "", "the heap"},
      {"mmap",
       SYS_mmap,
       {within(2, kReadWrite), within(3, MAP_NORESERVE, kOwnMemory)},
       "private, anonymous, not executable, no fixed place",
       "large blocks, and a heap beside the heap when that is full"},
      {"munmap", SYS_munmap, {}, "", "large blocks"},
      {"mremap", SYS_mremap, {within(3, 0, MREMAP_MAYMOVE)}, "`MREMAP_MAYMOVE`", "a large block that grows"},
      {"mprotect", SYS_mprotect, {within(2, kReadWrite)}, "not executable", "a heap beside the heap"},
      {"madvise", SYS_madvise, {whole(2, MADV_DONTNEED)}, "`MADV_DONTNEED`", "gives memory back when idle"},
      {"madvise",
       SYS_madvise,
       {whole(2, MADV_HUGEPAGE)},
       "`MADV_HUGEPAGE`",
       "the heap, where the environment asks glibc for huge pages"},
      // What libraries do.
      {"futex",
       SYS_futex,
       {whole(1, FUTEX_WAKE_PRIVATE)},
       "`FUTEX_WAKE_PRIVATE`",
       "what is made once by the first call (`std::call_once`)"},
      {"clock_gettime",
       SYS_clock_gettime,
       {whole(0, CLOCK_MONOTONIC)},
       "`CLOCK_MONOTONIC`",
       "measures; only where the machine's clock cannot be read without a call"},
      {"clock_gettime", SYS_clock_gettime, {whole(0, CLOCK_REALTIME)}, "`CLOCK_REALTIME`", "the same"},
      // Dying by abort(), so that a crash is told as what it is.
      {"getpid", SYS_getpid, {}, "", "says who it is; `abort()`"},
      {"gettid", SYS_gettid, {}, "", "`abort()`"},
      {"rt_sigprocmask", SYS_rt_sigprocmask, {whole(0, SIG_UNBLOCK)}, "`SIG_UNBLOCK`", "`abort()`"},
      {"tgkill",
       SYS_tgkill,
       {whole(0, process), whole(1, thread), whole(2, SIGABRT)},
       "`SIGABRT` to itself",
       "`abort()`"},
      {"write",
       SYS_write,
       {whole(0, STDERR_FILENO)},
       "to standard error, which is closed",
       "last words before `abort()`"},
      {"writev",
       SYS_writev,
       {whole(0, STDERR_FILENO)},
       "to standard error, which is closed",
       "last words before `abort()`"},
  };
}

}  // namespace pixmill::ipc
