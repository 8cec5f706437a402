#include "ipc/fork_server.hpp"

#include "ipc/fork_server_main.hpp"

#include <pixmill/error.hpp>

#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace pixmill::ipc {
namespace {

constexpr int kUsuallyDeadByMs = 200;

[[noreturn]] void fail(const std::string& call, int error, const char* advice = "") {
  throw Error(ErrorCode::machine, call + ": " + std::generic_category().message(error) + advice);
}

// A process of the plan's program. Nothing that another thread of ours holds is in its way, and none of our memory is
// copied for it.
pid_t spawn_program(const std::vector<std::string>& program, bool warm, int socket, pid_t coordinator) {
  std::string id = std::to_string(coordinator);
  std::vector<std::string> words(program);
  std::string warmth(warm ? kWarm : kCold);
  std::vector<char*> arguments = {words.front().data(), id.data(), warmth.data()};
  for (std::size_t i = 1; i < words.size(); ++i) arguments.push_back(words[i].data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_adddup2(&actions, socket, kServerSocket);
#if __GLIBC_PREREQ(2, 34)
  // Where it cannot be asked for, the program closes them itself, once it is loaded.
  ::posix_spawn_file_actions_addclosefrom_np(&actions, kServerSocket + 1);
#endif
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  ::posix_spawnattr_setpgroup(&attributes, 0);
  pid_t pid = 0;
  const int error = ::posix_spawn(&pid, arguments.front(), &actions, &attributes, arguments.data(), environ);
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error == E2BIG)
    fail("posix_spawn " + program.front(), error,
         "; what it is to be told is too long: use a shorter chain, or a smaller environment");
  if (error != 0) fail("posix_spawn " + program.front(), error);
  return pid;
}

// The first child of ours in the group that is dead, left as it is; 0: there are only living ones; -1: there is none.
pid_t peek(pid_t group) {
  siginfo_t info{};
  while (::waitid(P_PGID, static_cast<id_t>(group), &info, WEXITED | WNOHANG | WNOWAIT | __WALL) != 0) {
    if (errno != EINTR) return -1;
  }
  return info.si_pid;
}

// Reaps every child of ours in the group until there is none; all were killed.
void reap_group(pid_t group) {
  using std::chrono::milliseconds;
  constexpr milliseconds kStep{2};
  for (milliseconds waited{0}; waited < milliseconds{10000}; waited += kStep) {
    siginfo_t info{};
    if (::waitid(P_PGID, static_cast<id_t>(group), &info, WEXITED | WNOHANG | __WALL) != 0) {
      if (errno != EINTR) return;  // ECHILD: none is left
    } else if (info.si_pid == 0) {
      std::this_thread::sleep_for(kStep);
    }
  }
}

}  // namespace

ForkServer::ForkServer(const WorkerPlan& plan, bool warm) {
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    fail("socketpair", errno, "; raise the limit of open files (ulimit -n), or use fewer workers");
  }
  socket_.reset(ends[0]);
  UniqueFd other(ends[1]);
  // A socket that waits would make a hung server the coordinator's hang.
  if (::fcntl(socket_.get(), F_SETFL, O_NONBLOCK) != 0) fail("fcntl(O_NONBLOCK)", errno);
  const pid_t coordinator = ::getpid();
  const pid_t pid =
      plan.server_program.empty() ? ::fork() : spawn_program(plan.server_program, warm, other.get(), coordinator);
  if (pid < 0) {
    fail("fork", errno, "; raise the limit of processes (ulimit -u, or pids.max of the control group) or free memory");
  }
  if (pid == 0) fork_server_main(plan, warm, std::move(other), coordinator);
  // Either of us may be first; afterwards the group stands, whoever it was.
  ::setpgid(pid, pid);
  group_ = pid;
  process_ = ChildProcess::adopt(pid);
}

ForkServer::~ForkServer() {
  if (!strike()) return;
  static_cast<void>(process_.await_death(kUsuallyDeadByMs));
  reap_group(group_);
}

bool ForkServer::strike() const {
  // As long as a child of ours is in the group, even a dead one that is not reaped, its number is nobody else's.
  if (peek(group_) < 0) return false;
  ::kill(-group_, SIGKILL);
  process_.kill();
  return true;
}

bool ForkServer::request(const SpawnRequest& request, int region, int bell) {
  const int descriptors[] = {region, bell};
  return send_packet(socket_.get(), std::as_bytes(std::span(&request, 1)), descriptors) == PacketResult::done;
}

ForkServer::Reply ForkServer::reply() {
  Reply reply;
  std::array<UniqueFd, kMostDescriptors> descriptors;
  reply.result = receive_packet(socket_.get(), std::as_writable_bytes(std::span(&reply.spawned, 1)), descriptors);
  if (reply.result == PacketResult::done && reply.spawned.pid > 0) {
    if (!descriptors[0]) {
      reply.result = PacketResult::closed;
    } else {
      reply.worker = ChildProcess(reply.spawned.pid, std::move(descriptors[0]));
    }
  }
  return reply;
}

std::optional<ProcessEnd> ForkServer::kill() {
  process_.kill();
  socket_.reset();
  return process_.reap(kUsuallyDeadByMs);
}

bool ForkServer::reap_strays(std::span<const pid_t> known) {
  if (process_) static_cast<void>(process_.try_reap());
  for (;;) {
    const pid_t dead = peek(group_);
    if (dead < 0) return true;
    if (dead == 0 || dead == process_.pid() || std::find(known.begin(), known.end(), dead) != known.end()) return false;
    while (::waitpid(dead, nullptr, __WALL) < 0 && errno == EINTR) {
    }
  }
}

}  // namespace pixmill::ipc
