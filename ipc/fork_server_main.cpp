#include "ipc/fork_server_main.hpp"

#include "ipc/fork_messages.hpp"
#include "ipc/sandbox.hpp"
#include "ipc/worker_main.hpp"

#include <fcntl.h>
#include <linux/sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <exception>
#include <span>
#include <string_view>
#include <utility>

namespace pixmill::ipc {
namespace {

[[noreturn]] void leave(WorkerExit code) { ::_exit(static_cast<int>(code)); }

void reset_signals() {
  struct sigaction usual {};
  usual.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) ::sigaction(number, &usual, nullptr);
  // Whoever asks everything named pixmill, or everything in its control group, to end (pkill, systemd) means the
  // coordinator, which ends its workers in its own way.
  struct sigaction ignored {};
  ignored.sa_handler = SIG_IGN;
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(number, &ignored, nullptr);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// Keeps no descriptor of the coordinator but the socket, which becomes number 3. Standard input, output and error lead
// nowhere: what a library prints there would get among the coordinator's words. Sanitizers print their findings there.
UniqueFd keep_only(UniqueFd socket) {
  constexpr int kSocket = kServerSocket;
  if (socket.get() != kSocket) {
    if (::dup3(socket.get(), kSocket, O_CLOEXEC) < 0) leave(WorkerExit::unable);
    socket.reset(kSocket);
  }
  if (::syscall(SYS_close_range, kSocket + 1, ~0U, 0) != 0) {
    constexpr rlim_t kHighest = 1 << 20;
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    const int end = static_cast<int>(std::min(limit.rlim_cur, kHighest));
    for (int fd = kSocket + 1; fd < end; ++fd) ::close(fd);
  }
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  constexpr int kSilenced = 2;
#else
  constexpr int kSilenced = 3;
#endif
  UniqueFd nowhere(::open("/dev/null", O_RDWR | O_CLOEXEC));
  for (int fd = 0; fd < kSilenced; ++fd) {
    if (nowhere) {
      ::dup2(nowhere.get(), fd);
    } else {
      ::close(fd);
    }
  }
  // Where the host had closed the first three, this is one of them.
  if (nowhere.get() < kSocket) static_cast<void>(nowhere.release());
  return socket;
}

void write_file(const char* path, const char* text) {
  const UniqueFd file(::open(path, O_WRONLY | O_CLOEXEC));
  if (file) static_cast<void>(::write(file.get(), text, std::strlen(text)) < 0);
}

struct Born {
  pid_t pid = -1;  // 0 in the child
  int error = 0;
  UniqueFd pidfd;
};

// What clone3 does here, by the older call: containers forbid clone3 with ENOSYS, because they cannot see what it asks.
long clone_by_registers(const clone_args& arguments) {
#if defined(__aarch64__)
  return ::syscall(SYS_clone, arguments.flags, 0UL, arguments.pidfd, 0UL, arguments.child_tid);
#else
  return ::syscall(SYS_clone, arguments.flags, 0UL, arguments.pidfd, arguments.child_tid, 0UL);
#endif
}

// A fork whose child is a child of our parent. glibc knows nothing of it, and keeps the thread id of the process it
// believes to be in; so the kernel is asked to write the new one to the same place, as fork() would have it.
Born fork_sibling() {
  std::uint64_t thread_id_at = 0;
  const bool known = ::prctl(PR_GET_TID_ADDRESS, &thread_id_at) == 0 && thread_id_at != 0;
  int pidfd = -1;
  clone_args arguments{};
  arguments.flags = CLONE_PARENT | CLONE_PIDFD;
  if (known) arguments.flags |= CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID;
  arguments.child_tid = thread_id_at;
  arguments.pidfd = reinterpret_cast<std::uint64_t>(&pidfd);
  long pid = ::syscall(SYS_clone3, &arguments, sizeof arguments);
  if (pid < 0 && errno == ENOSYS) pid = clone_by_registers(arguments);
  if (pid < 0) return {-1, errno, UniqueFd()};
  return {static_cast<pid_t>(pid), 0, UniqueFd(pid > 0 ? pidfd : -1)};
}

void say(int socket, const SpawnReply& reply, std::span<const int> descriptors) {
  if (send_packet(socket, std::as_bytes(std::span(&reply, 1)), descriptors) != PacketResult::done) {
    leave(WorkerExit::orphaned);
  }
}

void serve(const WorkerPlan& plan, UniqueFd& socket, pid_t coordinator) {
  for (;;) {
    SpawnRequest request;
    std::array<UniqueFd, kMostDescriptors> descriptors;
    const PacketResult got = receive_packet(socket.get(), std::as_writable_bytes(std::span(&request, 1)), descriptors);
    if (got != PacketResult::done) leave(WorkerExit::orphaned);
    if (!descriptors[0] || !descriptors[1]) {
      say(socket.get(), {request.ticket, 0, EMFILE, {}}, {});
      continue;
    }
    const Born born = fork_sibling();
    if (born.pid == 0) {
      socket.reset();
      worker_main(plan, {coordinator, request.epoch, request.ring_capacity, request.region_bytes,
                         std::move(descriptors[0]), std::move(descriptors[1])});
    }
    if (born.pid < 0) {
      say(socket.get(), {request.ticket, 0, born.error, {}}, {});
    } else {
      const int pidfd = born.pidfd.get();
      say(socket.get(), {request.ticket, born.pid, 0, {}}, {&pidfd, 1});
    }
  }
}

}  // namespace

void fork_server_main(const WorkerPlan& plan, bool warm, UniqueFd socket, pid_t coordinator) noexcept {
  // A group of its own, which the workers inherit: what the terminal sends is the coordinator's business.
  ::setpgid(0, 0);
  ::prctl(PR_SET_NAME, "pixmill-fork");
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != coordinator) leave(WorkerExit::orphaned);
  reset_signals();
  socket = keep_only(std::move(socket));
  // If memory runs out, let it be a worker that goes; and no dump of anybody's pixels.
  write_file("/proc/self/oom_score_adj", "1000");
  // 0 would forbid files alone; at 1 the kernel does not call a program that collects dumps either.
  const rlimit no_core{1, 1};
  if (::setrlimit(RLIMIT_CORE, &no_core) != 0) {
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
  }
  write_file("/proc/self/coredump_filter", "0");
  SpawnReply ready;
  try {
    if (plan.prepare) plan.prepare();
    if (plan.warm_up && warm) plan.warm_up();
    if (plan.sandbox) prepare_lock_in();
  } catch (const std::exception& error) {
    ready.set_trouble(*error.what() != '\0' ? error.what() : "an error without a name");
  } catch (...) {
    ready.set_trouble("an error without a name");
  }
  say(socket.get(), ready, {});
  if (!ready.trouble().empty()) leave(WorkerExit::unable);
  serve(plan, socket, coordinator);
  leave(WorkerExit::orphaned);
}

void fork_server_program(const WorkerPlan& plan, std::string_view coordinator, std::string_view warmth) noexcept {
  pid_t pid = 0;
  const char* const end = coordinator.data() + coordinator.size();
  if (std::from_chars(coordinator.data(), end, pid).ptr != end || pid <= 0) leave(WorkerExit::unable);
  fork_server_main(plan, warmth == kWarm, UniqueFd(kServerSocket), pid);
}

}  // namespace pixmill::ipc
