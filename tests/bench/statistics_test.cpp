#include "bench/statistics.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

namespace pixmill::bench {
namespace {

/// Timings about `middle`, up to `noise` away to either side.
std::vector<double> timings(double middle, double noise, std::size_t count, std::uint64_t seed) {
  Random random(seed);
  std::vector<double> values(count);
  for (double& value : values) {
    value = middle * (1 + noise * (static_cast<double>(random.below(2001)) / 1000.0 - 1));
  }
  return values;
}

// So the binomial distribution tells how often they hold the median, whatever the noise: 93.5 % and 87.5 %.
TEST(Statistics, TheIntervalOfElevenRoundsLeavesTwoOutAtEachEndAndOfSevenOne) {
  const auto interval_of = [](int rounds) {
    std::vector<double> values(static_cast<std::size_t>(rounds));
    std::iota(values.begin(), values.end(), 1);
    return median_interval(values, 1);
  };
  EXPECT_EQ(interval_of(11).low, 3);
  EXPECT_EQ(interval_of(11).high, 9);
  EXPECT_EQ(interval_of(7).low, 2);
  EXPECT_EQ(interval_of(7).high, 6);
}

TEST(Statistics, MedianAndQuantilesOfKnownValues) {
  EXPECT_DOUBLE_EQ(median({3, 1, 2}), 2);
  EXPECT_DOUBLE_EQ(median({4, 1, 2, 3}), 2.5);
  EXPECT_DOUBLE_EQ(median({7}), 7);
  EXPECT_DOUBLE_EQ(quantile({0, 10, 20, 30, 40}, 0.1), 4);
  EXPECT_DOUBLE_EQ(quantile({5, 1}, 1), 5);
}

TEST(Statistics, RandomNumbersAreThoseOfSplitMix64) {
  Random random(1234567);
  EXPECT_EQ(random.next(), 6457827717110365317ULL);
  EXPECT_EQ(random.next(), 3203168211198807973ULL);
  EXPECT_EQ(random.next(), 9817491932198370423ULL);
}

TEST(Statistics, TheIntervalHoldsTheMedianAndIsTheSameForTheSameSeed) {
  const auto values = timings(1, 0.1, 31, 5);
  const Interval interval = median_interval(values, 1);
  EXPECT_LE(interval.low, median(values));
  EXPECT_GE(interval.high, median(values));
  EXPECT_LT(interval.high - interval.low, 0.2);
  const Interval again = median_interval(values, 1);
  EXPECT_EQ(interval.low, again.low);
  EXPECT_EQ(interval.high, again.high);
}

TEST(Statistics, NineteenOfTwentyIntervalsHoldTheTrueMedian) {
  int held = 0;
  constexpr int kTrials = 200;
  for (std::uint64_t trial = 0; trial < kTrials; ++trial) {
    const Interval interval = median_interval(timings(1, 0.2, 15, trial), trial);
    if (interval.low <= 1 && 1 <= interval.high) ++held;
  }
  // The seeds are fixed. A bootstrap of 15 values promises a little less than it says.
  EXPECT_GE(held, kTrials * 88 / 100);
  EXPECT_LT(held, kTrials);
}

TEST(Statistics, OfFewTimingsTheIntervalIsTheirRange) {
  const Interval interval = median_interval(std::vector<double>{2, 5, 3}, 1);
  EXPECT_EQ(interval.low, 2);
  EXPECT_EQ(interval.high, 5);
}

TEST(Statistics, OutliersAreMarked) {
  EXPECT_EQ(outliers(std::vector<double>{1.0, 1.01, 0.99, 1.02, 3.0, 1.0, 0.98}), std::vector<std::size_t>{4});
  EXPECT_TRUE(outliers(std::vector<double>{1.0, 1.01, 0.99, 1.02, 1.03, 1.0, 0.98}).empty());
  EXPECT_TRUE(outliers(std::vector<double>{1, 1, 1}).empty());
  EXPECT_TRUE(outliers({}).empty());
}

TEST(Statistics, TwoThatAreEqualAreCalledEqual) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const auto one = timings(0.5, 0.05, 7, seed);
    const auto other = timings(0.5, 0.05, 7, seed + 1000);
    EXPECT_EQ(compare_rounds(one, other, 0.05, seed).relation, Relation::equal) << seed;
    EXPECT_EQ(compare_series(one, other, 0.05, seed).relation, Relation::equal) << seed;
  }
}

