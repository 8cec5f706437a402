// Runs a program and makes system calls of it fail, wherever they come from: the program, its libraries, the C library,
// any of its threads and of the processes that it makes. x86-64.
//
//   fail_call REPORT --count -- PROGRAM ARGUMENT...                  counts the calls below by name
//   fail_call REPORT CALL HOW FIRST LAST -- PROGRAM ARGUMENT...      CALL fails from its FIRST to its LAST time
//
// HOW is a number of errno, or `short`: of what read or write was asked for, half is done. Calls are numbered from 1
// over the whole tree of processes, from the program's entry point: what the loader does before is not counted.
//
// The report is one JSON object: "exit" or "signal" of the program, "counts", "failed" (how many calls), "first" (what
// the first of them was), "left" (what still ran some seconds after the program had ended, and was killed), "hung" (the
// same, of a program that did not end in time).
//
// A seccomp filter hands the calls in question to this tracer and lets all others run at full speed. The kernel drops a
// call that a tracer has taken back before it asks the filters again, so that also what is locked in can be failed.

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr int kProgramLimitS = 120;
constexpr int kRestLimitS = 20;

struct Call {
  std::string_view name;
  long number;
  int path_argument = -1;  // which argument is the name of a file
};

// Two names for one number: told apart by is_meant().
constexpr Call kCalls[] = {
    {"memfd_create", SYS_memfd_create, 0},
    {"ftruncate", SYS_ftruncate},
    {"fallocate", SYS_fallocate},
    {"mmap", SYS_mmap},
    {"mremap", SYS_mremap},
    {"mprotect", SYS_mprotect},
    {"munmap", SYS_munmap},
    {"madvise", SYS_madvise},
    {"brk", SYS_brk},
    {"clone3", SYS_clone3},
    {"clone", SYS_clone},
    {"futex_wait", SYS_futex},
    {"futex_wake_shared", SYS_futex},
    {"eventfd2", SYS_eventfd2},
    {"epoll_create1", SYS_epoll_create1},
    {"epoll_ctl", SYS_epoll_ctl},
    {"epoll_wait", SYS_epoll_wait},
    {"poll", SYS_poll},
    {"open", SYS_open, 0},
    {"openat", SYS_openat, 1},
    {"read", SYS_read},
    {"pread64", SYS_pread64},
    {"write", SYS_write},
    {"pwrite64", SYS_pwrite64},
    {"writev", SYS_writev},
    {"close", SYS_close},
    {"close_range", SYS_close_range},
    {"rename", SYS_rename, 0},
    {"unlink", SYS_unlink, 0},
    {"mkdir", SYS_mkdir, 0},
    {"fstat", SYS_fstat},
    {"stat", SYS_stat, 0},
    {"lstat", SYS_lstat, 0},
    {"newfstatat", SYS_newfstatat, 1},
    {"access", SYS_access, 0},
    {"readlink", SYS_readlink, 0},
    {"getdents64", SYS_getdents64},
    {"lseek", SYS_lseek},
    {"getcwd", SYS_getcwd},
    {"fsync", SYS_fsync},
    {"flock", SYS_flock},
    {"fcntl", SYS_fcntl},
    {"dup2", SYS_dup2},
    {"dup3", SYS_dup3},
    {"pipe2", SYS_pipe2},
    {"socketpair", SYS_socketpair},
    {"sendmsg", SYS_sendmsg},
    {"recvmsg", SYS_recvmsg},
    {"pidfd_open", SYS_pidfd_open},
    {"pidfd_send_signal", SYS_pidfd_send_signal},
    {"kill", SYS_kill},
    {"waitid", SYS_waitid},
    {"wait4", SYS_wait4},
    {"signalfd4", SYS_signalfd4},
    {"rt_sigaction", SYS_rt_sigaction},
    {"rt_sigprocmask", SYS_rt_sigprocmask},
    {"prctl", SYS_prctl},
    {"prlimit64", SYS_prlimit64},
    {"seccomp", SYS_seccomp},
    {"setpgid", SYS_setpgid},
    {"sched_getaffinity", SYS_sched_getaffinity},
    {"sched_setaffinity", SYS_sched_setaffinity},
    {"sysinfo", SYS_sysinfo},
    {"ioctl", SYS_ioctl},
    {"clock_nanosleep", SYS_clock_nanosleep},
    {"landlock_create_ruleset", SYS_landlock_create_ruleset},
    {"landlock_restrict_self", SYS_landlock_restrict_self},
};

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "fail_call: %s: %s\n", what, std::strerror(errno));
  std::exit(125);
}

