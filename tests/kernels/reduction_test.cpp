#include "kernels/reduction.hpp"
#include "kernels/pixel_accumulator.hpp"
#include "tests/kernels/images.hpp"

#include <cmath>
#include <cstring>
#include <random>
#include <set>

namespace pixmill::kernels::testing {
namespace {

double number(std::string_view name, const ChannelTotals& totals) {
  const Reduction* reduction = find_reduction(name);
  EXPECT_NE(reduction, nullptr) << name;
  return std::get<double>(std::get<LevelReduction>(reduction->operation).finish(totals));
}

/// The totals of `zeros` pixels of level `low` and `ones` of `low + 1`.
ChannelTotals two_levels(std::uint64_t low, Uint128 zeros, Uint128 ones) {
  const std::uint64_t high = low + 1;
  ChannelTotals totals;
  totals.depth = Depth::sixteen;
  totals.pixels = static_cast<std::uint64_t>(zeros + ones);
  totals.min = static_cast<std::uint32_t>(low);
  totals.max = static_cast<std::uint32_t>(high);
  totals.sum = zeros * low + ones * high;
  totals.sum_of_squares = zeros * low * low + ones * high * high;
  return totals;
}

TEST(Reduction, EveryRowIsComplete) {
  std::set<std::string_view> names;
  for (const Reduction& reduction : all_reductions()) {
    SCOPED_TRACE(reduction.descriptor->name);
    EXPECT_TRUE(names.insert(reduction.descriptor->name).second);
    EXPECT_EQ(find_reduction(reduction.descriptor->name), &reduction);
    EXPECT_FALSE(reduction.descriptor->summary.empty());
    EXPECT_FALSE(reduction.descriptor->notes.empty());
    EXPECT_EQ(reduction.descriptor->makes_image, std::holds_alternative<PixelReduction>(reduction.operation));
  }
  EXPECT_EQ(find_reduction("average"), nullptr);
}

TEST(Reduction, MeanAndStdAreThoseOfTheDefinition) {
  std::mt19937 random(5);
  for (int round = 0; round < 50; ++round) {
    std::vector<std::uint32_t> levels(1 + random() % 500);
    for (auto& level : levels) level = random() % (round % 2 == 0 ? 256 : 65536);
    ChannelTotals totals;
    totals.pixels = levels.size();
    for (const std::uint32_t level : levels) {
      totals.sum += level;
      totals.sum_of_squares += std::uint64_t{level} * level;
    }
    const long double mean = static_cast<long double>(totals.sum) / static_cast<long double>(levels.size());
    long double squares = 0;
    for (const std::uint32_t level : levels) squares += (level - mean) * (level - mean);
    const auto deviation = static_cast<double>(std::sqrt(squares / static_cast<long double>(levels.size())));
    EXPECT_DOUBLE_EQ(number("mean", totals), static_cast<double>(mean));
    EXPECT_NEAR(number("std", totals), deviation, 1e-12 * deviation);
  }
}

TEST(Reduction, ConstantImagesDeviateByExactlyNothing) {
  for (const unsigned level : {0U, 1U, 77U, 255U, 65535U}) {
    for (const std::uint64_t pixels : {1ULL, 7ULL, 1000003ULL, 10000000000ULL}) {
      ChannelTotals totals;
      totals.pixels = pixels;
      totals.sum = Uint128{pixels} * level;
      totals.sum_of_squares = Uint128{pixels} * level * level;
      EXPECT_EQ(number("mean", totals), level);
      EXPECT_EQ(number("std", totals), 0.0);
    }
  }
}

TEST(Reduction, OnePixelAmongManyIsNotLostToRounding) {
  for (const std::uint64_t many : {std::uint64_t{1} << 28U, std::uint64_t{1} << 30U, std::uint64_t{10000000000}}) {
    const double share = 1.0 / static_cast<double>(many);
    EXPECT_DOUBLE_EQ(number("std", two_levels(65534, many - 1, 1)), std::sqrt(share * (1 - share)));
    EXPECT_DOUBLE_EQ(number("std", two_levels(65534, 1, many - 1)), std::sqrt(share * (1 - share)));
  }
}

TEST(Reduction, TenThousandMillionPixelsOf16BitsDoNotOverflow) {
  const std::uint64_t half = 5'000'000'000;
  ChannelTotals totals;
  totals.pixels = 2 * half;
  totals.sum = Uint128{half} * 65535;
  totals.sum_of_squares = Uint128{half} * 65535 * 65535;
  EXPECT_EQ(number("mean", totals), 32767.5);
  EXPECT_EQ(number("std", totals), 32767.5);
}

// --- pixel by pixel ---

std::vector<const PixelReduction*> pixel_reductions() {
  std::vector<const PixelReduction*> all;
  for (const Reduction& reduction : all_reductions()) {
    if (const auto* pixels = std::get_if<PixelReduction>(&reduction.operation)) all.push_back(pixels);
  }
  return all;
}

// B, G, R (or gray) of one pixel as 16 bits; gray counts for each.
std::array<std::uint32_t, 3> lifted(const cv::Mat& image, int y, int x) {
  std::array<std::uint32_t, 3> levels{};
  const int channels = image.channels();
  for (int c = 0; c < 3; ++c) {
    const int i = x * channels + (channels <= 2 ? 0 : c);
    levels[static_cast<std::size_t>(c)] =
        image.depth() == CV_16U ? image.ptr<ushort>(y)[i] : image.ptr<uchar>(y)[i] * 257U;
  }
  return levels;
}

// The definitions, in long double and without a thought for speed.
std::uint32_t expected(std::string_view name, const std::vector<std::uint32_t>& levels) {
  const auto count = static_cast<long double>(levels.size());
  if (name == "min-image") return *std::min_element(levels.begin(), levels.end());
  if (name == "max-image") return *std::max_element(levels.begin(), levels.end());
  long double sum = 0;
  for (const std::uint32_t level : levels) sum += level;
  if (name == "mean-image") return static_cast<std::uint32_t>(std::floor(sum / count + 0.5L));
  EXPECT_EQ(name, "std-image");
  long double squares = 0;
  for (const std::uint32_t level : levels) squares += (level - sum / count) * (level - sum / count);
  return static_cast<std::uint32_t>(std::floor(std::sqrt(squares / count) + 0.5L));
}

void expect_images(const std::vector<cv::Mat>& batch) {
  const int rows = batch[0].rows;
  const int cols = batch[0].cols;
  PixelAccumulator state(pixel_reductions(), cols, rows, colour_channels(batch[0].channels()));
  bool colour = false;
  for (const cv::Mat& image : batch) {
    state.add(image);
    colour = colour || image.channels() > 2;
  }
  EXPECT_EQ(state.channels(), colour ? 3 : 1);
  std::size_t n = 0;
  for (const Reduction& reduction : all_reductions()) {
    if (!std::holds_alternative<PixelReduction>(reduction.operation)) continue;
    cv::Mat out(rows, cols, CV_16UC3);
    state.finish(n++, batch.size(), out);
    for (int y = 0; y < rows; ++y) {
      for (int x = 0; x < cols; ++x) {
        for (int c = 0; c < 3; ++c) {
          std::vector<std::uint32_t> levels;
          for (const cv::Mat& image : batch) levels.push_back(lifted(image, y, x)[static_cast<std::size_t>(c)]);
          ASSERT_EQ(out.ptr<ushort>(y)[x * 3 + c], expected(reduction.descriptor->name, levels))
              << reduction.descriptor->name << " at " << x << "," << y << " channel " << c;
        }
      }
    }
  }
}

TEST(PixelReduction, AreThoseOfTheDefinition) {
  const std::vector<int> types{CV_8UC1, CV_8UC2, CV_8UC3, CV_8UC4, CV_16UC1, CV_16UC2, CV_16UC3, CV_16UC4};
  for (const int type : types) {
    std::vector<cv::Mat> batch;
    for (unsigned i = 0; i < 7; ++i) batch.push_back(noise(9, 13, type, i));
    expect_images(batch);
    expect_images({batch[0]});
  }
}

TEST(PixelReduction, TakeMixedBatchesInAnyOrder) {
  std::vector<cv::Mat> batch{noise(6, 5, CV_8UC1, 1),  noise(6, 5, CV_16UC1, 2), noise(6, 5, CV_8UC3, 3),
                             noise(6, 5, CV_16UC4, 4), noise(6, 5, CV_8UC2, 5),  noise(6, 5, CV_16UC3, 6)};
  std::mt19937 random(9);
  for (int round = 0; round < 20; ++round) {
    std::shuffle(batch.begin(), batch.end(), random);
    expect_images(batch);
  }
}

TEST(PixelReduction, FourThousandMillionImagesDoNotOverflow) {
  const std::uint64_t images = UINT32_MAX;
  // What adding 65535 to half of the images (rounded up) and 0 to the others comes to, without adding it.
  const std::uint64_t high = images / 2 + 1;
  const std::uint64_t sum = high * 65535;
  const std::uint64_t squares = sum * 65535;
  const auto finished = [&](std::string_view name, const std::vector<std::uint64_t>& record) {
    const auto& reduction = std::get<PixelReduction>(find_reduction(name)->operation);
    EXPECT_EQ(reduction.record_bytes, record.size() * sizeof(std::uint64_t));
    std::uint16_t level = 0;
    reduction.finish(reinterpret_cast<const std::byte*>(record.data()), images, {&level, 1});
    return level;
  };
  EXPECT_EQ(finished("mean-image", {sum}), 32768);
  EXPECT_EQ(finished("std-image", {sum, squares}), 32767);  // 32767.4999…
}

TEST(PixelReduction, CountsItsMemory) {
  std::uint64_t record = 0;
  for (const PixelReduction* reduction : pixel_reductions()) record += reduction->record_bytes;
  EXPECT_EQ(PixelAccumulator::bytes(pixel_reductions(), {100, 10, 4, Depth::eight}), 3000 * record);
  EXPECT_EQ(PixelAccumulator::bytes(pixel_reductions(), {100, 10, 2, Depth::sixteen}), 1000 * record);
}

}  // namespace
}  // namespace pixmill::kernels::testing
