/// Our ring against what one would pick instead, between two processes: round trips of one 64-byte message, and a
/// stream of them one way, message by message and 32 a call. All take turns in every repetition; figures are medians
/// over the repetitions, ratios medians of the ratios within a repetition. Two cores are needed, and they should be
/// idle: whoever spins shows what its neighbours do to it.
///
///     ring_bench [REPETITIONS]      default 15

#include "ipc/region.hpp"
#include "ipc/ring.hpp"
#include "ipc/wait.hpp"

#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/interprocess/ipc/message_queue.hpp>
#include <boost/lockfree/spsc_queue.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace pixmill::ipc {
namespace {

constexpr std::uint32_t kCapacity = 1024;  // also what a pipe's 64 KiB hold
constexpr std::size_t kBatch = 32;
constexpr std::size_t kRounds = 4000;
constexpr std::size_t kStretch = 4 * kCapacity;
constexpr std::size_t kStream = 50 * kStretch;

using Clock = std::chrono::steady_clock;
using Batch = std::array<Descriptor, kBatch>;

double nanoseconds_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::nano>(Clock::now() - begin).count();
}

double quantile(std::vector<double> values, double part) {
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(part * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

// --- Lanes: one direction of a way to send descriptors. Both calls block until something went over. ---

class Lane {
 public:
  Lane() = default;
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;
  virtual ~Lane() = default;
  virtual std::size_t push(std::span<const Descriptor> batch) = 0;
  virtual std::size_t pop(std::span<Descriptor> out) = 0;
};

/// Memory of both processes.
class Shared {
 public:
  explicit Shared(std::size_t size_bytes) : region_(size_bytes) {
    if (!region_.commit(0, size_bytes)) throw std::runtime_error("no memory");
  }
  [[nodiscard]] std::span<std::byte> memory() const { return region_.memory(); }

 private:
  Region region_;
};

enum class Waiting : std::uint8_t { spin, futex, eventfd };

class RingLane final : public Lane {
 public:
  explicit RingLane(Waiting waiting)
      : shared_(ring_bytes(kCapacity) + 2 * sizeof(SleepWord)),
        producer_((reset_ring(shared_.memory(), kCapacity, 0), shared_.memory()), 0),
        consumer_(shared_.memory(), 0),
        waiting_(waiting) {}

  std::size_t push(std::span<const Descriptor> batch) override {
    for (;;) {
      const std::size_t count = producer_.push(batch).count;
      if (count == 0) {
        wait(room(), room_bell_, [this] { return producer_.room().count > 0; });
        continue;
      }
      wake(message(), message_bell_);
      return count;
    }
  }
  std::size_t pop(std::span<Descriptor> out) override {
    for (;;) {
      const std::size_t count = consumer_.pop(out).count;
      if (count == 0) {
        wait(message(), message_bell_, [this] { return consumer_.ready(); });
        continue;
      }
      wake(room(), room_bell_);
      return count;
    }
  }

 private:
  [[nodiscard]] SleepWord& word(std::size_t which) const {
    return reinterpret_cast<SleepWord*>(shared_.memory().data() + ring_bytes(kCapacity))[which];
  }
  [[nodiscard]] SleepWord& message() const { return word(0); }
  [[nodiscard]] SleepWord& room() const { return word(1); }

  template <typename Ready>
  void wait(SleepWord& sleep_word, const EventBell& bell, Ready&& ready) {
    if (waiting_ == Waiting::spin) {
      spin_until(std::chrono::hours(1), ready);
    } else if (waiting_ == Waiting::futex) {
      wait_until(sleep_word, {}, ready, [] { return false; });
    } else {
      announce_sleep(sleep_word);
      pollfd watched{bell.fd(), POLLIN, 0};
      if (!ready()) ::poll(&watched, 1, -1);
      end_sleep(sleep_word);
      if (watched.revents != 0) bell.silence();
    }
  }
  void wake(SleepWord& sleep_word, const EventBell& bell) {
    if (waiting_ == Waiting::futex) wake_sleeper(sleep_word);
    if (waiting_ == Waiting::eventfd) bell.ring_if_asleep(sleep_word);
  }

  Shared shared_;
  RingProducer producer_;
  RingConsumer consumer_;
  Waiting waiting_;
  EventBell message_bell_;
  EventBell room_bell_;
};

class SpscLane final : public Lane {
 public:
  SpscLane() : shared_(sizeof(Queue) + alignof(Queue)), queue_(::new (shared_.memory().data()) Queue) {}
  std::size_t push(std::span<const Descriptor> batch) override {
    std::size_t count = 0;
    if (batch.size() == 1) {
      while (!queue_->push(batch[0])) relax();
      return 1;
    }
    while ((count = queue_->push(batch.data(), batch.size())) == 0) relax();
    return count;
  }
  std::size_t pop(std::span<Descriptor> out) override {
    std::size_t count = 0;
    if (out.size() == 1) {
      while (!queue_->pop(out[0])) relax();
      return 1;
    }
    while ((count = queue_->pop(out.data(), out.size())) == 0) relax();
    return count;
  }

 private:
  using Queue = boost::lockfree::spsc_queue<Descriptor, boost::lockfree::capacity<kCapacity>>;
  Shared shared_;
  Queue* queue_;
};

/// A pipe or a socket: a call is one write or one read, of one message or of 32.
class FdLane final : public Lane {
 public:
  /// `type`: 0 for a pipe, or SOCK_STREAM, SOCK_SEQPACKET.
  explicit FdLane(int type) {
    int ends[2];
    if ((type == 0 ? ::pipe(ends) : ::socketpair(AF_UNIX, type, 0, ends)) != 0) throw std::runtime_error("pipe");
    read_.reset(ends[0]);
    write_.reset(ends[1]);
  }
  std::size_t push(std::span<const Descriptor> batch) override {
    const auto* bytes = reinterpret_cast<const char*>(batch.data());
    for (std::size_t done = 0; done < batch.size_bytes();) {
      const ssize_t some = ::write(write_.get(), bytes + done, batch.size_bytes() - done);
      if (some < 0) throw std::runtime_error("write");
      done += static_cast<std::size_t>(some);
    }
    return batch.size();
  }
  std::size_t pop(std::span<Descriptor> out) override {
    auto* bytes = reinterpret_cast<char*>(out.data());
    std::size_t done = 0;
    do {
      const ssize_t some = ::read(read_.get(), bytes + done, out.size_bytes() - done);
      if (some <= 0) throw std::runtime_error("read");
      done += static_cast<std::size_t>(some);
    } while (done % sizeof(Descriptor) != 0);
    return done / sizeof(Descriptor);
  }

 private:
  UniqueFd read_;
  UniqueFd write_;
};

class MessageQueueLane final : public Lane {
 public:
  MessageQueueLane() : name_("pixmill-ring-bench-" + std::to_string(::getpid())) {
    namespace ip = boost::interprocess;
    ip::message_queue::remove(name_.c_str());
    queue_ = std::make_unique<ip::message_queue>(ip::create_only, name_.c_str(), kCapacity, sizeof(Descriptor));
    ip::message_queue::remove(name_.c_str());  // the child inherits the mapping
  }
  std::size_t push(std::span<const Descriptor> batch) override {
    queue_->send(batch.data(), sizeof(Descriptor), 0);
    return 1;
  }
  std::size_t pop(std::span<Descriptor> out) override {
    boost::interprocess::message_queue::size_type size = 0;
    unsigned priority = 0;
    queue_->receive(out.data(), sizeof(Descriptor), size, priority);
    return 1;
  }

 private:
  std::string name_;
  std::unique_ptr<boost::interprocess::message_queue> queue_;
};

// --- Measuring ---

/// Puts the caller on the `which`th of the processors that it may use.
void pin(std::size_t which) {
  cpu_set_t allowed;
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed) || which-- > 0) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    ::sched_setaffinity(0, sizeof one, &one);
    return;
  }
}

