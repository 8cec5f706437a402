#include "pipeline/backends/gate.hpp"
#include "pipeline/backends/mailbox.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace pixmill::pipeline {
namespace {

TEST(ReadAhead, EveryItemArrivesOnceAndTheBoundsHold) {
  constexpr int kItems = 20000;
  constexpr std::uint64_t kMostBytes = 1000;
  Gate gate({8, kMostBytes});
  Mailbox<int> box;
  std::atomic<int> next{0};
  std::atomic<std::uint64_t> held{0};
  std::atomic<std::uint64_t> most_held{0};
  std::vector<std::atomic<int>> seen(kItems);
  const auto size_of = [](int item) { return static_cast<std::uint64_t>(item % 300); };
  {
    std::atomic<int> producing{3};
    std::vector<std::jthread> threads;
    threads.reserve(6);
    for (int p = 0; p < 3; ++p) {
      threads.emplace_back([&] {
        for (int item = next++; item < kItems; item = next++) {
          ASSERT_TRUE(gate.hold(size_of(item)));
          const std::uint64_t now = held += size_of(item);
          for (std::uint64_t most = most_held; now > most && !most_held.compare_exchange_weak(most, now);) {
          }
          box.push(item);
        }
        if (--producing == 0) box.finish();
      });
    }
    for (int c = 0; c < 3; ++c) {
      threads.emplace_back([&] {
        while (const auto item = box.pop()) {
          ++seen[static_cast<std::size_t>(*item)];
          held -= size_of(*item);
          gate.release(size_of(*item));
        }
      });
    }
  }
  for (const auto& count : seen) EXPECT_EQ(count, 1);
  EXPECT_LE(most_held, kMostBytes);
}

TEST(Gate, LetsInWhatIsLargerThanTheBoundAlone) {
  Gate gate({8, 10});
  EXPECT_TRUE(gate.hold(1000));
  gate.release(1000);
  EXPECT_TRUE(gate.hold(1000));
}

TEST(Gate, LetsInOneForEachWorkerHoweverLarge) {
  Gate gate({.few = 8, .most_bytes = 10, .always = 3});
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(gate.hold(1000));
  std::atomic<bool> in{false};
  std::jthread fourth([&] { in = gate.hold(1000); });
  EXPECT_FALSE(in);
  gate.release(1000);
  fourth.join();
  EXPECT_TRUE(in);
}

TEST(Gate, LetsInManyAsLongAsTheyAreSmall) {
  Gate gate({.few = 2, .most_bytes = 1000, .many = 5, .small_bytes = 100});
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(gate.hold(20));
  std::atomic<bool> in{false};
  std::jthread sixth([&] { in = gate.hold(20); });
  for (int i = 0; i < 3; ++i) gate.release(20);
  sixth.join();
  EXPECT_TRUE(in);
}

TEST(Gate, WhoeverWaitsIsLetInWhenHalfIsGone) {
  constexpr int kItems = 8;
  Gate gate({.few = kItems, .most_bytes = 1000, .always = 2});
  for (int round = 0; round < 100; ++round) {
    for (int i = 0; i < kItems; ++i) EXPECT_TRUE(gate.hold(1));
    std::atomic<int> in{0};
    {
      std::jthread first([&] { in += gate.hold(1) ? 1 : 0; });
      std::jthread second([&] { in += gate.hold(1) ? 1 : 0; });
      for (int i = 0; i < kItems / 2; ++i) gate.release(1);
    }
    EXPECT_EQ(in, 2);
    for (int i = 0; i < kItems / 2 + 2; ++i) gate.release(1);
  }
}

TEST(Gate, ClosingWakesWhoeverWaits) {
  Gate gate({1, 10});
  ASSERT_TRUE(gate.hold(1));
  std::jthread waiter([&] { EXPECT_FALSE(gate.hold(1)); });
  gate.close();
}

TEST(Mailbox, ClosingWakesWhoeverWaits) {
  Mailbox<int> box;
  std::jthread consumer([&] { EXPECT_FALSE(box.pop()); });
  box.close();
  EXPECT_TRUE(box.exhausted());
}

TEST(Mailbox, IsExhaustedOnceFinishedAndEmpty) {
  Mailbox<int> box;
  box.push(1);
  box.finish();
  EXPECT_FALSE(box.exhausted());
  EXPECT_EQ(box.try_pop(), 1);
  EXPECT_TRUE(box.exhausted());
  EXPECT_FALSE(box.try_pop());
}

}  // namespace
}  // namespace pixmill::pipeline
