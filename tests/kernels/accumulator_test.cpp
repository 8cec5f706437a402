#include "kernels/accumulator.hpp"
#include "tests/kernels/images.hpp"

#include <cmath>
#include <numeric>
#include <ranges>

namespace pixmill::kernels::testing {
namespace {

Partial partial_of(const cv::Mat& image, bool with_histogram = true) {
  Histogram histogram;
  histogram.reset(depth_of(image), image.channels());
  histogram.add(image);
  return make_partial(histogram, with_histogram);
}

/// All levels of one channel (R, G, B order) of a batch, as its result counts them.
std::vector<std::uint32_t> levels_of(const std::vector<cv::Mat>& images, std::size_t channel, bool lift) {
  std::vector<std::uint32_t> levels;
  for (const cv::Mat& image : images) {
    const int colours = colour_channels(image.channels());
    const int index = colours == 1 ? 0 : 2 - static_cast<int>(channel);
    for (int y = 0; y < image.rows; ++y) {
      for (int x = 0; x < image.cols; ++x) {
        const int i = x * image.channels() + index;
        levels.push_back(image.depth() == CV_16U ? image.ptr<ushort>(y)[i]
                                                 : image.ptr<uchar>(y)[i] * (lift ? 257U : 1U));
      }
    }
  }
  return levels;
}

void expect_same(const Accumulator::Result& a, const Accumulator::Result& b) {
  ASSERT_EQ(a.images, b.images);
  ASSERT_EQ(a.pixels, b.pixels);
  ASSERT_EQ(a.depth, b.depth);
  ASSERT_EQ(a.channels.size(), b.channels.size());
  for (std::size_t i = 0; i < a.channels.size(); ++i) {
    EXPECT_EQ(a.channels[i].min, b.channels[i].min);
    EXPECT_EQ(a.channels[i].max, b.channels[i].max);
    EXPECT_TRUE(a.channels[i].sum == b.channels[i].sum);
    EXPECT_TRUE(a.channels[i].sum_of_squares == b.channels[i].sum_of_squares);
    EXPECT_EQ(a.channels[i].histogram, b.channels[i].histogram);
  }
}

void expect_is_of(const Accumulator::Result& result, const std::vector<cv::Mat>& images) {
  const auto most_of = [&](auto of_image) { return std::ranges::max(images | std::views::transform(of_image)); };
  const int colours = most_of([](const cv::Mat& image) { return colour_channels(image.channels()); });
  ASSERT_EQ(result.channels.size(), static_cast<std::size_t>(colours));
  const bool lift = most_of([](const cv::Mat& image) { return image.depth() == CV_16U; });
  ASSERT_EQ(result.depth, lift ? Depth::sixteen : Depth::eight);
  for (std::size_t channel = 0; channel < result.channels.size(); ++channel) {
    const std::vector<std::uint32_t> levels = levels_of(images, channel, lift);
    const ChannelTotals& got = result.channels[channel];
    ASSERT_EQ(result.pixels, levels.size());
    EXPECT_EQ(got.min, *std::min_element(levels.begin(), levels.end()));
    EXPECT_EQ(got.max, *std::max_element(levels.begin(), levels.end()));
    const auto sum = std::accumulate(levels.begin(), levels.end(), std::uint64_t{0});
    EXPECT_TRUE(got.sum == sum);
    Uint128 squares = 0;
    for (const std::uint64_t level : levels) squares += level * level;
    EXPECT_TRUE(got.sum_of_squares == squares);
    std::vector<std::uint64_t> counts(static_cast<std::size_t>(level_count(result.depth)));
    for (const std::uint32_t level : levels) ++counts[level];
    EXPECT_EQ(got.histogram, counts);
  }
}

TEST(Accumulator, PartialIsExact) {
  for (const int type : {CV_8UC1, CV_8UC2, CV_8UC3, CV_8UC4, CV_16UC1, CV_16UC3}) {
    const cv::Mat image = noise(23, 31, type, 3);
    const Partial partial = partial_of(image, true);
    ASSERT_EQ(partial.channels.size(), static_cast<std::size_t>(colour_channels(image.channels())));
    EXPECT_EQ(partial.pixels, image.total());
    for (std::size_t channel = 0; channel < partial.channels.size(); ++channel) {
      const std::vector<std::uint32_t> levels = levels_of({image}, channel, false);
      std::uint64_t squares = 0;
      for (const std::uint64_t level : levels) squares += level * level;
      EXPECT_EQ(partial.channels[channel].sum, std::accumulate(levels.begin(), levels.end(), std::uint64_t{0}));
      EXPECT_EQ(partial.channels[channel].sum_of_squares, squares);
      EXPECT_EQ(partial.channels[channel].min, *std::min_element(levels.begin(), levels.end()));
      EXPECT_EQ(partial.channels[channel].max, *std::max_element(levels.begin(), levels.end()));
    }
    EXPECT_TRUE(partial_of(image, false).channels[0].histogram.empty());
  }
}

TEST(Accumulator, MixedBatchesAreLiftedToColourAnd16Bits) {
  const std::vector<std::vector<cv::Mat>> batches{
      {noise(5, 7, CV_8UC1, 1)},
      {noise(5, 7, CV_8UC1, 1), noise(3, 9, CV_8UC1, 2)},
      {noise(5, 7, CV_8UC1, 1), noise(3, 9, CV_8UC3, 2)},
      {noise(5, 7, CV_8UC4, 1), noise(3, 9, CV_16UC1, 2)},
      {noise(5, 7, CV_8UC1, 1), noise(3, 9, CV_16UC1, 2)},
      {noise(5, 7, CV_8UC1, 1), noise(3, 9, CV_16UC3, 2), noise(4, 4, CV_8UC3, 3), noise(4, 5, CV_16UC2, 4)},
  };
  for (const auto& batch : batches) {
    Accumulator accumulator;
    for (const cv::Mat& image : batch) accumulator.add(partial_of(image));
    const Accumulator::Result result = accumulator.finish();
    EXPECT_EQ(result.images, batch.size());
    expect_is_of(result, batch);
  }
}

TEST(Accumulator, NeitherOrderNorSplitChangesABit) {
  std::vector<cv::Mat> images;
  for (unsigned i = 0; i < 12; ++i) {
    const int types[] = {CV_8UC1, CV_8UC3, CV_16UC1, CV_16UC3};
    images.push_back(noise(3 + static_cast<int>(i), 11, types[i % 4], i));
  }
  Accumulator forwards;
  for (const cv::Mat& image : images) forwards.add(partial_of(image));
  Accumulator left;
  Accumulator right;
  for (std::size_t i = images.size(); i-- > 0;) (i % 3 == 0 ? left : right).add(partial_of(images[i]));
  Accumulator merged;
  merged.merge(right);
  merged.merge(Accumulator());
  merged.merge(left);
  expect_same(forwards.finish(), merged.finish());
}

TEST(Accumulator, HugeBatchesDoNotOverflow) {
  // 2^32 times an image of 2^28 pixels, by doubling: half of them 0 and half of them 65535.
  Partial partial{Depth::sixteen, std::uint64_t{1} << 28, {}, {}};
  const std::uint64_t half = std::uint64_t{1} << 27;
  partial.channels.push_back({0, 65535, half * 65535, half * 65535 * 65535, {}});
  Accumulator accumulator(false);
  accumulator.add(partial);
  for (int i = 0; i < 32; ++i) {
    const Accumulator same_again = accumulator;
    accumulator.merge(same_again);
  }
  const auto result = accumulator.finish();
  EXPECT_EQ(result.pixels, std::uint64_t{1} << 60);
  EXPECT_TRUE(result.channels[0].sum == (Uint128{1} << 59) * 65535);
  EXPECT_TRUE(result.channels[0].sum_of_squares == (Uint128{1} << 59) * 65535 * 65535);
}

TEST(Accumulator, OfNothingHasNoChannels) {
  Accumulator accumulator;
  accumulator.add(Partial{});
  const auto result = accumulator.finish();
  EXPECT_EQ(result.images, 0U);
  EXPECT_EQ(result.pixels, 0U);
  EXPECT_TRUE(result.channels.empty());
}

}  // namespace
}  // namespace pixmill::kernels::testing
