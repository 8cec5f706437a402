#include "ipc/wait.hpp"

#include "ipc/region.hpp"
#include "ipc/ring.hpp"
#include "tests/ipc/forked.hpp"
#include "tests/ipc/numbered.hpp"

#include <pixmill/error.hpp>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstring>
#include <thread>

namespace pixmill::ipc {
namespace {

using namespace std::chrono_literals;
using Clock = WaitLimits::Clock;

constexpr auto kNever = [] { return false; };

WaitLimits until(std::chrono::nanoseconds from_now) {
  WaitLimits limits;
  limits.deadline = Clock::now() + from_now;
  return limits;
}

// Waits for the announcement of another thread or process.
void await_sleeper(SleepWord& word) {
  while (std::atomic_ref(word.asleep).load(std::memory_order_acquire) == 0) ::sched_yield();
}

TEST(Wait, ReturnsAtOnceForWhatIsThere) {
  SleepWord word;
  EXPECT_EQ(wait_until(
                word, WaitLimits{}, [] { return true; }, kNever),
            WaitResult::ready);
  EXPECT_EQ(word.asleep, 0U);
}

TEST(Wait, LooksOnceMoreAfterItAnnounced) {
  const HangGuard guard;
  SleepWord word;
  WaitLimits limits;
  limits.ask_every = std::chrono::hours(1);
  // The event comes between the first look and the announcement, so that nobody rings for it.
  int looks = 0;
  EXPECT_EQ(wait_until(
                word, limits, [&] { return ++looks > 1; }, kNever),
            WaitResult::ready);
}

TEST(Wait, EndsAtItsDeadlineAndWithdrawsTheAnnouncement) {
  const HangGuard guard;
  SleepWord word;
  const auto limits = until(20ms);
  EXPECT_EQ(wait_until(
                word, limits, [] { return false; }, kNever),
            WaitResult::timed_out);
  EXPECT_GE(Clock::now(), limits.deadline);
  EXPECT_EQ(word.asleep, 0U);
}

TEST(Wait, ADeadlineThatIsOverIsOneLook) {
  const HangGuard guard;
  SleepWord word;
  int asked = 0;
  WaitLimits limits;
  limits.deadline = Clock::time_point{};
  EXPECT_EQ(wait_until(
                word, limits, [&] { return ++asked < 0; }, kNever),
            WaitResult::timed_out);
  EXPECT_GE(asked, 1);
}

TEST(Wait, EndsWhenItIsAbandoned) {
  const HangGuard guard;
  SleepWord word;
  WaitLimits limits;
  limits.ask_every = 1ms;
  int asked = 0;
  EXPECT_EQ(wait_until(
                word, limits, [] { return false; }, [&] { return ++asked == 3; }),
            WaitResult::abandoned);
}

TEST(Wait, SpinsBeforeItSleeps) {
  const HangGuard guard;
  SleepWord word;
  WaitLimits limits;
  limits.spin = 1h;
  int looks = 0;
  EXPECT_EQ(wait_until(
                word, limits, [&] { return ++looks == 1000 && word.asleep == 0; }, kNever),
            WaitResult::ready);
}

TEST(Wait, SignalsDoNotEndIt) {
  const HangGuard guard;
  static std::atomic<int> signals;
  signals = 0;
  struct sigaction action {};
  action.sa_handler = [](int) { ++signals; };
  struct sigaction before {};
  ASSERT_EQ(::sigaction(SIGUSR1, &action, &before), 0);
  SleepWord word;
  std::atomic<bool> event{false};
  const pthread_t self = ::pthread_self();
  std::thread other([&] {
    for (int i = 0; i < 3; ++i) {
      await_sleeper(word);
      const int had = signals;
      ::pthread_kill(self, SIGUSR1);
      while (signals == had) ::sched_yield();
    }
    event = true;
    wake_sleeper(word);
  });
  EXPECT_EQ(wait_until(
                word, WaitLimits{}, [&] { return event.load(); }, kNever),
            WaitResult::ready);
  other.join();
  EXPECT_EQ(signals, 3);
  ASSERT_EQ(::sigaction(SIGUSR1, &before, nullptr), 0);
}

TEST(Wait, OnlyAnAnnouncedSleepIsRungFor) {
  SleepWord word;
  EXPECT_FALSE(take_announcement(word));
  announce_sleep(word);
  EXPECT_TRUE(take_announcement(word));
  EXPECT_FALSE(take_announcement(word)) << "one ring a sleep";
  announce_sleep(word);
  end_sleep(word);
  EXPECT_FALSE(take_announcement(word));
}

TEST(Wait, AWordWithNonsenseInItHurtsNobody) {
  const HangGuard guard;
  SleepWord word{0xdeadbeef};
  EXPECT_TRUE(take_announcement(word));
  word.asleep = 0xdeadbeef;
  EXPECT_EQ(wait_until(
                word, until(1ms), [] { return false; }, kNever),
            WaitResult::timed_out);
  word.asleep = 77;
  sleep_on(word, Clock::time_point::max());  // not 1: does not sleep
}

TEST(EventBell, IsHeardByPollOnlyAfterAnAnnouncement) {
  const EventBell bell;
  SleepWord word;
  pollfd watched{bell.fd(), POLLIN, 0};
  bell.ring_if_asleep(word);
  EXPECT_EQ(::poll(&watched, 1, 0), 0);
  announce_sleep(word);
  bell.ring_if_asleep(word);
  EXPECT_EQ(::poll(&watched, 1, 0), 1);
  EXPECT_TRUE(bell.silence());
  EXPECT_FALSE(bell.silence());
  EXPECT_EQ(::poll(&watched, 1, 0), 0);
}

TEST(EventBell, AFullCounterBlocksNobody) {
  const HangGuard guard;
  const EventBell bell;
  const std::uint64_t top = UINT64_MAX - 1;
  ASSERT_EQ(::write(bell.fd(), &top, sizeof top), static_cast<ssize_t>(sizeof top));
  SleepWord word;
  announce_sleep(word);
  bell.ring_if_asleep(word);
  EXPECT_TRUE(bell.silence());
}

TEST(EventBell, OfAWrongDescriptorIsAnError) {
  const EventBell bell{UniqueFd{}};
  SleepWord word;
  announce_sleep(word);
  EXPECT_THROW(bell.ring_if_asleep(word), Error);
  EXPECT_THROW(bell.silence(), Error);
}

TEST(ParentGone, IsTrueOnceTheParentDied) {
  const HangGuard guard;
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  Forked parent([&] {
    const pid_t self = ::getpid();
    if (::fork() != 0) {
      char ignored = 0;
      return ::read(ends[0], &ignored, 1) == 1 ? 0 : 1;  // until the child sleeps
    }
    ::alarm(kHangSeconds);
    SleepWord word;
    WaitLimits limits;
    limits.ask_every = 2ms;
    const ParentGone gone{self};
    int asked = 0;
    const auto abandoned = [&] {
      if (++asked == 2 && ::write(ends[1], "x", 1) != 1) ::_exit(1);
      return gone();
    };
    const bool before = gone();
    const auto result = wait_until(
        word, limits, [] { return false; }, abandoned);
    const char verdict = !before && result == WaitResult::abandoned ? 'y' : 'n';
    ::_exit(::write(ends[1], &verdict, 1) == 1 ? 0 : 1);
  });
  ASSERT_EQ(parent.wait(), 0);
  char verdict = 0;
  ASSERT_EQ(::read(ends[0], &verdict, 1), 1);
  EXPECT_EQ(verdict, 'y');
  ::close(ends[0]);
  ::close(ends[1]);
}

// --- No wake-up is lost ---

// Two threads meet at a round's number, as nearly at the same moment as can be had.
class Meeting {
 public:
  void meet(std::size_t who, std::uint64_t round) {
    arrived_[who].store(round, std::memory_order_release);
    for (int looks = 0; arrived_[1 - who].load(std::memory_order_acquire) < round; ++looks)
      looks < 1000 ? relax() : static_cast<void>(::sched_yield());
  }

