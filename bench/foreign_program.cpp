#include "bench/foreign_program.hpp"

#include "bench/child_run.hpp"

#include <pixmill/error.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <new>
#include <string_view>
#include <system_error>

namespace pixmill::bench {
namespace {

[[noreturn]] void throw_errno(const char* call) {
  throw Error(ErrorCode::machine, std::string(call) + ": " + std::generic_category().message(errno));
}

/// What the process that waits for the program tells the one that asked for it.
struct Shared {
  std::atomic<pid_t> group{0};  // while it lives
  std::atomic<int> exit_code{0};
  std::array<char, 200> output{};
};
static_assert(std::atomic<pid_t>::is_always_lock_free);

class SharedPage {
 public:
  SharedPage() {
    void* at = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) throw_errno("mmap");
    shared_ = ::new (at) Shared();
  }
  ~SharedPage() { ::munmap(shared_, sizeof(Shared)); }
  SharedPage(const SharedPage&) = delete;
  SharedPage& operator=(const SharedPage&) = delete;
  Shared* operator->() const { return shared_; }

 private:
  Shared* shared_ = nullptr;
};

/// Words as execvpe() wants them; made before the fork, after which nothing is allocated.
std::vector<char*> pointers_to(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

/// Ours, with one thread a worker, as pixmill's have. Likewise.
std::vector<std::string> environment_of_programs() {
  constexpr std::array<std::string_view, 2> kOneThread = {"OMP_NUM_THREADS=", "MAGICK_THREAD_LIMIT="};
  std::vector<std::string> all;
  for (char** at = environ; at != nullptr && *at != nullptr; ++at) {
    const std::string_view entry(*at);
    const bool replaced = std::any_of(kOneThread.begin(), kOneThread.end(),
                                      [&](std::string_view name) { return entry.starts_with(name); });
    if (!replaced) all.emplace_back(entry);
  }
  for (const std::string_view name : kOneThread) all.push_back(std::string(name) + '1');
  return all;
}

/// What execvpe() takes.
struct Call {
  char** words;
  char** environment;
};

[[noreturn]] void become(const Call& call, int output, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  ::setpgid(0, 0);
  sigset_t none;
  sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
  const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(output >= 0 ? output : nothing, STDOUT_FILENO);
  ::dup2(nothing, STDERR_FILENO);
  ::execvpe(call.words[0], call.words, call.environment);
  ::_exit(127);
}

void keep_output(int from, Shared& shared) {
  std::size_t size = 0;
  std::array<char, 256> beyond{};
  for (;;) {
    const bool full = size + 1 >= shared.output.size();
    const ssize_t some = full ? ::read(from, beyond.data(), beyond.size())
                              : ::read(from, shared.output.data() + size, shared.output.size() - 1 - size);
    if (some < 0 && errno == EINTR) continue;
    if (some <= 0) return;
    if (!full) size += static_cast<std::size_t>(some);
  }
}

RunFigures wait_for(const Call& call, bool want_output, Shared& shared) {
  std::array<int, 2> ends{-1, -1};
  if (want_output && ::pipe2(ends.data(), O_CLOEXEC) != 0) throw_errno("pipe2");
  RunFigures figures;
  measure(figures, [&] {
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) throw_errno("fork");
    if (pid == 0) become(call, ends[1], parent);
    ::setpgid(pid, pid);
    shared.group = pid;
    stop_with_this_process(pid);
    if (want_output) {
      ::close(ends[1]);
      keep_output(ends[0], shared);
    }
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    stop_with_this_process(0);
    shared.group = 0;
    shared.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  });
  return figures;
}

}  // namespace

std::optional<ForeignRun> run_program(const std::vector<std::string>& words, bool want_output,
                                      const std::stop_token& stop, std::chrono::milliseconds limit) {
  std::vector<std::string> own = words;
  std::vector<char*> pointers = pointers_to(own);
  std::vector<std::string> environment = environment_of_programs();
  std::vector<char*> settings = pointers_to(environment);
  const Call call{pointers.data(), settings.data()};
  const SharedPage shared;
  const auto run = run_in_child([&] { return wait_for(call, want_output, *shared.operator->()); }, false, stop, limit);
  if (!run) {
    if (const pid_t group = shared->group; group > 0) ::kill(-group, SIGKILL);
    return std::nullopt;
  }
  return ForeignRun{shared->exit_code, run->figures.seconds, run->figures.cpu_seconds, shared->output.data()};
}

}  // namespace pixmill::bench
