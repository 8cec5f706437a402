#include "bench/scaling.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace pixmill::bench {
namespace {

/// Seven timings at each number of jobs, as `law` says, up to `noise` away.
std::vector<ScalingPoint> measured(const std::vector<int>& jobs, const std::function<double(double)>& law,
                                   double noise = 0) {
  Random random(7);
  std::vector<ScalingPoint> points;
  for (const int n : jobs) {
    ScalingPoint point{n, {}};
    for (int i = 0; i < 7; ++i) {
      point.seconds.push_back(law(n) * (1 + noise * (static_cast<double>(random.below(2001)) / 1000.0 - 1)));
    }
    points.push_back(point);
  }
  return points;
}

double amdahl(double n) { return 2.0 * (0.1 + 0.9 / n); }
double usl(double n) { return 3.0 * (1 + 0.05 * (n - 1) + 0.001 * n * (n - 1)) / n; }

TEST(Scaling, KarpFlattOfKnownSpeedUps) {
  EXPECT_FALSE(karp_flatt(1, 1));
  EXPECT_DOUBLE_EQ(*karp_flatt(2, 2), 0);
  EXPECT_DOUBLE_EQ(*karp_flatt(1, 2), 1);
  // Of a tenth that is serial, whatever the number of workers.
  for (const int n : {2, 3, 8, 64}) EXPECT_NEAR(*karp_flatt(amdahl(1) / amdahl(n), n), 0.1, 1e-12) << n;
  // Superlinear: below 0, and said as it is.
  EXPECT_LT(*karp_flatt(2.2, 2), 0);
}

TEST(Scaling, AmdahlIsFoundAgain) {
  const auto fit = fit_amdahl(measured({1, 2, 4, 8}, amdahl), {8, 32, 128}, 1);
  ASSERT_TRUE(fit);
  EXPECT_NEAR(fit->seconds, 2, 1e-9);
  EXPECT_NEAR(fit->serial_share, 0.1, 1e-9);
  ASSERT_EQ(fit->predictions.size(), 3U);
  EXPECT_EQ(fit->predictions[1].jobs, 32);
  EXPECT_NEAR(fit->predictions[1].speedup, amdahl(1) / amdahl(32), 1e-9);
}

TEST(Scaling, WithNoiseTheIntervalHoldsTheTruth) {
  const auto fit = fit_amdahl(measured({1, 2, 3, 4, 6, 8}, amdahl, 0.03), {128}, 1);
  ASSERT_TRUE(fit);
  EXPECT_LE(fit->serial_interval.low, 0.1);
  EXPECT_GE(fit->serial_interval.high, 0.1);
  EXPECT_LT(fit->serial_interval.high - fit->serial_interval.low, 0.1);
  EXPECT_LE(fit->predictions[0].interval.low, amdahl(1) / amdahl(128));
  EXPECT_GE(fit->predictions[0].interval.high, amdahl(1) / amdahl(128));
}

TEST(Scaling, UslIsFoundAgain) {
  const auto fit = fit_usl(measured({1, 2, 4, 8, 16, 32}, usl), {64}, 1);
  ASSERT_TRUE(fit);
  EXPECT_NEAR(fit->seconds, 3, 1e-6);
  EXPECT_NEAR(fit->contention, 0.05, 1e-6);
  EXPECT_NEAR(fit->coherence, 0.001, 1e-7);
  EXPECT_NEAR(fit->predictions[0].speedup, usl(1) / usl(64), 1e-4);
}

TEST(Scaling, NoCoefficientIsBelowNothing) {
  // Faster than it should be: the best fit without bounds would have a negative serial share.
  const auto superlinear = [](double n) { return 1 / (n * 1.1); };
  const auto points = measured({1, 2, 4, 8}, [&](double n) { return n == 1 ? 1.0 : superlinear(n); });
  const auto fit = fit_amdahl(points, {8}, 1);
  ASSERT_TRUE(fit);
  EXPECT_GE(fit->serial_share, 0);
  EXPECT_LE(fit->serial_share, 1);
  const auto law = fit_usl(points, {8}, 1);
  ASSERT_TRUE(law);
  EXPECT_GE(law->contention, 0);
  EXPECT_GE(law->coherence, 0);
}

TEST(Scaling, NothingScalesAtAll) {
  const auto fit = fit_amdahl(measured({1, 2, 4}, [](double) { return 5.0; }), {128}, 1);
  ASSERT_TRUE(fit);
  EXPECT_NEAR(fit->serial_share, 1, 1e-9);
  EXPECT_NEAR(fit->predictions[0].speedup, 1, 1e-9);
}

TEST(Scaling, TooFewPointsAreNotFitted) {
  EXPECT_FALSE(fit_amdahl(measured({1, 2}, amdahl), {8}, 1));
  EXPECT_FALSE(fit_usl(measured({1, 2, 4}, usl), {8}, 1));
}

}  // namespace
}  // namespace pixmill::bench