 private:
  std::array<std::atomic<std::uint64_t>, 2> arrived_{};
};

// The heart of it, many times a second because nobody really sleeps: if one announces its sleep while the other
// commits, either the first sees the message or the second sees the announcement.
TEST(Wait, AnAnnouncementAndACommitNeverMissEachOther) {
  const HangGuard guard;
  constexpr std::uint64_t kRounds = 300'000;
  const auto enough = Clock::now() + 3s;  // where two threads hardly ever run at the same time
  const Region region(page_bytes());
  reset_ring(region.memory(), 8, 0);
  alignas(128) SleepWord word;
  Meeting start;
  Meeting done;
  Meeting judged;
  std::atomic<bool> rung{false};
  std::atomic<bool> over{false};
  std::thread waker([&] {
    RingProducer producer(region.memory(), 0);
    Dice dice(1);
    for (std::uint64_t round = 1; !over; ++round) {
      const Descriptor message = numbered(round);
      start.meet(0, round);
      for (std::uint64_t i = dice.below(16); i > 0; --i) relax();
      static_cast<void>(producer.push({&message, 1}));
      rung = take_announcement(word);
      done.meet(0, round);
      judged.meet(0, round);
    }
  });
  RingConsumer consumer(region.memory(), 0);
  Dice dice(2);
  std::uint64_t missed = 0;
  for (std::uint64_t round = 1; !over; ++round) {
    start.meet(1, round);
    for (std::uint64_t i = dice.below(16); i > 0; --i) relax();
    announce_sleep(word);
    const bool seen = consumer.ready();
    done.meet(1, round);
    if (!seen && !rung) ++missed;
    end_sleep(word);
    Descriptor message;
    EXPECT_EQ(consumer.pop({&message, 1}).count, 1U);
    over = round >= kRounds || (round % 1024 == 0 && Clock::now() > enough);
    judged.meet(1, round);
  }
  waker.join();
  EXPECT_EQ(missed, 0U);
}

// Two rings and four words in a region: each side waits for messages, and for room. Nothing spins, no wait has a
// deadline, and nothing but a ring ends one: a single wake-up that got lost hangs the test.

struct Side {
  std::span<std::byte> ring;
  SleepWord* message;  // the consumer sleeps here
  SleepWord* room;     // the producer sleeps here
};

class TwoWays {
 public:
  explicit TwoWays(std::uint32_t capacity) : region_(page_bytes() * 4) {
    if (!region_.commit(0, page_bytes() * 4)) throw Error(ErrorCode::machine, "no memory");
    reset_ring(side(0).ring, capacity, 0);
    reset_ring(side(1).ring, capacity, 0);
  }
  [[nodiscard]] Side side(std::size_t which) const {
    const auto memory = region_.memory();
    auto* words = reinterpret_cast<SleepWord*>(memory.data());
    return {memory.subspan((1 + which) * page_bytes(), page_bytes()), words + 2 * which, words + 2 * which + 1};
  }