struct Order {
  bool count = true;
  std::string_view call;
  bool make_short = false;
  int error = 0;
  long first = 0;
  long last = 0;
};

std::vector<const Call*> calls_of(const Order& order) {
  std::vector<const Call*> calls;
  for (const Call& call : kCalls) {
    if (order.count || call.name == order.call) calls.push_back(&call);
  }
  return calls;
}

void hand_over(const std::vector<const Call*>& calls) {
  std::set<std::uint32_t> numbers;
  for (const Call* call : calls) numbers.insert(static_cast<std::uint32_t>(call->number));
  std::vector<sock_filter> program = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
  };
  for (const std::uint32_t number : numbers) {
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1));
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE));
  }
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail("prctl(PR_SET_NO_NEW_PRIVS)");
  if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) fail("prctl(PR_SET_SECCOMP)");
}

std::string comm_of(pid_t pid) {
  std::string name;
  std::getline(std::ifstream("/proc/" + std::to_string(pid) + "/comm"), name);
  return name;
}

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += static_cast<unsigned char>(c) < ' ' ? '?' : c;
  }
  return result + '"';
}

volatile std::sig_atomic_t too_late = 0;
void on_alarm(int /*signal*/) { too_late = 1; }

// Every other second again, in case that the first comes just before the call that it is to interrupt.
void alarm_in(int seconds) {
  const itimerval timer{{2, 0}, {seconds, 0}};
  ::setitimer(ITIMER_REAL, &timer, nullptr);
}

class Tracer {
 public:
  Tracer(const Order& order, pid_t program) : order_(order), calls_(calls_of(order)), program_(program) {}

  // Until no process is left.
  void run() {
    alarm_in(kProgramLimitS);
    for (;;) {
      int status = 0;
      const pid_t pid = ::waitpid(-1, &status, __WALL);
      if (pid < 0 && errno == ECHILD) return;
      if (pid < 0 && errno != EINTR) fail("waitpid");
      if (too_late != 0) return end_the_rest();
      if (pid < 0) continue;
      if (WIFSTOPPED(status)) {
        stopped(pid, status);
      } else {
        gone(pid, status);
      }
    }
  }

  /// Whether there was a program to trace.
  [[nodiscard]] bool began() const { return began_; }

  void report(const char* path) const {
    std::ofstream out(path);
    out << "{" << (WIFSIGNALED(status_) ? "\"signal\":" : "\"exit\":")
        << (WIFSIGNALED(status_) ? WTERMSIG(status_) : WEXITSTATUS(status_)) << ",\"failed\":" << failed_
        << ",\"first\":" << quoted(first_) << ",\"counts\":{";
    const char* separator = "";
    for (const auto& [name, count] : counts_) {
      out << separator << quoted(std::string(name)) << ":" << count;
      separator = ",";
    }
    out << "},\"" << (ended_ ? "left" : "hung") << "\":[";
    separator = "";
    for (const std::string& one : left_) {
      out << separator << quoted(one);
      separator = ",";
    }
    out << "]}\n";
  }

 private:
  struct Return {
    unsigned long long rdi = 0;
    unsigned long long rdx = 0;
    std::optional<unsigned long long> result;
  };

  void gone(pid_t pid, int status) {
    alive_.erase(pid);
    returns_.erase(pid);
    if (pid != program_) return;
    ended_ = true;
    status_ = status;
    alarm_in(kRestLimitS);
  }

  // This process' end is theirs (PTRACE_O_EXITKILL).
  void end_the_rest() {
    for (const pid_t pid : alive_) {
      std::string where;
      std::getline(std::ifstream("/proc/" + std::to_string(pid) + "/syscall"), where);
      left_.push_back(comm_of(pid) + " in " + where);
    }
  }

  static void go_on(pid_t pid, int signal = 0) {
    ::ptrace(PTRACE_CONT, pid, nullptr, static_cast<std::uintptr_t>(signal));
  }

