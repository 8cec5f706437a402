#include "tests/kernels/images.hpp"

#include <pixmill/error.hpp>

#include <cmath>

namespace pixmill::kernels::testing {
namespace {

std::unique_ptr<const LevelOperation> levels(const Level& low, const Level& high, double gamma) {
  return level_operation("levels", {{"low", Value{low}}, {"high", Value{high}}, {"gamma", Value{gamma}}});
}

LevelTable table_of(const Level& low, const Level& high, double gamma, Depth depth) {
  LevelTable table(depth);
  levels(low, high, gamma)->compose(nullptr, table);
  return table;
}

// In extended precision, so that no rounding of double's decides.
int plain(long double level, long double low, long double high, long double gamma, int largest) {
  const long double share = std::clamp((level - low) / (high - low), 0.0L, 1.0L);
  return static_cast<int>(std::floor(largest * std::pow(share, 1.0L / gamma) + 0.5L + 1e-9L));
}

TEST(Levels, AreTheFormula) {
  for (const Depth depth : {Depth::eight, Depth::sixteen}) {
    const int largest = max_level(depth);
    for (const double gamma : {0.01, 0.45, 1.0, 1.5, 2.2, 100.0}) {
      for (const auto& [low, high] : {std::pair<Level, Level>{{0, true}, {100, true}},
                                      {{10, true}, {90, true}},
                                      {{20, false}, {200, false}},
                                      {{0, false}, {1, false}},
                                      {{99.9, true}, {100, true}},
                                      {{17.5, false}, {60, true}}}) {
        const LevelTable table = table_of(low, high, gamma, depth);
        const double black = low.at(depth, "low");
        const double white = high.at(depth, "high");
        for (int level = 0; level <= largest; ++level) {
          ASSERT_EQ(table[static_cast<std::size_t>(level)], plain(level, black, white, gamma, largest))
              << level << " " << black << " " << white << " " << gamma;
        }
      }
    }
  }
}

TEST(Levels, DefaultsChangeNothing) {
  for (const Depth depth : {Depth::eight, Depth::sixteen}) {
    EXPECT_TRUE(table_of({0, true}, {100, true}, 1, depth).is_identity());
  }
}

TEST(Levels, GammaAboveOneBrightensTheMiddleOnly) {
  const LevelTable table = table_of({0, true}, {100, true}, 2, Depth::eight);
  EXPECT_EQ(table[0], 0);
  EXPECT_EQ(table[64], 128);  // 255 sqrt(64 / 255) = 127.75
  EXPECT_EQ(table[255], 255);
}

TEST(Levels, TiesAreRoundedUp) {
  EXPECT_EQ(table_of({0, false}, {2, false}, 1, Depth::eight)[1], 128);  // 127.5
  EXPECT_EQ(table_of({0, false}, {4, false}, 2, Depth::eight)[1], 128);  // 255 sqrt(1 / 4)
}

TEST(Levels, FollowTheTableBeforeThem) {
  LevelTable table(Depth::eight);
  table.then([](int level) { return 255 - level; });
  levels({0, false}, {100, false}, 1)->compose(nullptr, table);
  EXPECT_EQ(table[255], 0);
  EXPECT_EQ(table[205], 128);
  EXPECT_EQ(table[155], 255);
}

TEST(Levels, LeaveAlpha) {
  const cv::Mat image = noise(11, 7, CV_8UC4, 3);
  const cv::Mat got = applied(*levels({30, true}, {60, true}, 1.2), image);
  cv::Mat before;
  cv::Mat after;
  cv::extractChannel(image, before, 3);
  cv::extractChannel(got, after, 3);
  EXPECT_TRUE(same(before, after));
}

TEST(Levels, LowMustBeBelowHigh) {
  for (const auto& [low, high] : {std::pair<Level, Level>{{50, true}, {50, true}},
                                  {{90, true}, {10, true}},
                                  {{200, false}, {100, false}},
                                  {{0, true}, {0, false}},
                                  {{100, true}, {9, false}}}) {
    EXPECT_THROW(static_cast<void>(levels(low, high, 1)), Error);
  }
  // Only the depth decides these.
  EXPECT_THROW(static_cast<void>(table_of({128, false}, {50, true}, 1, Depth::eight)), KernelFailure);
  EXPECT_NO_THROW(static_cast<void>(table_of({128, false}, {50, true}, 1, Depth::sixteen)));
  EXPECT_THROW(static_cast<void>(table_of({300, false}, {100, true}, 1, Depth::eight)), KernelFailure);
}

}  // namespace
}  // namespace pixmill::kernels::testing