/// Runs `peer` in a child on another processor while `self` runs here.
template <typename Peer, typename Self>
void with_child(const cpu_set_t& processors, Peer&& peer, Self&& self) {
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("fork");
  ::sched_setaffinity(0, sizeof processors, &processors);
  pin(child == 0 ? 1 : 0);
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    peer();
    ::_exit(0);
  }
  self();
  int status = 0;
  if (::waitpid(child, &status, 0) != child || status != 0) throw std::runtime_error("the other process failed");
}

using MakeLane = std::function<std::unique_ptr<Lane>()>;

std::vector<double> round_trips(const cpu_set_t& processors, const MakeLane& make) {
  const auto there = make();
  const auto back = make();
  std::vector<double> times;
  times.reserve(kRounds);
  Descriptor one;
  const auto echo = [&] {
    for (std::size_t i = 0; i < kRounds; ++i) {
      there->pop({&one, 1});
      back->push({&one, 1});
    }
  };
  with_child(processors, echo, [&] {
    for (std::size_t i = 0; i < kRounds; ++i) {
      one.task = i;
      const auto begin = Clock::now();
      there->push({&one, 1});
      back->pop({&one, 1});
      times.push_back(nanoseconds_since(begin));
      if (one.task != i) throw std::runtime_error("wrong answer");
    }
  });
  return times;
}