  void stopped(pid_t pid, int status) {
    alive_.insert(pid);
    const int signal = WSTOPSIG(status);
    switch (status >> 16) {
      case PTRACE_EVENT_SECCOMP:
        return asks(pid);
      case PTRACE_EVENT_EXEC:
        began_ = true;
        break_at_entry(pid);
        return go_on(pid);
      case PTRACE_EVENT_STOP:
        if (signal == SIGTRAP) return go_on(pid);
        ::ptrace(PTRACE_LISTEN, pid, nullptr, nullptr);
        return;
      case 0:
        break;
      default:
        return go_on(pid);
    }
    if (signal == (SIGTRAP | 0x80)) return has_returned(pid);
    if (signal == SIGTRAP && pid == program_ && at_entry(pid)) return go_on(pid);
    go_on(pid, signal);
  }

  void break_at_entry(pid_t pid) {
    std::ifstream vector("/proc/" + std::to_string(pid) + "/auxv", std::ios::binary);
    for (std::uint64_t pair[2]; vector.read(reinterpret_cast<char*>(pair), sizeof pair);) {
      if (pair[0] == AT_ENTRY) entry_ = pair[1];
    }
    errno = 0;
    code_ = ::ptrace(PTRACE_PEEKTEXT, pid, entry_, nullptr);
    if (entry_ == 0 || errno != 0) fail("the program's entry point");
    constexpr long kBreakpoint = 0xCC;
    ::ptrace(PTRACE_POKETEXT, pid, entry_, (code_ & ~0xFFL) | kBreakpoint);
  }

  bool at_entry(pid_t pid) {
    user_regs_struct registers{};
    ::ptrace(PTRACE_GETREGS, pid, nullptr, &registers);
    if (counting_ || registers.rip != entry_ + 1) return false;
    ::ptrace(PTRACE_POKETEXT, pid, entry_, code_);
    registers.rip = entry_;
    ::ptrace(PTRACE_SETREGS, pid, nullptr, &registers);
    counting_ = true;
    return true;
  }

  static bool is_meant(const Call& call, const user_regs_struct& registers) {
    if (static_cast<long>(registers.orig_rax) != call.number) return false;
    if (call.number != SYS_futex) return true;
    const auto command = registers.rsi & FUTEX_CMD_MASK;
    const bool is_shared = (registers.rsi & FUTEX_PRIVATE_FLAG) == 0;
    if (call.name == "futex_wake_shared") return command == FUTEX_WAKE && is_shared;
    return command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET;
  }

