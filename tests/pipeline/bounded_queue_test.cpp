#include "pipeline/backends/bounded_queue.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace pixmill::pipeline {
namespace {

TEST(BoundedQueue, EveryItemArrivesOnceAndTheBoundsHold) {
  constexpr int kItems = 20000;
  constexpr std::uint64_t kMostBytes = 1000;
  BoundedQueue<int> queue(8, kMostBytes);
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
          ASSERT_TRUE(queue.hold(size_of(item)));
          const std::uint64_t now = held += size_of(item);
          for (std::uint64_t most = most_held; now > most && !most_held.compare_exchange_weak(most, now);) {
          }
          queue.push(item);
        }
        if (--producing == 0) queue.finish();
      });
    }
    for (int c = 0; c < 3; ++c) {
      threads.emplace_back([&] {
        while (const auto item = queue.pop()) {
          ++seen[static_cast<std::size_t>(*item)];
          held -= size_of(*item);
          queue.release(size_of(*item));
        }
      });
    }
  }
  for (const auto& count : seen) EXPECT_EQ(count, 1);
  EXPECT_LE(most_held, kMostBytes);
}

TEST(BoundedQueue, LetsInWhatIsLargerThanTheBoundAlone) {
  BoundedQueue<int> queue(8, 10);
  EXPECT_TRUE(queue.hold(1000));
  queue.push(1);
  EXPECT_EQ(queue.pop(), 1);
  queue.release(1000);
  EXPECT_TRUE(queue.hold(1000));
}

TEST(BoundedQueue, ClosingWakesWhoeverWaits) {
  BoundedQueue<int> queue(1, 10);
  ASSERT_TRUE(queue.hold(1));
  std::jthread producer([&] { EXPECT_FALSE(queue.hold(1)); });
  std::jthread consumer([&] { EXPECT_FALSE(queue.pop()); });
  queue.close();
}

}  // namespace
}  // namespace pixmill::pipeline