/// Messages a second: the median over stretches of a stream, each several times what fits in, so that the sender cannot
/// be far ahead. A stretch in which the scheduler took a processor away counts for one, and not for all.
double stream_rate(const cpu_set_t& processors, const MakeLane& make, std::size_t batch) {
  const auto lane = make();
  FdLane done(0);
  const auto consume = [&] {
    Batch some;
    std::uint64_t expected = 0;
    done.push({some.data(), 1});
    while (expected < kStream) {
      const std::size_t count = lane->pop(std::span(some).first(std::min<std::size_t>(batch, kStream - expected)));
      for (std::size_t i = 0; i < count; ++i)
        if (some[i].task != expected++) ::_exit(1);
    }
    done.push({some.data(), 1});
  };
  std::vector<double> stretches;
  with_child(processors, consume, [&] {
    Batch some;
    done.pop({some.data(), 1});
    auto begin = Clock::now();
    for (std::uint64_t sent = 0; sent < kStream;) {
      const std::size_t size = std::min<std::size_t>(batch, kStretch - sent % kStretch);
      for (std::size_t i = 0; i < size; ++i) some[i].task = sent + i;
      sent += lane->push(std::span(some).first(size));
      if (sent % kStretch != 0) continue;
      stretches.push_back(nanoseconds_since(begin));
      begin = Clock::now();
    }
    done.pop({some.data(), 1});
  });
  return static_cast<double>(kStretch) * 1e9 / quantile(stretches, 0.5);
}

struct Contender {
  std::string name;
  MakeLane make;
  bool batches;
  std::vector<double> p50{}, p99{}, one{}, many{};
};

template <typename Made, typename... Arguments>
MakeLane lane(Arguments... arguments) {
  return [=] { return std::make_unique<Made>(arguments...); };
}

std::vector<Contender> contenders() {
  return {{"ring, spinning", lane<RingLane>(Waiting::spin), true},
          {"ring, futex", lane<RingLane>(Waiting::futex), true},
          {"ring, eventfd", lane<RingLane>(Waiting::eventfd), true},
          {"boost spsc_queue", lane<SpscLane>(), true},
          {"boost message_queue", lane<MessageQueueLane>(), false},
          {"pipe", lane<FdLane>(0), true},
          {"Unix socket, stream", lane<FdLane>(SOCK_STREAM), true},
          {"Unix socket, packets", lane<FdLane>(SOCK_SEQPACKET), false}};
}

double ratio(const std::vector<double>& ours, const std::vector<double>& theirs) {
  if (theirs.empty()) return 0;
  std::vector<double> ratios;
  for (std::size_t i = 0; i < theirs.size(); ++i) ratios.push_back(ours[i] / theirs[i]);
  return quantile(ratios, 0.5);
}

void report(const std::vector<Contender>& all, int repetitions) {
  std::printf("medians of %d interleaved repetitions; messages of 64 bytes, %u fit in\n", repetitions, kCapacity);
  std::printf("%-22s %10s %10s %10s %10s   %s\n", "", "trip p50", "trip p99", "stream", "by 32",
              "spinning ring over it: p50, stream, by 32");
  std::printf("%-22s %10s %10s %10s %10s\n", "", "ns", "ns", "million/s", "million/s");
  const Contender& ours = all.front();
  for (const Contender& one : all) {
    const double by_batch = one.many.empty() ? 0 : quantile(one.many, 0.5) / 1e6;
    std::printf("%-22s %10.0f %10.0f %10.2f %10.2f   %8.3f %8.2f %8.2f\n", one.name.c_str(), quantile(one.p50, 0.5),
                quantile(one.p99, 0.5), quantile(one.one, 0.5) / 1e6, by_batch, ratio(ours.p50, one.p50),
                ratio(ours.one, one.one), ratio(ours.many, one.many));
  }
}

int run(int repetitions) {
  cpu_set_t processors;
  if (::sched_getaffinity(0, sizeof processors, &processors) != 0 || CPU_COUNT(&processors) < 2)
    throw std::runtime_error("two processors are needed");
  std::vector<Contender> all = contenders();
  for (int i = 0; i < repetitions; ++i) {
    for (Contender& one : all) {
      const auto trips = round_trips(processors, one.make);
      one.p50.push_back(quantile(trips, 0.5));
      one.p99.push_back(quantile(trips, 0.99));
      one.one.push_back(stream_rate(processors, one.make, 1));
      if (one.batches) one.many.push_back(stream_rate(processors, one.make, kBatch));
    }
  }
  report(all, repetitions);
  return 0;
}

}  // namespace
}  // namespace pixmill::ipc

int main(int count, char** arguments) {
  try {
    return pixmill::ipc::run(count > 1 ? std::max(1, std::atoi(arguments[1])) : 15);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "ring_bench: %s\n", failure.what());
    return 1;
  }
}
