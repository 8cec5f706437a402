#include "tests/fuzz/hostile_machine.hpp"

#include "ipc/child_process.hpp"
#include "ipc/fork_server.hpp"

#include <pixmill/error.hpp>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <utility>

namespace pixmill::fuzz {
namespace {

struct Process {
  int pidfd = -1;
  bool dead = false;
  ipc::ProcessEnd end;
};

struct Reply {
  ipc::SpawnReply spawned;
  bool with_process = false;
};

struct Machine {
  Stage* stage = nullptr;
  std::map<pid_t, Process> processes;
  std::map<int, std::byte*> mappings;  // by descriptor
  std::deque<Reply> replies;
  int server_socket = -1;
  pid_t server = 0;
};

// Never destroyed: libFuzzer ends by exit().
Machine& machine() {
  static Machine& one = *new Machine;
  return one;
}

// What is asked before each read and write.
const std::byte* bounds_begin = nullptr;
const std::byte* bounds_end = nullptr;

std::int64_t clock_ns = 1'000'000'000'000;
// No process of Linux has such a number, whatever is done with it.
constexpr pid_t kFirstServer = 1'900'000'000;
pid_t next_server = kFirstServer;

ipc::UniqueFd event() {
  ipc::UniqueFd fd(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!fd) std::abort();
  return fd;
}

void raise_event(int fd) {
  constexpr std::uint64_t kOne = 1;
  if (::write(fd, &kOne, sizeof kOne) != sizeof kOne) std::abort();
}

void end(pid_t pid, ipc::ProcessEnd how) {
  Process& process = machine().processes.at(pid);
  if (process.dead) return;
  process.dead = true;
  process.end = how;
  raise_event(process.pidfd);
}

// A process of the machine, and the descriptor by which the pool holds it.
ipc::UniqueFd make_process(pid_t pid) {
  ipc::UniqueFd pidfd = event();
  machine().processes[pid] = {pidfd.get(), false, {}};
  return pidfd;
}

}  // namespace

void set_bounds(const std::byte* begin, const std::byte* end) {
  bounds_begin = begin;
  bounds_end = end;
}

void set_stage(Stage* stage) {
  set_bounds(nullptr, nullptr);
  machine() = {};
  machine().stage = stage;
  clock_ns = 1'000'000'000'000;
  next_server = kFirstServer;
}

void reply(std::uint64_t ticket, pid_t pid, int clone_error) {
  Reply& reply = machine().replies.emplace_back();
  reply.spawned.ticket = ticket;
  reply.spawned.pid = clone_error == 0 ? pid : 0;
  reply.spawned.error = clone_error;
  if (machine().server_socket >= 0) raise_event(machine().server_socket);
}

void end_server() {
  if (machine().server != 0) end(machine().server, {true, SIGKILL});
}

void end_process(pid_t pid, bool by_signal, int number) {
  if (machine().processes.contains(pid)) end(pid, {by_signal, number});
}

std::int64_t now_ns() { return clock_ns; }
void advance_clock(std::int64_t by_ns) { clock_ns += by_ns; }

}  // namespace pixmill::fuzz

// --- What the pool's code calls --------------------------------------------------------------------------------------