 private:
  Region region_;
};

// Longer than any wait should take, so that it is the bell that ends it.
WaitLimits for_ever() {
  WaitLimits limits;
  limits.ask_every = std::chrono::hours(1);
  return limits;
}

void dawdle(Dice& dice) {
  if (dice.once_in(16)) ::sched_yield();
  if (dice.once_in(512)) std::this_thread::sleep_for(std::chrono::microseconds(dice.below(100)));
  for (std::uint64_t i = dice.below(64); i > 0; --i) relax();
}

bool send_all(const Side& side, std::uint64_t count, std::uint64_t seed) {
  RingProducer producer(side.ring, 0);
  Dice dice(seed);
  std::array<Descriptor, 4> batch;
  for (std::uint64_t sent = 0; sent < count;) {
    const std::size_t size = std::min<std::uint64_t>(count - sent, 1 + dice.below(batch.size()));
    for (std::size_t i = 0; i < size; ++i) batch[i] = numbered(sent + i);
    const RingResult result = producer.push(std::span(batch).first(size));
    if (result.violated) return false;
    sent += result.count;
    if (result.count > 0) wake_sleeper(*side.message);
    if (result.count < size)
      wait_until(
          *side.room, for_ever(), [&] { return producer.room().count > 0; }, kNever);
    dawdle(dice);
  }
  return true;
}

bool receive_all(const Side& side, std::uint64_t count, std::uint64_t seed) {
  RingConsumer consumer(side.ring, 0);
  Dice dice(seed);
  std::array<Descriptor, 4> batch;
  for (std::uint64_t got = 0; got < count;) {
    const RingResult result = consumer.pop(std::span(batch).first(1 + dice.below(batch.size())));
    if (result.violated) return false;
    for (std::size_t i = 0; i < result.count; ++i)
      if (batch[i] != numbered(got++)) return false;
    if (result.count > 0)
      wake_sleeper(*side.room);
    else
      wait_until(
          *side.message, for_ever(), [&] { return consumer.ready(); }, kNever);
    dawdle(dice);
  }
  return true;
}

TEST(Wait, LosesNoWakeUpBetweenTwoProcesses) {
  const HangGuard guard;
  constexpr std::uint64_t kCount = 20'000;
  for (const std::uint32_t capacity : {1U, 2U, 16U}) {
    const std::uint64_t count = capacity == 1 ? kCount / 4 : kCount;
    const TwoWays ways(capacity);
    // One direction after the other, so that every sleep is one's own.
    Forked child([&] {
      if (!send_all(ways.side(0), count, capacity)) return 1;
      return receive_all(ways.side(1), count, capacity) ? 0 : 2;
    });
    EXPECT_TRUE(receive_all(ways.side(0), count, capacity + 100));
    EXPECT_TRUE(send_all(ways.side(1), count, capacity + 100));
    EXPECT_EQ(child.wait(), 0);
  }
}

TEST(Wait, LosesNoWakeUpBetweenThreads) {
  const HangGuard guard;
  constexpr std::uint64_t kCount = 10'000;
  const TwoWays ways(2);
  std::thread producer([&] { EXPECT_TRUE(send_all(ways.side(0), kCount, 1)); });
  EXPECT_TRUE(receive_all(ways.side(0), kCount, 2));
  producer.join();
}

// A worker that is taken over may leave the counter full: then a ring makes no edge, until it is cleared.
TEST(EventBell, IsHeardAgainOnceItIsCleared) {
  const EventBell bell;
  const UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  ASSERT_EQ(::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, bell.fd(), &event), 0);
  const auto heard = [&] { return ::epoll_wait(epoll.get(), &event, 1, 0) == 1; };
  const auto ring = [&] {
    SleepWord asleep{1};
    bell.ring_if_asleep(asleep);
  };
  constexpr std::uint64_t kFull = ~std::uint64_t{0} - 1;
  ASSERT_EQ(::write(bell.fd(), &kFull, sizeof kFull), static_cast<ssize_t>(sizeof kFull));
  EXPECT_TRUE(heard());
  ring();
  EXPECT_FALSE(heard());
  ASSERT_EQ(::fcntl(bell.fd(), F_SETFL, 0), 0);  // it would block
  bell.clear();
  bell.clear();
  ASSERT_EQ(::fcntl(bell.fd(), F_SETFL, O_NONBLOCK), 0);
  ring();
  EXPECT_TRUE(heard());
}

}  // namespace
}  // namespace pixmill::ipc