TEST(Statistics, AOneThatIsSlowerIsFound) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const auto one = timings(0.5, 0.03, 7, seed);
    const auto slow = timings(0.6, 0.03, 7, seed + 1000);
    const Comparison rounds = compare_rounds(one, slow, 0.02, seed);
    EXPECT_EQ(rounds.relation, Relation::slower) << seed;
    EXPECT_NEAR(rounds.ratio, 1.2, 0.06);
    EXPECT_EQ(compare_rounds(slow, one, 0.02, seed).relation, Relation::faster) << seed;
    EXPECT_EQ(compare_series(one, slow, 0.02, seed).relation, Relation::slower) << seed;
    EXPECT_EQ(compare_series(slow, one, 0.02, seed).relation, Relation::faster) << seed;
  }
}

TEST(Statistics, WhatSlowsAWholeRoundCountsForNothing) {
  std::vector<double> one;
  std::vector<double> slow;
  for (std::size_t round = 0; round < 9; ++round) {
    const double machine = 1 + static_cast<double>(round);  // it gets ten times slower
    one.push_back(machine);
    slow.push_back(machine * 1.1);
  }
  EXPECT_EQ(compare_rounds(one, slow, 0.02, 1).relation, Relation::slower);
  EXPECT_NEAR(compare_rounds(one, slow, 0.02, 1).ratio, 1.1, 1e-12);
  EXPECT_EQ(compare_series(one, slow, 0.02, 1).relation, Relation::equal);
}

TEST(Statistics, WithinTheToleranceIsEqual) {
  const std::vector<double> one(9, 1.0);
  const std::vector<double> other(9, 1.015);
  EXPECT_EQ(compare_rounds(one, other, 0.02, 1).relation, Relation::equal);
  EXPECT_EQ(compare_rounds(one, other, 0.01, 1).relation, Relation::slower);
}

TEST(Statistics, WarmUpIsOverWhenTwoRoundsAgree) {
  EXPECT_FALSE(settled(std::vector<double>{1.0}, 0.1));
  EXPECT_FALSE(settled(std::vector<double>{2.0, 1.0}, 0.1));
  EXPECT_TRUE(settled(std::vector<double>{2.0, 1.0, 1.05}, 0.1));
}

TEST(Statistics, EachRoundHasEachOnceInAnOrderOfTheSeed) {
  const auto rounds = shuffled_rounds(10, 20, 42);
  ASSERT_EQ(rounds.size(), 20U);
  std::set<std::vector<std::size_t>> different;
  for (auto order : rounds) {
    different.insert(order);
    std::sort(order.begin(), order.end());
    for (std::size_t i = 0; i < order.size(); ++i) EXPECT_EQ(order[i], i);
  }
  EXPECT_GT(different.size(), 15U);
  EXPECT_EQ(shuffled_rounds(10, 20, 42), rounds);
  EXPECT_NE(shuffled_rounds(10, 20, 43), rounds);
}

TEST(Statistics, SpreadIsRelative) {
  EXPECT_NEAR(spread(timings(1, 0.1, 1001, 3)), 0.16, 0.01);
  EXPECT_NEAR(spread(timings(50, 0.1, 1001, 3)), 0.16, 0.01);
  EXPECT_EQ(spread(std::vector<double>{3, 3, 3}), 0);
}

}  // namespace
}  // namespace pixmill::bench
