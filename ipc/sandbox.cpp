#include "ipc/sandbox.hpp"

#include "ipc/child_process.hpp"
#include "ipc/sandbox_calls.hpp"
#include "ipc/unique_fd.hpp"
#include "ipc/wait.hpp"

#include <pixmill/error.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <seccomp.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <memory>
#include <new>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace pixmill::ipc {
namespace {

using Step = SandboxTrouble::Step;
using Trouble = std::optional<SandboxTrouble>;

std::optional<int> number_in(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  int value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  return read.ec == std::errc() ? std::optional(value) : std::nullopt;
}

// --- Setting up ------------------------------------------------------------------------------------------------------

bool close_between(unsigned first, unsigned last) {
  if (first > last || ::syscall(SYS_close_range, first, last, 0) == 0) return true;
  // Before Linux 5.9. The limit may be a thousand million, or less than was once open.
  std::vector<unsigned> open;
  {
    const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir("/proc/self/fd"), ::closedir);
    if (!folder) return false;
    while (const dirent* entry = ::readdir(folder.get())) {
      if (const auto fd = number_in(entry->d_name)) open.push_back(static_cast<unsigned>(*fd));
    }
  }
  for (const unsigned fd : open) {
    if (fd >= first && fd <= last) ::close(static_cast<int>(fd));
  }
  return true;
}

Trouble keep_only(int bell) {
  if (::fcntl(bell, F_GETFD) < 0) return SandboxTrouble{Step::descriptors, errno};
  const auto kept = static_cast<unsigned>(bell);
  const bool closed = (kept == 0 || close_between(0, kept - 1)) && close_between(kept + 1, ~0U);
  return closed ? std::nullopt : Trouble({Step::descriptors, errno});
}

// Soft limits become hard ones: nobody raises them again. NOFILE stays: there is no call left that opens anything.
Trouble freeze_limits() {
  rlimit data{};
  if (::getrlimit(RLIMIT_DATA, &data) != 0) return SandboxTrouble{Step::limits, errno};
  data.rlim_max = data.rlim_cur;
  const rlimit none{0, 0};
  if (::setrlimit(RLIMIT_DATA, &data) != 0 || ::setrlimit(RLIMIT_FSIZE, &none) != 0 ||
      ::setrlimit(RLIMIT_CORE, &none) != 0) {
    return SandboxTrouble{Step::limits, errno};
  }
  return std::nullopt;
}

// Under READ_IMPLIES_EXEC what is mapped to be read could be executed, whatever the filter says.
Trouble expect_plain_personality() {
  constexpr unsigned long kAsk = 0xFFFFFFFF;
  const int now = ::personality(kAsk);
  if (now < 0 || (now & READ_IMPLIES_EXEC) == 0) return std::nullopt;
  const auto without = static_cast<unsigned long>(now) & ~static_cast<unsigned long>(READ_IMPLIES_EXEC);
  return ::personality(without) < 0 ? Trouble({Step::personality, errno}) : std::nullopt;
}

// The kernel's numbers: Debian 12's headers know the first of them only.
namespace landlock {

constexpr long kCreateRuleset = 444;
constexpr long kRestrictSelf = 446;
constexpr std::uint32_t kAskVersion = 1;

struct Ruleset {
  std::uint64_t files;
  std::uint64_t network;
  std::uint64_t scoped;
};

int abi() {
  const long version = ::syscall(kCreateRuleset, nullptr, 0, kAskVersion);
  return version > 0 ? static_cast<int>(version) : 0;
}

// Each version of the interface made the structure longer, or knows more bits of it.
std::pair<Ruleset, std::size_t> everything(int version) {
  const int file_rights = version >= 5 ? 16 : version >= 3 ? 15 : version >= 2 ? 14 : 13;
  Ruleset ruleset{(std::uint64_t{1} << file_rights) - 1, 0, 0};
  if (version >= 4) ruleset.network = 3;  // bind, connect
  if (version >= 6) ruleset.scoped = 3;   // abstract sockets, signals
  const std::size_t words = version >= 6 ? 3 : version >= 4 ? 2 : 1;
  return {ruleset, words * sizeof(std::uint64_t)};
}

// A second wall behind the filter. A kernel without it is no trouble; one that has it and does not give it is.
Trouble restrict_all() {
  const int version = abi();
  if (version == 0) return std::nullopt;
  const auto [ruleset, size] = everything(version);
  const UniqueFd fd(static_cast<int>(::syscall(kCreateRuleset, &ruleset, size, 0)));
  if (!fd || ::syscall(kRestrictSelf, fd.get(), 0) != 0) return SandboxTrouble{Step::landlock, errno};
  return std::nullopt;
}

}  // namespace landlock