namespace pixmill::ipc {

using fuzz::machine;

std::string describe(const ProcessEnd& end) {
  return (end.by_signal ? "killed by " : "exited with ") + std::to_string(end.number);
}
std::string describe_event(const ProcessEnd& end) { return (end.by_signal ? "was " : "") + describe(end); }

ChildProcess ChildProcess::adopt(pid_t) { std::abort(); }
ChildProcess::~ChildProcess() { end(); }

void ChildProcess::end() noexcept {
  if (pid_ != 0) machine().processes.erase(pid_);
  pid_ = 0;
  pidfd_.reset();
}

bool ChildProcess::dead() const { return pid_ != 0 && machine().processes.at(pid_).dead; }

bool ChildProcess::ending() const { return dead(); }
bool ChildProcess::await_death(int) const { return dead(); }

void ChildProcess::signal(int number) const {
  if (pid_ == 0 || number != SIGKILL) return;
  if (pid_ < fuzz::kFirstServer && machine().stage != nullptr) machine().stage->killed(pid_);
}

std::optional<ProcessEnd> ChildProcess::try_reap() {
  if (!dead()) return std::nullopt;
  const ProcessEnd how = machine().processes.at(pid_).end;
  const pid_t pid = pid_;
  end();
  if (pid < fuzz::kFirstServer && machine().stage != nullptr) machine().stage->reaped(pid);
  return how;
}

std::optional<ProcessEnd> ChildProcess::reap(int) {
  if (pid_ != 0) fuzz::end(pid_, {true, SIGKILL});
  return try_reap();
}

ForkServer::ForkServer(const WorkerPlan&, bool) : socket_(fuzz::event()), group_(fuzz::next_server++) {
  process_ = ChildProcess(group_, fuzz::make_process(group_));
  machine().server = group_;
  machine().server_socket = socket_.get();
  fuzz::reply(0, 0, 0);  // it is ready
}

ForkServer::~ForkServer() = default;

bool ForkServer::request(const SpawnRequest& request, int region, int bell) {
  if (process_.dead()) return false;
  const bool at_once = machine().stage->asked(request, machine().mappings.at(region), region, bell);
  if (at_once) fuzz::reply(request.ticket, static_cast<pid_t>(request.ticket), 0);
  return true;
}

ForkServer::Reply ForkServer::reply() {
  Reply reply;
  if (machine().replies.empty()) {
    std::uint64_t count = 0;
    if (::read(socket_.get(), &count, sizeof count) < 0 && errno != EAGAIN) std::abort();
    return reply;
  }
  reply.result = PacketResult::done;
  reply.spawned = machine().replies.front().spawned;
  machine().replies.pop_front();
  if (reply.spawned.pid > 0) {
    reply.worker = ChildProcess(reply.spawned.pid, fuzz::make_process(reply.spawned.pid));
    machine().stage->told(reply.spawned.ticket, reply.spawned.pid);
  }
  return reply;
}

bool ForkServer::strike() const { return false; }

std::optional<ProcessEnd> ForkServer::kill() {
  machine().server = 0;
  machine().server_socket = -1;
  machine().replies.clear();
  socket_.reset();
  return process_.reap(0);
}

bool ForkServer::reap_strays(std::span<const pid_t>) { return true; }

}  // namespace pixmill::ipc

// In place of libstdc++'s.
std::chrono::steady_clock::time_point std::chrono::_V2::steady_clock::now() noexcept {
  return time_point(nanoseconds(pixmill::fuzz::now_ns()));
}

extern "C" {

// By --wrap of the linker.
void* __real_mmap(void* at, size_t size, int protection, int flags, int fd, off_t offset);
void* __wrap_mmap(void* at, size_t size, int protection, int flags, int fd, off_t offset);
int __real_epoll_wait(int epoll, epoll_event* events, int most, int timeout_ms);
int __wrap_epoll_wait(int epoll, epoll_event* events, int most, int timeout_ms);

void* __wrap_mmap(void* at, size_t size, int protection, int flags, int fd, off_t offset) {
  void* const mapping = __real_mmap(at, size, protection, flags, fd, offset);
  if (fd >= 0 && (flags & MAP_SHARED) != 0 && mapping != MAP_FAILED) {
    pixmill::fuzz::machine().mappings[fd] = static_cast<std::byte*>(mapping);
  }
  return mapping;
}

int __wrap_epoll_wait(int epoll, epoll_event* events, int most, int timeout_ms) {
  if (pixmill::fuzz::machine().stage != nullptr) pixmill::fuzz::machine().stage->sleeps();
  const int count = __real_epoll_wait(epoll, events, most, 0);
  if (count == 0) pixmill::fuzz::advance_clock(std::int64_t{timeout_ms} * 1'000'000);
  return count;
}

// By -fsanitize-coverage=trace-loads,trace-stores.
#define PIXMILL_TRACE(bytes, type)                                               \
  void __sanitizer_cov_load##bytes(const type* at);                              \
  void __sanitizer_cov_load##bytes(const type* at) {                             \
    const auto* byte = reinterpret_cast<const std::byte*>(at);                   \
    if (byte >= pixmill::fuzz::bounds_begin && byte < pixmill::fuzz::bounds_end) \
      pixmill::fuzz::machine().stage->reads(byte, bytes);                        \
  }                                                                              \
  void __sanitizer_cov_store##bytes(const type* at);                             \
  void __sanitizer_cov_store##bytes(const type* at) {                            \
    const auto* byte = reinterpret_cast<const std::byte*>(at);                   \
    if (byte >= pixmill::fuzz::bounds_begin && byte < pixmill::fuzz::bounds_end) \
      pixmill::fuzz::machine().stage->writes(byte, bytes);                       \
  }
PIXMILL_TRACE(1, std::uint8_t)
PIXMILL_TRACE(2, std::uint16_t)
PIXMILL_TRACE(4, std::uint32_t)
PIXMILL_TRACE(8, std::uint64_t)
__extension__ typedef unsigned __int128 SixteenBytes;
PIXMILL_TRACE(16, SixteenBytes)
}

namespace pixmill::fuzz {

std::byte* map_for_worker(int region, std::size_t size_bytes) {
  void* const mapping = __real_mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, region, 0);
  if (mapping == MAP_FAILED) std::abort();
  return static_cast<std::byte*>(mapping);
}

}  // namespace pixmill::fuzz
