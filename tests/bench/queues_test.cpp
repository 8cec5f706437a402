#include "bench/queues.hpp"

#include "bench/lanes.hpp"

#include <pixmill/error.hpp>

#include <gtest/gtest.h>

#include <sched.h>

#include <numeric>

namespace pixmill::bench {
namespace {

bool two_cpus() {
  cpu_set_t allowed;
  return ::sched_getaffinity(0, sizeof allowed, &allowed) == 0 && CPU_COUNT(&allowed) >= 2;
}

TEST(Queues, BucketsAreHalfOctaves) {
  EXPECT_EQ(latency_bucket(0), 0U);
  EXPECT_EQ(latency_bucket(64), 0U);
  EXPECT_EQ(latency_bucket(129), 2U);
  EXPECT_EQ(latency_bucket(1e18), kLatencyBuckets - 1);
  for (std::size_t i = 0; i < kLatencyBuckets; ++i) EXPECT_EQ(latency_bucket(bucket_begin(i) * 1.01), i);
}

TEST(Queues, EveryKindCarriesEveryMessage) {
  const QueueLoad load{100, 2};
  if (!two_cpus()) {
    EXPECT_THROW(static_cast<void>(compare_queues(1, 1, {}, {}, load)), Error);
    return;
  }
  const auto results = compare_queues(1, 1, {}, {}, load);
  ASSERT_EQ(results.size(), lane_kinds().size());
  EXPECT_FALSE(results[0].ring_over_p50);
  for (const QueueResult& queue : results) {
    EXPECT_EQ(std::accumulate(queue.histogram.begin(), queue.histogram.end(), std::uint64_t{0}), 100U) << queue.name;
    EXPECT_GT(queue.p50_ns, 0) << queue.name;
    EXPECT_GE(queue.p99_ns, queue.p50_ns) << queue.name;
    EXPECT_GT(queue.stream_per_s, 0) << queue.name;
  }
}

TEST(Queues, AStopEndsThem) {
  std::stop_source stop;
  stop.request_stop();
  const auto compare = [&] { return compare_queues(1, 1, stop.get_token(), {}, {100, 2}); };
  if (!two_cpus()) {
    EXPECT_THROW(static_cast<void>(compare()), Error);
    return;
  }
  EXPECT_TRUE(compare().empty());
}

}  // namespace
}  // namespace pixmill::bench
