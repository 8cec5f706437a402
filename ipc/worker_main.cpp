#include "ipc/worker_main.hpp"

#include "ipc/channel.hpp"
#include "ipc/region.hpp"
#include "ipc/sandbox.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace pixmill::ipc {
namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void leave(WorkerExit code) { ::_exit(static_cast<int>(code)); }

// Private writable memory that the process has at this moment, 0 if that cannot be told.
std::uint64_t data_bytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr) return 0;
  unsigned long long data_pages = 0;
  const int read = std::fscanf(file, "%*u %*u %*u %*u %*u %llu", &data_pages);
  std::fclose(file);
  return read == 1 ? data_pages * page_bytes() : 0;
}

// DATA and not AS: the region is no memory of the worker's own. Throws std::system_error.
void limit_memory(std::uint64_t bytes) {
  if (bytes == 0) return;
  // Where /proc does not tell, more than any worker begins with: a loose limit is one.
  constexpr std::uint64_t kUnknown = std::uint64_t{256} << 20;
  const std::uint64_t told = data_bytes();
  const std::uint64_t now = told != 0 ? told : kUnknown;
  rlimit limit{};
  int result = ::getrlimit(RLIMIT_DATA, &limit);
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, now + bytes);
  if (result == 0) result = ::setrlimit(RLIMIT_DATA, &limit);
  if (result != 0) throw std::system_error(errno, std::generic_category(), "its memory cannot be limited: setrlimit");
}

[[noreturn]] void refuse_work(WorkerEnd& end, std::uint32_t epoch, const SandboxTrouble& trouble) {
  Descriptor hello;
  hello.epoch = epoch;
  hello.code = to_coordinator::kNotLocked;
  hello.user = {static_cast<std::uint64_t>(trouble.step), static_cast<std::uint64_t>(trouble.error)};
  static_cast<void>(end.send({&hello, 1}));
  leave(WorkerExit::unable);
}

/// Takes messages and answers them, until nobody is left to ask.
class Loop {
 public:
  Loop(Worker& worker, WorkerEnd& end, std::span<std::byte> memory, const WorkerStart& start, std::uint64_t spin_ns)
      : worker_(worker), end_(end), memory_(memory), start_(start) {
    limits_.spin = std::chrono::nanoseconds(spin_ns);
    // All that the coordinator ever has unanswered, and the room for one answer: it need not grow when memory is short.
    inbox_.reserve(std::size_t{start.ring_capacity} + 1);
  }

  [[noreturn]] void run() {
    greet();
    for (;;) answer(next());
  }

 private:
  // A worker that was idle for so long gives back what it keeps for speed.
  static constexpr std::chrono::milliseconds kRestAfter{100};
  // Messages that are done in less share a bell: to be woken for each would cost the coordinator more than they cost.
  static constexpr std::chrono::microseconds kBellEvery{1000};

  void greet() {
    Descriptor hello;
    hello.epoch = start_.epoch;
    hello.code = to_coordinator::kReady;
    hello.user[0] = static_cast<std::uint64_t>(::getpid());
    send(hello);
    ring();
  }

  Descriptor next() {
    bool rested = false;
    for (;;) {
      while (waiting() > 0) {
        const Descriptor message = inbox_[taken_++];
        // Room for an answer that was given up meanwhile is no message.
        if (message.code == to_worker::kRun) return message;
      }
      if (take() > 0) continue;
      ring();  // nobody may sleep over an answer while this one sleeps
      limits_.deadline = rested ? Clock::time_point::max() : Clock::now() + kRestAfter;
      const WaitResult result = end_.wait(limits_, [this] { return abandoned(); });
      if (result == WaitResult::abandoned) leave(WorkerExit::orphaned);
      if (result == WaitResult::timed_out) {
        worker_.rest();
        rested = true;
      }
    }
  }

  [[nodiscard]] std::size_t waiting() const { return inbox_.size() - taken_; }

  std::size_t take() {
    std::array<Descriptor, 32> some;
    const RingResult popped = end_.receive(some);
    if (popped.violated) leave(WorkerExit::orphaned);  // the region is another's by now
    if (popped.count == 0) return 0;
    inbox_.erase(inbox_.begin(), inbox_.begin() + static_cast<std::ptrdiff_t>(std::exchange(taken_, 0)));
    if (inbox_.size() + popped.count > inbox_.capacity()) leave(WorkerExit::orphaned);
    inbox_.insert(inbox_.end(), some.begin(), some.begin() + static_cast<std::ptrdiff_t>(popped.count));
    return popped.count;
  }

  [[nodiscard]] bool abandoned() const { return ParentGone{start_.coordinator}() || end_.retired(start_.epoch); }