struct ReleaseFilter {
  void operator()(void* filter) const { ::seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, ReleaseFilter>;

// The state of a new filter, 0 or a negative errno.
int configure(scmp_filter_ctx filter) {
  // Calls by another interface of the processor (int 0x80, x32) end the process as well.
  int result = ::seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  if (result == 0) result = ::seccomp_attr_set(filter, SCMP_FLTATR_API_SYSRAWRC, 1);
  // Older kernels slow filtered processes down against speculation within them: there is nothing to be had in a worker
  // that it does not hold already. Where it cannot be asked for, it is slower.
  if (result == 0) static_cast<void>(::seccomp_attr_set(filter, SCMP_FLTATR_CTL_SSB, 1));
  return result;
}

int allow(scmp_filter_ctx filter, const AllowedCall& call) {
  std::array<scmp_arg_cmp, 6> conditions{};
  for (std::size_t i = 0; i < call.when.size(); ++i) {
    const ArgumentCondition& condition = call.when[i];
    conditions.at(i) = {condition.argument, SCMP_CMP_MASKED_EQ, condition.mask, condition.value};
  }
  return ::seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call.number, static_cast<unsigned>(call.when.size()),
                                  conditions.data());
}

Trouble filter_calls(int bell, std::span<const int> also) {
  const Filter filter(::seccomp_init(SCMP_ACT_KILL_PROCESS));
  if (!filter) return SandboxTrouble{Step::filter, ENOMEM};
  int result = configure(filter.get());
  const auto thread = static_cast<pid_t>(::syscall(SYS_gettid));
  for (const AllowedCall& call : allowed_calls(bell, ::getpid(), thread)) {
    if (result == 0) result = allow(filter.get(), call);
  }
  for (const int number : also) {
    if (result == 0) result = ::seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, number, 0);
  }
  if (result == 0) result = ::seccomp_load(filter.get());
  return result == 0 ? std::nullopt : Trouble({Step::filter, -result});
}

// --- Looking from outside --------------------------------------------------------------------------------------------

// What /proc says of a process, as far as it says it.
struct LockState {
  bool known = false;
  int error = 0;  // errno, where it could not be opened
  std::optional<int> threads;
  std::optional<int> no_new_privs;
  std::optional<int> mode;
  std::optional<int> filters;
};

LockState lock_state(const std::string& path) {
  LockState state;
  std::ifstream file(path);
  if (!file) state.error = errno;
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = std::min(line.find(':'), line.size());
    const std::string_view name = std::string_view(line).substr(0, colon);
    const std::string_view value = std::string_view(line).substr(std::min(colon + 1, line.size()));
    state.known = true;
    if (name == "Threads") state.threads = number_in(value);
    if (name == "NoNewPrivs") state.no_new_privs = number_in(value);
    if (name == "Seccomp") state.mode = number_in(value);
    if (name == "Seccomp_filters") state.filters = number_in(value);
  }
  return state;
}

}  // namespace

std::string call_name(int number) {
  // Negative numbers are libseccomp's own, of calls that this machine has not.
  if (number < 0) return {};
  char* name = ::seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);
  if (name == nullptr) return {};
  std::string text(name);
  std::free(name);
  return text;
}

std::string describe(const SandboxTrouble& trouble) {
  const std::string why = std::generic_category().message(trouble.error);
  switch (trouble.step) {
    case Step::descriptors:
      return "close_range: " + why;
    case Step::limits:
      return "setrlimit: " + why;
    case Step::personality:
      return "personality: " + why;
    case Step::no_new_privs:
      return "prctl(PR_SET_NO_NEW_PRIVS): " + why;
    case Step::landlock:
      return "Landlock: " + why;
    case Step::filter:
      break;
  }
  return "seccomp: " + why + "; the kernel, or the container that this runs in, takes no filter of system calls";
}

std::string describe_sandbox_trouble(const std::array<std::uint64_t, 2>& step_and_error) {
  return describe(SandboxTrouble{static_cast<Step>(step_and_error[0]), static_cast<int>(step_and_error[1])});
}

