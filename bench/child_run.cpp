#include "bench/child_run.hpp"

#include "bench/process_memory.hpp"
#include "ipc/child_process.hpp"
#include "ipc/unique_fd.hpp"

#include <pixmill/batch.hpp>
#include <pixmill/error.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <type_traits>

namespace pixmill::bench {
namespace {

/// What a child says at its end; small enough to go through a pipe in one piece.
struct Message {
  RunFigures figures;
  enum class Ending : std::uint8_t { well, usage, machine } ending = Ending::well;
  std::array<char, 1024> reason{};
};
static_assert(std::is_trivially_copyable_v<Message> && sizeof(Message) <= 4096);

[[noreturn]] void throw_errno(const char* call) {
  throw Error(ErrorCode::machine, std::string(call) + ": " + std::generic_category().message(errno));
}

double cpu_seconds(const rusage& usage) {
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// Adds what was used so far, times `sign`.
void add_usage(RunFigures& figures, int sign) {
  for (const auto who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage usage{};
    if (::getrusage(who, &usage) != 0) throw_errno("getrusage");
    figures.cpu_seconds += sign * cpu_seconds(usage);
    figures.voluntary_switches += sign * usage.ru_nvcsw;
    figures.involuntary_switches += sign * usage.ru_nivcsw;
    figures.minor_faults += sign * usage.ru_minflt;
  }
}

void set_reason(Message& message, Message::Ending ending, const char* reason) {
  message.ending = ending;
  std::snprintf(message.reason.data(), message.reason.size(), "%s", reason);
}

Message outcome_of(const std::function<RunFigures()>& body) {
  Message message;
  try {
    message.figures = body();
  } catch (const Error& error) {
    set_reason(message, error.code() == ErrorCode::usage ? Message::Ending::usage : Message::Ending::machine,
               error.what());
  } catch (const std::exception& error) {
    set_reason(message, Message::Ending::machine, error.what());
  } catch (...) {
    set_reason(message, Message::Ending::machine, "something unknown was thrown");
  }
  return message;
}

std::atomic<pid_t> stopped_as_well{0};

// Workers and other programs are in groups of their own, of which the terminal stops none.
[[noreturn]] void heed_stops(const sigset_t& stop) {
  for (;;) {
    if (::sigwaitinfo(&stop, nullptr) < 0) continue;
    const pid_t group = stopped_as_well;
    pause_workers();
    if (group > 0) ::kill(-group, SIGSTOP);
    sigset_t pending;
    sigpending(&pending);
    // A signal to stop takes away one to go on that was there before it: this one came after it, and is the last word.
    if (sigismember(&pending, SIGCONT) != 1) {
      ::raise(SIGTSTP);
      ::pthread_sigmask(SIG_UNBLOCK, &stop, nullptr);  // here it stands
      ::pthread_sigmask(SIG_BLOCK, &stop, nullptr);
    }
    if (group > 0) ::kill(-group, SIGCONT);
    resume_workers();
  }
}

/// Outlives whichever of the two threads is done with it first.
class Begun {
 public:
  void tell() {
    const std::lock_guard lock(mutex_);
    told_ = true;
    changed_.notify_one();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return told_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool told_ = false;
};

// The thread is at rest before anything is forked: a lock that it held would be inherited.
void watch_for_stops() {
  static sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTSTP);
  sigset_t blocked = stop;
  sigaddset(&blocked, SIGCONT);  // it goes on all the same, and heed_stops() finds that it was told to
  ::pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
  const auto begun = std::make_shared<Begun>();
  std::thread([begun] {
    begun->tell();
    heed_stops(stop);
  }).detach();
  begun->wait();
}

[[noreturn]] void be_child(pid_t parent, int out, const std::function<RunFigures()>& body) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  const Message message = outcome_of([&body] {
    watch_for_stops();
    return body();
  });
  const bool written = ::write(out, &message, sizeof message) == static_cast<ssize_t>(sizeof message);
  ::_exit(written ? 0 : 1);
}

/// Reads what the child says until it has said all or is gone; false if `over` came first.
bool listen(int in, Message& message, std::size_t& size, const std::function<void()>& look, int look_ms,
            const std::function<bool()>& over) {
  auto* bytes = reinterpret_cast<char*>(&message);
  while (size < sizeof message) {
    if (over()) return false;
    pollfd watched{in, POLLIN, 0};
    if (::poll(&watched, 1, look_ms) == 0 || watched.revents == 0) {
      look();
      continue;
    }
    const ssize_t some = ::read(in, bytes + size, sizeof message - size);
    if (some < 0 && errno == EINTR) continue;
    if (some <= 0) break;
    size += static_cast<std::size_t>(some);
  }
  return true;
}

}  // namespace

void stop_with_this_process(int group) { stopped_as_well = group; }

void measure(RunFigures& figures, const std::function<void()>& work) {
  add_usage(figures, -1);
  const auto begin = std::chrono::steady_clock::now();
  work();
  figures.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  add_usage(figures, 1);
}

std::optional<ChildRun> run_in_child(const std::function<RunFigures()>& body, bool watch_memory,
                                     const std::stop_token& stop, std::chrono::milliseconds limit) {
  constexpr int kLookMs = 10;
  constexpr int kIdleMs = 100;  // how soon a stop is seen
  constexpr int kEndMs = 60000;
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw_errno("pipe2");
  const ipc::UniqueFd in(ends[0]);
  ipc::UniqueFd out(ends[1]);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) throw_errno("fork");
  if (pid == 0) be_child(parent, out.get(), body);
  ipc::ChildProcess child = ipc::ChildProcess::adopt(pid);
  out.reset();

  Message message;
  std::size_t size = 0;
  TreeMemory memory(pid);
  const auto look = [&] {
    if (watch_memory) memory.look();
  };
  const auto begin = std::chrono::steady_clock::now();
  const auto over = [&] {
    return stop.stop_requested() || (limit.count() > 0 && std::chrono::steady_clock::now() - begin > limit);
  };
  look();  // it may be over before the next one
  if (!listen(in.get(), message, size, look, watch_memory ? kLookMs : kIdleMs, over)) return std::nullopt;
  const auto end = child.reap(kEndMs);
  if (size < sizeof message || !end) throw ChildDied(end ? ipc::describe_event(*end) : "does not end");
  if (message.ending != Message::Ending::well) {
    throw Error(message.ending == Message::Ending::usage ? ErrorCode::usage : ErrorCode::machine,
                message.reason.data());
  }
  return ChildRun{message.figures, memory.peak()};
}

}  // namespace pixmill::bench
