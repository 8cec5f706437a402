#include "ipc/ring.hpp"

#include "ipc/region.hpp"
#include "tests/ipc/forked.hpp"
#include "tests/ipc/numbered.hpp"

#include <pixmill/error.hpp>

#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstring>
#include <deque>
#include <thread>
#include <utility>
#include <vector>

namespace pixmill::ipc {
namespace {

constexpr std::uint32_t kEpoch = 7;

// A ring in a region of its own, with what a hostile peer would do to it.
class RingInRegion {
 public:
  explicit RingInRegion(std::uint32_t capacity, std::uint64_t start = 0)
      : region_(ring_bytes(capacity)), capacity_(capacity) {
    if (!region_.commit(0, ring_bytes(capacity))) throw Error(ErrorCode::machine, "no memory");
    reset_ring(memory(), capacity, kEpoch, start);
  }
  [[nodiscard]] std::span<std::byte> memory() const { return region_.memory(); }
  [[nodiscard]] RingLayout& layout() const { return *reinterpret_cast<RingLayout*>(memory().data()); }
  [[nodiscard]] RingSlot& slot(std::uint64_t index) const {
    return reinterpret_cast<RingSlot*>(memory().data() + sizeof(RingLayout))[index % capacity_];
  }
  [[nodiscard]] RingProducer producer() const { return {memory(), kEpoch}; }
  [[nodiscard]] RingConsumer consumer() const { return {memory(), kEpoch}; }

