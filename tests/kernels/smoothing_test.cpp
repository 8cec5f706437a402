#include "kernels/thresholds/smoothing.hpp"

#include "kernels/thresholds/smoothing_pass.hpp"
#include "tests/kernels/images.hpp"
#include "tests/kernels/plain_thresholds.hpp"

#include <cmath>

namespace pixmill::kernels::testing {
namespace {

std::vector<double> heights_of(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<double> heights(size);
  for (double& height : heights) height = random() % 4 == 0 ? 0 : random() % 100000;
  return heights;
}

std::vector<double> plainly(std::vector<double> heights, double scale, int passes) {
  for (double& height : heights) height *= scale;
  const std::size_t last = heights.size() - 1;
  for (int pass = 0; pass < passes; ++pass) {
    const std::vector<double> old = heights;
    for (std::size_t i = 0; i <= last; ++i) heights[i] = (old[i > 0 ? i - 1 : 0] + old[std::min(i + 1, last)]) + old[i];
  }
  return heights;
}

TEST(Smoothing, OnePassIsThePlainOneOnEveryTarget) {
  for_each_simd_target([] {
    for (const int count : {0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 100, 1024}) {
      std::vector<double> heights = heights_of(static_cast<std::size_t>(count) + 2, 1);
      for (double& height : heights) height /= 3;
      std::vector<double> plain = heights;
      add_neighbours(heights.data(), count);
      add_neighbours_plain(plain.data(), count);
      ASSERT_EQ(heights, plain) << count;
    }
  });
}

TEST(Smoothing, ManyPassesAtOnceAreTheSameAsOneByOne) {
  for_each_simd_target([] {
    for (const std::size_t size : {1U, 2U, 3U, 10U, 31U, 256U, 1023U, 1024U, 1025U, 2050U, 5000U}) {
      for (const int passes : {1, 2, 5, kMaxPassesAtOnce}) {
        const std::vector<double> heights = heights_of(size, static_cast<unsigned>(size));
        std::vector<double> smoothed(size);
        smooth(heights, 0.25, passes, {}, smoothed);
        ASSERT_EQ(smoothed, plainly(heights, 0.25, passes)) << size << " heights, " << passes << " passes";
      }
    }
  });
}

TEST(Smoothing, TailsBecomeZeroBeforeTheyAreSlow) {
  const std::vector<double> heights{1e-300, 1, 0, 1e-249};
  std::vector<double> smoothed(heights.size());
  smooth(heights, 0.5, 1, {}, smoothed);
  EXPECT_EQ(smoothed, (std::vector<double>{0.5, 0.5, 0.5 + 0.5e-249, 1e-249}));
}

TEST(Smoothing, TellsAfterWhichPassTheWitnessIsLost) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    const std::vector<double> heights = heights_of(seed % 2 == 0 ? 60 : 3000, seed);
    const Peaks peaks = find_peaks(heights);
    ASSERT_GE(peaks.count, 3);
    std::vector<double> smoothed(heights.size());
    const int lasted = smooth(heights, 1, kMaxPassesAtOnce, peaks.witness, smoothed);
    for (int pass = 1; pass <= kMaxPassesAtOnce && pass <= lasted + 1; ++pass) {
      const std::vector<double> now = plainly(heights, 1, pass);
      const auto at = [&](std::size_t i) { return now[static_cast<std::size_t>(peaks.witness[i])]; };
      const bool shows = at(0) > at(1) && at(1) < at(2) && at(2) > at(3) && at(3) < at(4) && at(4) > at(5);
      ASSERT_EQ(shows, pass <= lasted) << seed << " " << pass;
      if (shows) {
        ASSERT_GE(plain_peaks(now).size(), 3U);
      }
    }
  }
}

TEST(FindPeaks, AreWhereHeightsFallAgain) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    std::vector<double> heights = heights_of(1 + seed % 40, seed);
    for (double& height : heights) height = std::floor(height / 30000);  // tops that are flat
    const std::vector<std::size_t> plain = plain_peaks(heights);
    const Peaks peaks = find_peaks(heights);
    ASSERT_EQ(peaks.count, static_cast<int>(plain.size()));
    for (std::size_t i = 0; i < std::min<std::size_t>(2, plain.size()); ++i) {
      EXPECT_EQ(peaks.at[i], static_cast<int>(plain[i]));
    }
    if (peaks.count < 3) continue;
    const auto at = [&](std::size_t i) { return heights[static_cast<std::size_t>(peaks.witness[i])]; };
    EXPECT_TRUE(at(0) > at(1) && at(1) < at(2) && at(2) > at(3) && at(3) < at(4) && at(4) > at(5)) << seed;
    EXPECT_TRUE(std::ranges::is_sorted(peaks.witness));
  }
}

TEST(FindPeaks, KnowsAnEndThatRises) {
  EXPECT_TRUE(find_peaks(std::vector<double>{3, 1, 2}).rises_at_end);
  EXPECT_TRUE(find_peaks(std::vector<double>{3, 1, 2, 2}).rises_at_end);
  EXPECT_FALSE(find_peaks(std::vector<double>{3, 1, 1}).rises_at_end);
  EXPECT_EQ(find_peaks(std::vector<double>{3, 1, 2}).count, 1);
  EXPECT_EQ(find_peaks({}).count, 0);
}

}  // namespace
}  // namespace pixmill::kernels::testing