  void answer(const Descriptor& message) {
    Descriptor reply;
    reply.task = message.task;
    reply.epoch = start_.epoch;
    reply.output_offset = message.output_offset;
    try {
      worker_.offer(part(message.output_offset, message.output_size_bytes));
      const Worker::Answer& made = worker_.run(part(message.input_offset, message.input_size_bytes), message.user);
      deliver(made, message, reply);
    } catch (const std::bad_alloc&) {
      reply.code = to_coordinator::kNoMemory;
    }
    send(reply);
    // Each answer is committed at once, so that what is done is never done again and never held against the next; only
    // the bell waits, and never while the coordinator could be needed for more work.
    static_cast<void>(take());
    if (waiting() <= 1 || Clock::now() - last_bell_ >= kBellEvery) ring();
  }

  void deliver(const Worker::Answer& made, const Descriptor& message, Descriptor& reply) {
    std::uint64_t size = 0;
    for (const auto& piece : made.parts) size += piece.size();
    std::span<std::byte> room = part(message.output_offset, message.output_size_bytes);
    if (size > room.size()) {
      reply.code = to_coordinator::kMoreRoom;
      reply.output_size_bytes = size;
      send(reply);
      ring();
      const Descriptor more = room_for(message.task);
      reply.output_offset = more.output_offset;
      room = part(more.output_offset, more.output_size_bytes);
    }
    if (size > room.size()) {
      reply.code = to_coordinator::kDropped;
      reply.output_size_bytes = 0;
      return;
    }
    for (const auto& piece : made.parts) {
      if (!piece.empty() && piece.data() != room.data()) std::memcpy(room.data(), piece.data(), piece.size());
      room = room.subspan(piece.size());
    }
    reply.code = to_coordinator::kDone;
    reply.output_size_bytes = size;
  }

  // What was sent before the coordinator knew of the need stands in front, and waits its turn.
  Descriptor room_for(std::uint64_t task) {
    for (;;) {
      const auto first = inbox_.begin() + static_cast<std::ptrdiff_t>(taken_);
      const auto found = std::find_if(first, inbox_.end(), [task](const Descriptor& message) {
        return message.code == to_worker::kRoom && message.task == task;
      });
      if (found != inbox_.end()) {
        const Descriptor more = *found;
        inbox_.erase(found);
        return more;
      }
      if (take() > 0) continue;
      limits_.deadline = Clock::time_point::max();
      if (end_.wait(limits_, [this] { return abandoned(); }) == WaitResult::abandoned) leave(WorkerExit::orphaned);
    }
  }

  [[nodiscard]] std::span<std::byte> part(std::uint64_t offset, std::uint64_t size) const {
    if (offset > memory_.size() || size > memory_.size() - offset) leave(WorkerExit::orphaned);
    return memory_.subspan(offset, size);
  }

  void send(const Descriptor& reply) {
    // There is room for every answer to what was asked; a ring that says otherwise is no longer ours.
    if (end_.post({&reply, 1}).count != 1) leave(WorkerExit::orphaned);
  }

  void ring() {
    end_.ring();
    last_bell_ = Clock::now();
  }

  Worker& worker_;
  WorkerEnd& end_;
  std::span<std::byte> memory_;
  const WorkerStart& start_;
  WaitLimits limits_;
  std::vector<Descriptor> inbox_;
  std::size_t taken_ = 0;  // of these
  Clock::time_point last_bell_;
};

// Tells the coordinator why there will be no worker, as far as the ring has room.
[[noreturn]] void give_up(std::optional<WorkerEnd>& end, std::uint32_t epoch, std::string_view why) {
  if (end) {
    Descriptor message;
    message.epoch = epoch;
    message.code = to_coordinator::kUnable;
    for (; !why.empty(); why.remove_prefix(std::min(why.size(), kTroubleBytes))) {
      set_trouble(message, why);
      if (end->send({&message, 1}).count != 1) break;
    }
  }
  leave(WorkerExit::unable);
}

}  // namespace

void worker_main(const WorkerPlan& plan, WorkerStart start) noexcept {
  ::prctl(PR_SET_NAME, "pixmill-work");
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != start.coordinator) leave(WorkerExit::orphaned);
  std::optional<Region> region;
  std::optional<EventBell> bell;
  std::optional<WorkerEnd> end;
  std::unique_ptr<Worker> worker;
  try {
    region.emplace(Region::attach(std::move(start.region), start.region_bytes));
    bell.emplace(std::move(start.bell));
    limit_memory(plan.memory_bytes);
    end.emplace(region->memory(), ChannelMap(start.ring_capacity), start.epoch, *bell);
    worker = plan.make();
    if (!worker) throw std::logic_error("WorkerPlan::make made nothing");
  } catch (const std::exception& error) {
    give_up(end, start.epoch, *error.what() != '\0' ? error.what() : "an error without a name");
  } catch (...) {
    give_up(end, start.epoch, "an error without a name");
  }
  if (plan.sandbox) {
    if (const auto trouble = lock_in(bell->fd(), plan.also_allowed)) refuse_work(*end, start.epoch, *trouble);
  }
  Loop(*worker, *end, region->memory(), start, plan.spin_ns).run();
}

}  // namespace pixmill::ipc
