#include "kernels/threshold_methods.hpp"

#include "kernels/thresholds/exact.hpp"
#include "tests/kernels/images.hpp"
#include "tests/kernels/plain_thresholds.hpp"

#include <cmath>
#include <numeric>
#include <random>

namespace pixmill::kernels::testing {
namespace {

/// Of the same counts in 32 and in 64 bits, which must agree; nothing where the method has no answer.
std::optional<int> found(std::string_view name, const Counts& counts) {
  const auto method = std::ranges::find_if(kThresholdMethods, [&](const auto& m) { return m.choice.name == name; });
  const auto find = [&](const auto& span) -> std::optional<int> {
    try {
      return threshold_of(*method, LevelCounts(span));
    } catch (const KernelFailure&) {
      return std::nullopt;
    }
  };
  const std::optional<int> wide = find(std::span<const std::uint64_t>(counts));
  if (std::ranges::all_of(counts, [](std::uint64_t count) { return count <= 0xffffffffU; })) {
    const std::vector<std::uint32_t> narrow(counts.begin(), counts.end());
    EXPECT_EQ(find(std::span<const std::uint32_t>(narrow)), wide) << name;
  }
  return wide;
}

/// A histogram by its levels and how often they occur.
Counts counts_of(int levels, const std::vector<std::pair<int, std::uint64_t>>& occurring) {
  Counts counts(static_cast<std::size_t>(levels));
  for (const auto& [level, count] : occurring) counts[static_cast<std::size_t>(level)] += count;
  return counts;
}

/// Bell curves, each a middle, a width (both as shares of the range) and a number of pixels.
struct Bell {
  double middle;
  double width;
  int pixels;
};
Counts bells(int levels, const std::vector<Bell>& curves, unsigned seed) {
  Counts counts(static_cast<std::size_t>(levels));
  std::mt19937 random(seed);
  for (const Bell& bell : curves) {
    std::normal_distribution<double> level(bell.middle * levels, bell.width * levels);
    for (int i = 0; i < bell.pixels; ++i) {
      ++counts[static_cast<std::size_t>(std::clamp(level(random), 0.0, levels - 1.0))];
    }
  }
  return counts;
}

/// The same without noise.
Counts smooth_bells(int levels, const std::vector<Bell>& curves) {
  Counts counts(static_cast<std::size_t>(levels));
  for (const Bell& bell : curves) {
    for (std::size_t level = 0; level < counts.size(); ++level) {
      const double away = (static_cast<double>(level) / levels - bell.middle) / bell.width;
      counts[level] += static_cast<std::uint64_t>(bell.pixels / bell.width / levels * std::exp(-away * away / 2));
    }
  }
  return counts;
}

/// Noise, structures, gaps, and counts from one pixel to the largest images.
std::vector<Counts> histograms(int levels) {
  std::vector<Counts> all;
  std::mt19937 random(static_cast<unsigned>(levels));
  const auto below = [&](std::uint64_t end) { return random() % end; };
  for (unsigned seed = 0; seed < (levels > 256 ? 3U : 60U); ++seed) {
    all.push_back(bells(levels, {{0.3, 0.08, 40000}, {0.7, 0.1, 20000}}, seed));
    all.push_back(bells(levels, {{0.1 + 0.01 * seed, 0.1, 9000}, {0.5, 0.02, 300}, {0.95, 0.1, 9000}}, seed));
    all.push_back(bells(levels, {{0.5, 0.2, 200}}, seed));
    Counts noise(static_cast<std::size_t>(levels));
    for (std::uint64_t& count : noise) count = below(1000);
    all.push_back(noise);
    for (std::uint64_t& count : noise) count = below(30) == 0 ? below(4) : 0;
    noise[static_cast<std::size_t>(levels) / 3] = 2;
    noise[static_cast<std::size_t>(levels) / 2] = 1;
    all.push_back(noise);
    Counts far = counts_of(levels, {{static_cast<int>(below(static_cast<std::uint64_t>(levels))), 1U << 28},
                                    {static_cast<int>(below(static_cast<std::uint64_t>(levels))), 1},
                                    {static_cast<int>(below(static_cast<std::uint64_t>(levels))), 77}});
    all.push_back(far);
    Counts comb(static_cast<std::size_t>(levels));
    for (std::size_t level = seed % 7; level < comb.size(); level += 7) comb[level] = 1 + below(1U << 20);
    all.push_back(comb);
  }
  Counts mirrored(static_cast<std::size_t>(levels));
  for (std::size_t i = 0; i < mirrored.size() / 2; ++i) mirrored[i] = mirrored[mirrored.size() - 1 - i] = below(50);
  all.push_back(mirrored);
  all.emplace_back(static_cast<std::size_t>(levels), 3);
  return all;
}

/// That the method's level is worth as much as any, to what rounding allows, and that it is the first such level.
void expect_best(const std::string_view method, const Counts& counts, const Worth& worth, Real rounding) {
  if (worth.of.empty()) return;  // one level: see below
  const std::optional<int> threshold = found(method, counts);
  ASSERT_TRUE(threshold);
  const auto at = static_cast<std::size_t>(*threshold) - worth.first;
  ASSERT_LT(at, worth.of.size());
  const Real best = *std::max_element(worth.of.begin(), worth.of.end());
  EXPECT_GE(worth.of[at], best - rounding);
  for (std::size_t i = 0; i < at; ++i) ASSERT_LT(worth.of[i], worth.of[at] + rounding) << i + worth.first;
  // The lowest of equals, but where rounding can tell none apart.
  const auto first = std::find_if(worth.of.begin(), worth.of.end(), [&](Real w) { return w >= best - rounding; });
  EXPECT_GE(at, static_cast<std::size_t>(first - worth.of.begin()));
}

TEST(ThresholdMethods, TheBestLevelIsTaken) {
  for (const int levels : {256, 65536}) {
    for (const Counts& counts : histograms(levels)) {
      expect_best("yen", counts, yen_worth(counts), 1e-11L);
      expect_best("kapur", counts, kapur_worth(counts), 1e-11L);
    }
  }
}

// OpenCV leaves classes out that hold less than about 1e-7 of the pixels.
TEST(ThresholdMethods, OtsuTakesTheBestLevel) {
  for (const int levels : {256, 65536}) {
    for (const Counts& counts : histograms(levels)) {
      if (*std::max_element(counts.begin(), counts.end()) >= 1U << 28) continue;
      const Worth worth = otsu_worth(counts);
      expect_best("otsu", counts, worth, 1e-12L * *std::max_element(worth.of.begin(), worth.of.end()));
    }
  }
}

TEST(ThresholdMethods, AgreeWithTheirDefinitions) {
  for (const int levels : {256, 65536}) {
    const std::vector<Counts> all = histograms(levels);
    for (std::size_t i = 0; i < all.size(); ++i) {
      SCOPED_TRACE(std::to_string(levels) + " levels, histogram " + std::to_string(i));
      EXPECT_EQ(found("median", all[i]), plain_median(all[i]));
      EXPECT_EQ(found("mean", all[i]), static_cast<int>(mean_in(all[i], 0, all[i].size())));
      EXPECT_EQ(found("isodata", all[i]), plain_isodata(all[i]));
      EXPECT_EQ(found("li", all[i]), plain_li(all[i]));
    }
  }
}

TEST(ThresholdMethods, MinimumTakesThePlainSteps) {
  const std::vector<Counts> all = histograms(256);
  int answers = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::optional<int> plain = plain_minimum(all[i]);
    ASSERT_EQ(found("minimum", all[i]), plain) << i;
    answers += plain ? 1 : 0;
  }
  EXPECT_GT(answers, static_cast<int>(all.size()) / 2);
}

TEST(ThresholdMethods, MinimumGathersLevelsWhereThereAreMany) {
  // Up to two gatherings; and sizes that four does not divide.
  for (const int levels : {257, 700, 1501, 4300}) {
    const Counts rough = bells(levels, {{0.3, 0.08, 3000}, {0.7, 0.1, 2000}}, static_cast<unsigned>(levels));
    const std::optional<int> threshold = found("minimum", rough);
    EXPECT_EQ(threshold, plain_minimum(rough)) << levels;
    ASSERT_TRUE(threshold) << levels;
  }
}

TEST(ThresholdMethods, MinimumOf16BitsLiesBetweenThePeaks) {
  const std::optional<int> rough = found("minimum", bells(65536, {{0.3, 0.06, 300000}, {0.7, 0.06, 200000}}, 1));
  ASSERT_TRUE(rough);
  EXPECT_GT(*rough, 26000);
  EXPECT_LT(*rough, 40000);
  // Two clusters that need a few means: the same as without the levels above and between.
  Counts narrow = bells(400, {{0.2, 0.03, 50000}, {0.8, 0.03, 50000}}, 2);
  Counts wide(65536);
  std::copy(narrow.begin(), narrow.end(), wide.begin() + 30000);
  ASSERT_TRUE(found("minimum", narrow));
  EXPECT_EQ(*found("minimum", wide), *found("minimum", narrow) + 30000);
}

TEST(ThresholdMethods, MinimumTakesAnEndForThePeakThatIsMissing) {
  // A page: gray letters, and paper that is white beyond white.
  Counts page = smooth_bells(256, {{0.3, 0.05, 9000}});
  page[255] = 90000;
  const std::optional<int> threshold = found("minimum", page);
  ASSERT_TRUE(threshold);
  EXPECT_GT(*threshold, 100);
  EXPECT_LT(*threshold, 254);
}

TEST(ThresholdMethods, MinimumFailsWithoutTwoPeaks) {
  EXPECT_FALSE(found("minimum", smooth_bells(256, {{0.5, 0.1, 1000000}})));
  EXPECT_FALSE(found("minimum", Counts(256, 5)));
  EXPECT_FALSE(found("minimum", counts_of(256, {{9, 4}, {10, 4}})));
  EXPECT_FALSE(found("minimum", counts_of(65536, {{40000, 1}})));
}

// Multiplying by a power of two changes no bit of a quotient, so every method must find the same in a large batch.
TEST(ThresholdMethods, CountsOfManyImagesDoNotOverflow) {
  for (const int levels : {256, 65536}) {
    const Counts small = bells(levels, {{0.2, 0.02, 7000}, {0.97, 0.02, 9000}}, 1);
    Counts large = small;
    for (std::uint64_t& count : large) count <<= 33U;  // 2^47 pixels
    for (const auto& method : kThresholdMethods) {
      EXPECT_EQ(found(method.choice.name, large), found(method.choice.name, small)) << method.choice.name;
    }
  }
  // The largest image, and the largest batch, of the two outermost levels.
  for (const unsigned bits : {27U, 47U}) {
    const Counts halves = counts_of(65536, {{0, std::uint64_t{1} << bits}, {65535, std::uint64_t{1} << bits}});
    EXPECT_EQ(found("mean", halves), 32767);
    EXPECT_EQ(found("median", halves), 0);
    EXPECT_EQ(found("isodata", halves), 32767);
    for (const std::string_view method : {"otsu", "li", "yen", "kapur"}) EXPECT_EQ(found(method, halves), 0) << method;
  }
}

TEST(ThresholdMethods, OfOneLevelNothingIsAbove) {
  for (const int levels : {256, 65536}) {
    for (const int level : {0, 1, levels / 2, levels - 1}) {
      for (const std::uint64_t pixels : {std::uint64_t{1}, std::uint64_t{1} << 28U, std::uint64_t{1} << 48U}) {
        const Counts one = counts_of(levels, {{level, pixels}});
        for (const std::string_view method : {"mean", "median", "li", "yen", "isodata", "kapur"}) {
          EXPECT_EQ(found(method, one), level) << method;
        }
        EXPECT_EQ(found("otsu", one), 0);
        EXPECT_FALSE(found("minimum", one));
        ASSERT_TRUE(found("triangle", one));
        EXPECT_LE(std::abs(*found("triangle", one) - level), 2);
      }
    }
  }
}

TEST(ThresholdMethods, TwoLevelsAreToldApart) {
  for (const int levels : {256, 65536}) {
    for (const auto& [low, high] :
         {std::pair{0, levels - 1}, {0, 1}, {levels - 2, levels - 1}, {levels / 3, levels / 2}}) {
      for (const auto& [dark, bright] : {std::pair<std::uint64_t, std::uint64_t>{1, 1}, {1, 9}, {9, 1}, {5, 5}}) {
        const Counts two = counts_of(levels, {{low, dark}, {high, bright}});
        for (const std::string_view method : {"otsu", "li", "yen", "kapur"}) {
          EXPECT_EQ(found(method, two), low) << method << " " << low << " " << high;
        }
        EXPECT_EQ(found("isodata", two), (low + high) / 2);
        EXPECT_EQ(found("median", two), dark >= bright ? low : high);
        if (high - low > 3) {
          ASSERT_TRUE(found("minimum", two));
          EXPECT_GE(*found("minimum", two), low);
          EXPECT_LT(*found("minimum", two), high);
        }
      }
    }
  }
}

TEST(ThresholdMethods, OfNothingIsZero) {
  for (const ThresholdMethod& method : kThresholdMethods) {
    EXPECT_EQ(threshold_of(method, LevelCounts(std::span<const std::uint64_t>(Counts(256)))), 0);
    EXPECT_EQ(threshold_of(method, LevelCounts(std::span<const std::uint32_t>())), 0);
  }
}

TEST(ThresholdMethods, HaveNamesSourcesAndExamplesOfTheirOwn) {
  for (std::size_t i = 0; i < kThresholdMethods.size(); ++i) {
    const ThresholdMethod& method = kThresholdMethods[i];
    EXPECT_EQ(kThresholdChoices[i].name, method.choice.name);
    EXPECT_NE(kThresholdExamples[i].find("threshold=" + std::string(method.choice.name)), std::string_view::npos);
    EXPECT_NE(kThresholdSources.find(method.source), std::string_view::npos);
  }
}

TEST(LevelCounts, KnowsTheEndsAndThePixels) {
  const Counts counts = counts_of(256, {{3, 2}, {200, std::uint64_t{1} << 40U}});
  const LevelCounts view{std::span<const std::uint64_t>(counts)};
  EXPECT_EQ(view.levels(), 256);
  EXPECT_EQ(view.darkest(), 3);
  EXPECT_EQ(view.brightest(), 200);
  EXPECT_EQ(view.pixels(), (std::uint64_t{1} << 40U) + 2);
  EXPECT_EQ(view[200], std::uint64_t{1} << 40U);
  const LevelCounts nothing{std::span<const std::uint64_t>(Counts(256))};
  EXPECT_EQ(nothing.pixels(), 0U);
  EXPECT_LT(nothing.brightest(), nothing.darkest());
}

TEST(NaturalLog, IsTheLogarithm) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 200000; ++i) {
    const double value = i < 70000    ? i + 1.0
                         : i % 2 == 0 ? static_cast<double>(random())
                                      : 1 + std::ldexp(random(), -64);
    const double want = std::log(value);
    ASSERT_NEAR(natural_log(value), want, 9e-16 * std::abs(want)) << value;
  }
  EXPECT_EQ(natural_log(1), 0);
}

}  // namespace
}  // namespace pixmill::kernels::testing
