#include "bench/lanes.hpp"

#include "ipc/region.hpp"
#include "ipc/ring.hpp"
#include "ipc/wait.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/interprocess/ipc/message_queue.hpp>
#include <boost/lockfree/spsc_queue.hpp>

#include <cerrno>
#include <chrono>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace pixmill::bench {
namespace {

using ipc::Descriptor;
using ipc::EventBell;
using ipc::Region;
using ipc::RingConsumer;
using ipc::RingProducer;
using ipc::SleepWord;
using ipc::UniqueFd;

[[noreturn]] void throw_errno(const char* call) {
  throw std::runtime_error(std::string(call) + ": " + std::generic_category().message(errno));
}

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
      : shared_(ipc::ring_bytes(kLaneCapacity) + 2 * sizeof(SleepWord)),
        producer_((ipc::reset_ring(shared_.memory(), kLaneCapacity, 0), shared_.memory()), 0),
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
    return reinterpret_cast<SleepWord*>(shared_.memory().data() + ipc::ring_bytes(kLaneCapacity))[which];
  }
  [[nodiscard]] SleepWord& message() const { return word(0); }
  [[nodiscard]] SleepWord& room() const { return word(1); }

  template <typename Ready>
  void wait(SleepWord& sleep_word, const EventBell& bell, Ready&& ready) {
    if (waiting_ == Waiting::spin) {
      ipc::spin_until(std::chrono::hours(1), ready);
    } else if (waiting_ == Waiting::futex) {
      ipc::wait_until(sleep_word, {}, ready, [] { return false; });
    } else {
      ipc::announce_sleep(sleep_word);
      pollfd watched{bell.fd(), POLLIN, 0};
      if (!ready()) ::poll(&watched, 1, -1);
      ipc::end_sleep(sleep_word);
      if (watched.revents != 0) bell.silence();
    }
  }
  void wake(SleepWord& sleep_word, const EventBell& bell) {
    if (waiting_ == Waiting::futex) ipc::wake_sleeper(sleep_word);
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
      while (!queue_->push(batch[0])) ipc::relax();
      return 1;
    }
    while ((count = queue_->push(batch.data(), batch.size())) == 0) ipc::relax();
    return count;
  }
  std::size_t pop(std::span<Descriptor> out) override {
    std::size_t count = 0;
    if (out.size() == 1) {
      while (!queue_->pop(out[0])) ipc::relax();
      return 1;
    }
    while ((count = queue_->pop(out.data(), out.size())) == 0) ipc::relax();
    return count;
  }

 private:
  using Queue = boost::lockfree::spsc_queue<Descriptor, boost::lockfree::capacity<kLaneCapacity>>;
  Shared shared_;
  Queue* queue_;
};

/// A pipe or a socket: a call is one write or one read, of one message or of 32.
class FdLane final : public Lane {
 public:
  /// `type`: 0 for a pipe, or SOCK_STREAM, SOCK_SEQPACKET.
  explicit FdLane(int type) {
    int ends[2];
    if ((type == 0 ? ::pipe(ends) : ::socketpair(AF_UNIX, type, 0, ends)) != 0)
      throw_errno(type == 0 ? "pipe" : "socketpair");
    read_.reset(ends[0]);
    write_.reset(ends[1]);
  }
  std::size_t push(std::span<const Descriptor> batch) override {
    const auto* bytes = reinterpret_cast<const char*>(batch.data());
    for (std::size_t done = 0; done < batch.size_bytes();) {
      const ssize_t some = ::write(write_.get(), bytes + done, batch.size_bytes() - done);
      if (some < 0) throw_errno("write");
      done += static_cast<std::size_t>(some);
    }
    return batch.size();
  }
  std::size_t pop(std::span<Descriptor> out) override {
    auto* bytes = reinterpret_cast<char*>(out.data());
    std::size_t done = 0;
    do {
      const ssize_t some = ::read(read_.get(), bytes + done, out.size_bytes() - done);
      if (some < 0) throw_errno("read");
      if (some == 0) throw std::runtime_error("the other process is gone");
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
  MessageQueueLane() : name_("pixmill-bench-" + std::to_string(::getpid())) {
    namespace ip = boost::interprocess;
    ip::message_queue::remove(name_.c_str());
    queue_ = std::make_unique<ip::message_queue>(ip::create_only, name_.c_str(), kLaneCapacity, sizeof(Descriptor));
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

template <typename Made, typename... Arguments>
std::function<std::unique_ptr<Lane>()> maker(Arguments... arguments) {
  return [=] { return std::make_unique<Made>(arguments...); };
}

}  // namespace

std::vector<LaneKind> lane_kinds() {
  return {{"ring, spinning", true, true, maker<RingLane>(Waiting::spin)},
          {"ring, futex", false, true, maker<RingLane>(Waiting::futex)},
          {"ring, eventfd", false, true, maker<RingLane>(Waiting::eventfd)},
          {"boost spsc_queue", true, true, maker<SpscLane>()},
          {"boost message_queue", false, false, maker<MessageQueueLane>()},
          {"pipe", false, true, maker<FdLane>(0)},
          {"Unix socket, stream", false, true, maker<FdLane>(SOCK_STREAM)},
          {"Unix socket, packets", false, false, maker<FdLane>(SOCK_SEQPACKET)}};
}

std::unique_ptr<Lane> make_pipe_lane() { return std::make_unique<FdLane>(0); }

}  // namespace pixmill::bench