void prepare_lock_in() {
  // qsort() asks once how much memory there is.
  std::vector<std::uint64_t> numbers(512);
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = numbers.size() - i;
  std::qsort(numbers.data(), numbers.size(), sizeof numbers[0], [](const void* a, const void* b) {
    const auto left = *static_cast<const std::uint64_t*>(a);
    const auto right = *static_cast<const std::uint64_t*>(b);
    return left < right ? -1 : static_cast<int>(left > right);
  });
  // A heap that is full asks once how many processors there are, for as many heaps more; one thread needs none.
  ::mallopt(M_ARENA_MAX, 1);
  // libseccomp tries once what the kernel can do.
  static_cast<void>(::seccomp_api_get());
}

Trouble lock_in(int bell, std::span<const int> also) noexcept {
  try {
    if (Trouble trouble = keep_only(bell)) return trouble;
    if (Trouble trouble = freeze_limits()) return trouble;
    if (Trouble trouble = expect_plain_personality()) return trouble;
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return SandboxTrouble{Step::no_new_privs, errno};
    if (Trouble trouble = landlock::restrict_all()) return trouble;
    return filter_calls(bell, also);
  } catch (const std::bad_alloc&) {
    return SandboxTrouble{Step::filter, ENOMEM};
  }
}

std::string missing_lock(pid_t process) {
  const LockState theirs = lock_state("/proc/" + std::to_string(process) + "/status");
  const LockState ours = lock_state("/proc/thread-self/status");
  if (!theirs.known || !ours.known) {
    const int error = theirs.known ? ours.error : theirs.error;
    if (error == EMFILE || error == ENFILE)
      return "no descriptor is left to look; raise the limit of open files (ulimit -n)";
    return "/proc does not tell: it is not mounted, or not of this machine";
  }
  if (!theirs.mode) return "the kernel was built without seccomp";
  if (theirs.no_new_privs != 1) return "no_new_privs is not set";
  if (theirs.threads != 1) return "it has threads, each of which would have to be locked in";
  constexpr int kFilter = 2;
  constexpr int kDead = 3;  // SECCOMP_MODE_DEAD of the kernel, since Linux 5.16
  if (theirs.mode == kDead) return "its filter ended it: it made a system call that workers may not make";
  if (theirs.mode != kFilter) return "no filter of system calls is in force";
  // Before Linux 5.9 filters are not counted: one that was there before ours tells nothing.
  const bool counted = theirs.filters && ours.filters;
  if (counted ? *theirs.filters <= *ours.filters : ours.mode == kFilter) {
    return "the only filters of system calls in force are older than this program";
  }
  return {};
}

SandboxTrial try_sandbox() {
  SandboxTrial trial;
  trial.landlock_abi = landlock::abi();
  if (!kSandboxInThisBuild) {
    trial.missing = "this build has a sanitizer, which calls the kernel as it pleases";
    return trial;
  }
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    trial.missing = "pipe2: " + std::generic_category().message(errno);
    return trial;
  }
  const UniqueFd hear(ends[0]);
  UniqueFd tell(ends[1]);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) {
    trial.missing = "fork: " + std::generic_category().message(errno);
    return trial;
  }
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);
    const Trouble trouble = lock_in(tell.get());
    const SandboxTrouble said = trouble.value_or(SandboxTrouble{Step::filter, 0});
    if (::write(tell.get(), &said, sizeof said) != sizeof said) ::_exit(1);
    SleepWord word{1};
    for (;;) sleep_on(word, WaitLimits::Clock::time_point::max());
  }
  tell.reset();
  try {
    const ChildProcess child = ChildProcess::adopt(pid);
    SandboxTrouble said;
    constexpr int kPatienceMs = 10000;
    pollfd answer{hear.get(), POLLIN, 0};
    while (::poll(&answer, 1, kPatienceMs) < 0 && errno == EINTR) {
    }
    if ((answer.revents & POLLIN) == 0 || ::read(hear.get(), &said, sizeof said) != sizeof said) {
      trial.missing = "a process that locks itself in dies of it";
    } else {
      trial.missing = said.error != 0 ? describe(said) : missing_lock(pid);
    }
  } catch (const Error& error) {
    trial.missing = error.what();
  }
  return trial;
}

}  // namespace pixmill::ipc