  // Half of what is asked for is no answer of an eventfd, a signalfd or a socket of packets.
  static bool can_be_short(pid_t pid, const user_regs_struct& registers) {
    struct stat status {};
    const std::string file = "/proc/" + std::to_string(pid) + "/fd/" + std::to_string(registers.rdi);
    if (::stat(file.c_str(), &status) != 0) return false;
    return S_ISREG(status.st_mode) || S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode);
  }

  void asks(pid_t pid) {
    user_regs_struct registers{};
    if (!counting_ || ::ptrace(PTRACE_GETREGS, pid, nullptr, &registers) != 0) return go_on(pid);
    for (const Call* call : calls_) {
      if (!is_meant(*call, registers)) continue;
      if (order_.make_short && !can_be_short(pid, registers)) continue;
      const long nth = ++counts_[call->name];
      if (!order_.count && nth >= order_.first && nth <= order_.last) return spoil(pid, *call, registers);
    }
    go_on(pid);
  }

  void spoil(pid_t pid, const Call& call, user_regs_struct& registers) {
    if (failed_++ == 0) first_ = described(pid, call, registers);
    const auto error = static_cast<unsigned long long>(-static_cast<long>(order_.error));
    Return at_return{registers.rdi, registers.rdx, std::nullopt};
    const bool is_run = order_.make_short || call.number == SYS_brk || call.number == SYS_close;
    if (order_.make_short) {
      registers.rdx = registers.rdx > 1 ? registers.rdx / 2 : registers.rdx;
    } else if (call.number == SYS_brk) {
      registers.rdi = 0;  // the kernel's own way to say no: the break stays
    } else if (call.number == SYS_close) {
      at_return.result = error;  // the descriptor is gone, whatever close() says
    } else {
      registers.orig_rax = ~0ULL;
      registers.rax = error;
    }
    ::ptrace(PTRACE_SETREGS, pid, nullptr, &registers);
    if (!is_run) return go_on(pid);
    returns_[pid] = at_return;
    ::ptrace(PTRACE_SYSCALL, pid, nullptr, nullptr);
  }

  // The registers of arguments are as they were: compilers rely on it.
  void has_returned(pid_t pid) {
    user_regs_struct registers{};
    if (const auto found = returns_.find(pid); found != returns_.end()) {
      if (::ptrace(PTRACE_GETREGS, pid, nullptr, &registers) == 0) {
        registers.rdi = found->second.rdi;
        registers.rdx = found->second.rdx;
        registers.rax = found->second.result.value_or(registers.rax);
        ::ptrace(PTRACE_SETREGS, pid, nullptr, &registers);
      }
      returns_.erase(found);
    }
    go_on(pid);
  }

  static std::string described(pid_t pid, const Call& call, const user_regs_struct& registers) {
    const unsigned long long arguments[] = {registers.rdi, registers.rsi, registers.rdx, registers.r10};
    std::string text = comm_of(pid) + ": " + std::string(call.name) + "(";
    for (int i = 0; i < 4; ++i) {
      char path[256] = {};
      iovec here{path, sizeof path - 1};
      iovec there{reinterpret_cast<void*>(arguments[i]), sizeof path - 1};
      if (i == call.path_argument && ::process_vm_readv(pid, &here, 1, &there, 1, 0) > 0) {
        text += path;
      } else {
        std::snprintf(path, sizeof path, "%#llx", arguments[i]);
        text += path;
      }
      text += i < 3 ? ", " : ")";
    }
    return text;
  }

  Order order_;
  std::vector<const Call*> calls_;
  pid_t program_;
  std::set<pid_t> alive_;
  std::map<pid_t, Return> returns_;
  std::map<std::string_view, long> counts_;
  unsigned long long entry_ = 0;
  long code_ = 0;
  bool counting_ = false;
  bool ended_ = false;
  int status_ = 0;
  bool began_ = false;
  long failed_ = 0;
  std::string first_;
  std::vector<std::string> left_;
};

pid_t start(const Order& order, char** program) {
  int gate[2];
  if (::pipe2(gate, O_CLOEXEC) != 0) fail("pipe2");
  const pid_t pid = ::fork();
  if (pid < 0) fail("fork");
  if (pid == 0) {
    char go = 0;
    if (::read(gate[0], &go, 1) != 1) _exit(125);
    hand_over(calls_of(order));
    ::execv(program[0], program);
    fail(program[0]);
  }
  constexpr long kOptions = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
                            PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD;
  if (::ptrace(PTRACE_SEIZE, pid, nullptr, kOptions) != 0) {
    const int error = errno;
    ::kill(pid, SIGKILL);
    errno = error;
    fail("ptrace(PTRACE_SEIZE)");
  }
  if (::write(gate[1], "x", 1) != 1) fail("write");
  ::close(gate[0]);
  ::close(gate[1]);
  return pid;
}

Order order_of(char** words) {
  Order order;
  if (std::string_view(words[2]) == "--count") return order;
  order.count = false;
  order.call = words[2];
  order.make_short = std::string_view(words[3]) == "short";
  order.error = std::atoi(words[3]);
  order.first = std::atol(words[4]);
  order.last = std::atol(words[5]);
  if (calls_of(order).empty()) {
    std::fprintf(stderr, "fail_call: no call is named %s here\n", words[2]);
    std::exit(125);
  }
  return order;
}

}  // namespace

int main(int count, char** words) {
  int program = 1;
  while (program < count && std::strcmp(words[program], "--") != 0) ++program;
  if ((program != 3 && program != 6) || program + 1 >= count) {
    std::fprintf(stderr, "usage: fail_call REPORT (--count | CALL HOW FIRST LAST) -- PROGRAM ARGUMENT...\n");
    return 125;
  }
  const Order order = order_of(words);
  struct sigaction alarm {};
  alarm.sa_handler = on_alarm;
  ::sigaction(SIGALRM, &alarm, nullptr);
  Tracer tracer(order, start(order, words + program + 1));
  tracer.run();
  if (!tracer.began()) return 125;  // it has said why
  tracer.report(words[1]);
  return 0;
}