 private:
  Region region_;
  std::uint32_t capacity_;
};

std::vector<Descriptor> numbers(std::uint64_t first, std::size_t count) {
  std::vector<Descriptor> all;
  for (std::size_t i = 0; i < count; ++i) all.push_back(numbered(first + i));
  return all;
}

std::vector<Descriptor> pop(RingConsumer& consumer, std::size_t most) {
  std::vector<Descriptor> out(most);
  const RingResult result = consumer.pop(out);
  EXPECT_FALSE(result.violated);
  out.resize(result.count);
  return out;
}

TEST(Ring, PopOnEmptyReturnsNothing) {
  const RingInRegion ring(4);
  RingConsumer consumer = ring.consumer();
  EXPECT_FALSE(consumer.ready());
  EXPECT_TRUE(pop(consumer, 4).empty());
}

TEST(Ring, PushOnFullTakesNothing) {
  const RingInRegion ring(4);
  RingProducer producer = ring.producer();
  EXPECT_EQ(producer.push(numbers(0, 4)).count, 4U);
  const RingResult more = producer.push(numbers(4, 1));
  EXPECT_EQ(more.count, 0U);
  EXPECT_FALSE(more.violated);
  EXPECT_EQ(producer.room().count, 0U);
}

TEST(Ring, TakesThePartOfABatchThatThereIsRoomFor) {
  const RingInRegion ring(8);
  RingProducer producer = ring.producer();
  RingConsumer consumer = ring.consumer();
  ASSERT_EQ(producer.push(numbers(0, 5)).count, 5U);
  EXPECT_EQ(producer.push(numbers(5, 5)).count, 3U);
  EXPECT_EQ(pop(consumer, 3), numbers(0, 3));
  EXPECT_EQ(producer.push(numbers(8, 100)).count, 3U);
  EXPECT_EQ(pop(consumer, 100), numbers(3, 5)) << "what was known to be there at the first look";
  EXPECT_EQ(pop(consumer, 100), numbers(8, 3));
  EXPECT_TRUE(pop(consumer, 100).empty());
}

TEST(Ring, EmptyBatchesDoNothing) {
  const RingInRegion ring(2);
  RingProducer producer = ring.producer();
  RingConsumer consumer = ring.consumer();
  EXPECT_EQ(producer.push({}).count, 0U);
  ASSERT_EQ(producer.push(numbers(0, 1)).count, 1U);
  EXPECT_TRUE(pop(consumer, 0).empty());
  EXPECT_EQ(pop(consumer, 2), numbers(0, 1));
}

class RingFrom : public testing::TestWithParam<std::uint64_t> {};

TEST_P(RingFrom, AgreesWithADequeWhateverTheBatches) {
  for (const std::uint32_t capacity : {1U, 2U, 8U, 64U}) {
    const RingInRegion ring(capacity, GetParam());
    RingProducer producer = ring.producer();
    RingConsumer consumer = ring.consumer();
    std::deque<Descriptor> model;
    Dice dice(capacity);
    std::uint64_t sent = 0;
    for (int step = 0; step < 2000; ++step) {
      const std::vector<Descriptor> batch = numbers(sent, dice.below(2 * capacity + 1));
      const std::size_t pushed = producer.push(batch).count;
      ASSERT_EQ(pushed, std::min(batch.size(), capacity - model.size()));
      model.insert(model.end(), batch.begin(), batch.begin() + static_cast<std::ptrdiff_t>(pushed));
      sent += pushed;
      for (const Descriptor& got : pop(consumer, dice.below(2 * capacity + 1))) {
        ASSERT_EQ(got, model.front());
        model.pop_front();
      }
      ASSERT_EQ(consumer.ready(), !model.empty());
      ASSERT_EQ(producer.room().count, capacity - model.size());
    }
    EXPECT_GT(sent, 4 * capacity);
  }
}

INSTANTIATE_TEST_SUITE_P(Start, RingFrom,
                         testing::Values(0, 1, 3, UINT64_MAX, UINT64_MAX - 5, UINT64_MAX - 1000, UINT64_MAX / 2,
                                         (std::uint64_t{1} << 32U) - 3));

TEST(Ring, ACommitIsOneStoreAndComesAfterTheSlots) {
  const RingInRegion ring(8);
  RingProducer producer = ring.producer();
  ASSERT_EQ(producer.push(numbers(0, 3)).count, 3U);
  EXPECT_EQ(ring.layout().tail.value, 3U);
  EXPECT_EQ(ring.layout().head.value, 0U);
  EXPECT_EQ(std::memcmp(&ring.slot(2), numbers(2, 1).data(), sizeof(Descriptor)), 0);
}

TEST(Ring, ResetForgetsAllAndTellsEpochsApart) {
  const RingInRegion ring(4);
  RingProducer old = ring.producer();
  ASSERT_EQ(old.push(numbers(0, 3)).count, 3U);
  reset_ring(ring.memory(), 4, kEpoch + 1);
  EXPECT_THROW(static_cast<void>(ring.consumer()), Error);
  RingConsumer consumer(ring.memory(), kEpoch + 1);
  EXPECT_FALSE(consumer.ready());
  RingProducer producer(ring.memory(), kEpoch + 1);
  ASSERT_EQ(producer.push(numbers(50, 4)).count, 4U);
  EXPECT_EQ(pop(consumer, 4), numbers(50, 4));
}

TEST(Ring, HandlesAttachWhereTheRingStands) {
  const RingInRegion ring(4);
  {
    RingProducer producer = ring.producer();
    RingConsumer consumer = ring.consumer();
    ASSERT_EQ(producer.push(numbers(0, 3)).count, 3U);
    ASSERT_EQ(pop(consumer, 1).size(), 1U);
  }
  RingConsumer consumer = ring.consumer();
  RingProducer producer = ring.producer();
  EXPECT_EQ(producer.push(numbers(3, 4)).count, 2U);
  EXPECT_EQ(pop(consumer, 4), numbers(1, 4));
}

TEST(Ring, RefusesToAttachToWhatIsNoRingOfItsKind) {
  const RingInRegion good(4);
  const auto attach_after = [&](auto&& spoil) {
    reset_ring(good.memory(), 4, kEpoch);
    spoil(good.layout());
    EXPECT_THROW(static_cast<void>(good.consumer()), Error);
    EXPECT_THROW(static_cast<void>(good.producer()), Error);
  };
  attach_after([](RingLayout& layout) { layout.identity.magic ^= 1U; });
  attach_after([](RingLayout& layout) { layout.identity.version += 1; });
  attach_after([](RingLayout& layout) { layout.identity.slot_bytes = 128; });
  attach_after([](RingLayout& layout) { layout.identity.epoch += 1; });
  attach_after([](RingLayout& layout) { layout.identity.capacity = 0; });
  attach_after([](RingLayout& layout) { layout.identity.capacity = 3; });
  attach_after([](RingLayout& layout) { layout.identity.capacity = 1U << 31U; });
  attach_after([](RingLayout& layout) { layout.identity.capacity = 256; });  // more than its memory
  EXPECT_THROW(RingConsumer(good.memory().first(64), kEpoch), Error);
}

TEST(Ring, WrongCapacitiesAndMemoryAreRefused) {
  const Region region(page_bytes());
  for (const std::uint32_t capacity : {0U, 3U, 12U, kMaxRingCapacity * 2, 128U})
    EXPECT_THROW(reset_ring(region.memory(), capacity, 0), Error) << capacity;
  EXPECT_THROW(reset_ring(region.memory().subspan(64), 4, 0), Error);
}

// A peer may write anything where its index is.
class RingViolated : public testing::TestWithParam<std::uint64_t> {};

TEST_P(RingViolated, IsReportedToTheConsumerForEveryIndexItCannotHave) {
  const std::uint64_t start = GetParam();
  for (const std::uint64_t delta : {std::uint64_t{9}, std::uint64_t{1000}, std::uint64_t{1} << 32U,
                                    std::uint64_t{1} << 63U, UINT64_MAX, UINT64_MAX - 7, UINT64_MAX - 1000}) {
    const RingInRegion ring(8, start);
    RingProducer producer = ring.producer();
    RingConsumer consumer = ring.consumer();
    ASSERT_EQ(producer.push(numbers(0, 2)).count, 2U);
    ASSERT_EQ(pop(consumer, 8).size(), 2U);
    ring.layout().tail.value = start + 2 + delta;  // 8 are possible
    std::array<Descriptor, 8> out;
    EXPECT_TRUE(consumer.ready()) << delta;
    EXPECT_TRUE(consumer.pop(out).violated) << delta;
    ring.layout().tail.value = start + 2;
    const RingResult later = consumer.pop(out);
    EXPECT_TRUE(later.violated) << "trust is not regained";
    EXPECT_EQ(later.count, 0U);
  }
}

TEST_P(RingViolated, IsReportedToTheProducerForEveryIndexItCannotHave) {
  const std::uint64_t start = GetParam();
  for (const std::uint64_t head : {std::uint64_t{7}, std::uint64_t{1000}, std::uint64_t{1} << 63U, UINT64_MAX,
                                   std::uint64_t{2}, std::uint64_t{0}}) {  // 3 to 6 are possible
    const RingInRegion ring(4, start);
    RingProducer producer = ring.producer();
    RingConsumer consumer = ring.consumer();
    ASSERT_EQ(producer.push(numbers(0, 4)).count, 4U);
    ASSERT_EQ(pop(consumer, 3).size(), 3U);
    ASSERT_EQ(producer.push(numbers(4, 2)).count, 2U);
    ring.layout().head.value = start + head;
    const RingResult result = producer.push(numbers(6, 4));
    EXPECT_TRUE(result.violated) << head;
    EXPECT_EQ(result.count, 0U);
    EXPECT_EQ(ring.layout().tail.value, start + 6) << "nothing was committed";
    ring.layout().head.value = start + 3;
    EXPECT_TRUE(producer.room().violated) << "trust is not regained";
  }
}

TEST_P(RingViolated, IsNotReportedForEveryIndexItCanHave) {
  const std::uint64_t start = GetParam();
  for (std::uint64_t delta = 0; delta <= 8; ++delta) {
    const RingInRegion ring(8, start);
    RingConsumer consumer = ring.consumer();
    ring.layout().tail.value = start + delta;
    EXPECT_EQ(pop(consumer, 8).size(), delta);
    const RingInRegion other(8, start);
    RingProducer producer = other.producer();
    ASSERT_EQ(producer.push(numbers(0, 8)).count, 8U);
    other.layout().head.value = start + delta;
    EXPECT_EQ(producer.room().count, delta);
    EXPECT_FALSE(producer.room().violated);
  }
}

INSTANTIATE_TEST_SUITE_P(Start, RingViolated,
                         testing::Values(0, 5, UINT64_MAX, UINT64_MAX - 4, std::uint64_t{1} << 63U));

TEST(Ring, AHostilePeerThatScribblesEverywhereIsNeverMoreThanAViolation) {
  const HangGuard guard;
  const RingInRegion ring(16);
  RingConsumer consumer = ring.consumer();
  std::atomic<bool> stop{false};
  std::thread hostile([&] {
    Dice dice(3);
    auto* words = reinterpret_cast<std::uint64_t*>(ring.memory().data() + offsetof(RingLayout, tail));
    const std::size_t count = (ring_bytes(16) - offsetof(RingLayout, tail)) / sizeof(std::uint64_t);
    while (!stop.load(std::memory_order_relaxed)) {
      std::atomic_ref(words[dice.below(count)]).store(dice.next(), std::memory_order_relaxed);
      // Now and then an index that could be right.
      if (dice.once_in(8)) std::atomic_ref(words[0]).store(dice.below(32), std::memory_order_relaxed);
    }
  });
  std::array<Descriptor, 16> out;
  RingResult result;
  while (!result.violated) result = consumer.pop(out);  // at the first wild index that it sees
  stop = true;
  hostile.join();
  EXPECT_TRUE(result.violated);
}

// --- Two processes ---

// Pushes `count` numbered descriptors in batches of 1 to `most`.
int push_all(RingProducer producer, std::uint64_t count, std::uint64_t most, std::uint64_t seed) {
  Dice dice(seed);
  for (std::uint64_t sent = 0; sent < count;) {
    const auto batch = numbers(sent, std::min<std::uint64_t>(count - sent, 1 + dice.below(most)));
    const RingResult result = producer.push(batch);
    if (result.violated) return 1;
    sent += result.count;
    if (result.count < batch.size()) ::sched_yield();
  }
  return 0;
}

// Pops them, and returns how many were in order and whole until the first that was not.
std::uint64_t pop_all(RingConsumer consumer, std::uint64_t count, std::uint64_t most, std::uint64_t seed) {
  Dice dice(seed);
  std::vector<Descriptor> out(most);
  for (std::uint64_t got = 0; got < count;) {
    const RingResult result = consumer.pop(std::span(out).first(1 + dice.below(most)));
    if (result.violated) return got;
    for (std::size_t i = 0; i < result.count; ++i)
      if (out[i] != numbered(got++)) return got - 1;
    if (result.count == 0) ::sched_yield();
  }
  return count;
}

TEST(Ring, CarriesAllInOrderFromAChild) {
  const HangGuard guard;
  // A small ring is full or empty nearly always, and then the other process must be let run.
  for (const auto& [capacity, count] : {std::pair{1U, 2'000U}, {4U, 20'000U}, {256U, 1'000'000U}}) {
    const RingInRegion ring(capacity, UINT64_MAX - 1000);
    Forked child([&] { return push_all(ring.producer(), count, 64, capacity); });
    EXPECT_EQ(pop_all(ring.consumer(), count, 64, capacity + 1), count);
    EXPECT_EQ(child.wait(), 0);
  }
}

TEST(Ring, CarriesAllInOrderBetweenThreads) {
  const HangGuard guard;
  constexpr std::uint64_t kCount = 50'000;
  const RingInRegion ring(16);
  std::thread producer([&] { EXPECT_EQ(push_all(ring.producer(), kCount, 8, 1), 0); });
  EXPECT_EQ(pop_all(ring.consumer(), kCount, 8, 2), kCount);
  producer.join();
}

TEST(Ring, WhatWasWrittenAndNotCommittedWasNeverSent) {
  const RingInRegion ring(8);
  RingConsumer consumer = ring.consumer();
  Forked child([&] {
    if (ring.producer().push(numbers(0, 2)).count != 2) return 1;
    // Dies in a push: slots are written, the index is not.
    for (std::uint64_t i = 2; i < 5; ++i) {
      const Descriptor lost = numbered(i);
      std::memcpy(&ring.slot(i), &lost, sizeof lost);
    }
    ::raise(SIGKILL);
    return 2;
  });
  ASSERT_EQ(child.wait(), -SIGKILL);
  EXPECT_EQ(pop(consumer, 8), numbers(0, 2));
  EXPECT_TRUE(pop(consumer, 8).empty());
  // The next life finds nothing of it.
  reset_ring(ring.memory(), 8, kEpoch + 1);
  RingProducer producer(ring.memory(), kEpoch + 1);
  RingConsumer next(ring.memory(), kEpoch + 1);
  ASSERT_EQ(producer.push(numbers(100, 1)).count, 1U);
  EXPECT_EQ(pop(next, 8), numbers(100, 1));
}

TEST(Ring, WhatADeadConsumerDidNotCommitIsStillItsToTake) {
  const RingInRegion ring(8);
  RingProducer producer = ring.producer();
  ASSERT_EQ(producer.push(numbers(0, 6)).count, 6U);
  Forked child([&] {
    RingConsumer consumer = ring.consumer();
    std::array<Descriptor, 2> out;
    if (consumer.pop(out).count != 2) return 1;
    ::raise(SIGKILL);
    return 2;
  });
  ASSERT_EQ(child.wait(), -SIGKILL);
  EXPECT_EQ(producer.room().count, 4U);
}

TEST(Ring, AProducerKilledAtAnyMomentLeavesAWholePrefix) {
  const HangGuard guard;
  Dice dice(11);
  std::uint64_t drained = 0;
  for (int round = 0; round < 60; ++round) {
    const RingInRegion ring(64, UINT64_MAX - 200);
    RingConsumer consumer = ring.consumer();
    Forked child([&] { return push_all(ring.producer(), UINT64_MAX, 32, static_cast<std::uint64_t>(round)); });
    std::uint64_t got = 0;
    const auto take = [&] {
      const auto some = pop(consumer, 64);
      for (const Descriptor& descriptor : some)
        if (descriptor == numbered(got)) ++got;
      return some.size();
    };
    std::uint64_t all = 0;
    for (std::uint64_t until = dice.below(1500); all < until;) {
      const std::size_t some = take();
      all += some;
      if (some == 0) std::this_thread::sleep_for(std::chrono::microseconds(20));  // so that the child runs
    }
    while (!consumer.ready())
      std::this_thread::sleep_for(std::chrono::microseconds(20));  // it dies with something sent
    child.kill();
    ASSERT_EQ(child.wait(), -SIGKILL);
    for (std::size_t some = take(); some > 0; some = take()) {
      all += some;
      drained += some;
    }
    ASSERT_EQ(got, all) << "out of order, doubled or torn";
    ASSERT_EQ(ring.layout().tail.value, UINT64_MAX - 200 + got);
  }
  EXPECT_GE(drained, 60U);
}

// Whoever writes there in between, a ring is to its maker what he made.
TEST(Ring, ItsMakerReadsNothingOfItToBegin) {
  alignas(RingLayout) std::array<std::byte, ring_bytes(4)> memory;
  const NewRing ring = reset_ring(memory, 4, 7, 100);
  memory.fill(std::byte{0xFF});
  RingProducer producer(ring);
  RingConsumer consumer(ring);
  EXPECT_TRUE(consumer.ready());  // tail is nonsense
  EXPECT_TRUE(producer.room().violated);
  EXPECT_EQ(ring.place.capacity, 4U);
  static_cast<void>(reset_ring(memory, 4, 7, 100));
  RingProducer sender(ring);
  RingConsumer receiver(ring);
  const Descriptor sent{.task = 5};
  Descriptor received;
  ASSERT_EQ(sender.push({&sent, 1}).count, 1U);
  ASSERT_EQ(receiver.pop({&received, 1}).count, 1U);
  EXPECT_EQ(received, sent);
}

}  // namespace
}  // namespace pixmill::ipc
