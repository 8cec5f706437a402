#include "tests/kernels/images.hpp"

namespace pixmill::kernels::testing {
namespace {

std::vector<std::uint32_t> opencv(const cv::Mat& image, int channel) {
  const int levels = level_count(depth_of(image));
  const float range[] = {0, static_cast<float>(levels)};
  const float* ranges[] = {range};
  cv::Mat counts;
  cv::calcHist(&image, 1, &channel, cv::Mat(), counts, 1, &levels, ranges);
  std::vector<std::uint32_t> wanted;
  wanted.reserve(static_cast<std::size_t>(levels));
  for (int level = 0; level < levels; ++level) wanted.push_back(static_cast<std::uint32_t>(counts.at<float>(level)));
  return wanted;
}

TEST(Histogram, CountsAsOpenCvDoes) {
  for (const int depth : {CV_8U, CV_16U}) {
    for (int channels = 1; channels <= 4; ++channels) {
      for (const cv::Size size : awkward_sizes()) {
        const cv::Mat image = padded(noise(size.height, size.width, CV_MAKETYPE(depth, channels), 2));
        Histogram histogram;
        histogram.reset(depth_of(image), channels);
        histogram.add(image);
        ASSERT_EQ(histogram.channels(), colour_channels(channels));
        ASSERT_EQ(histogram.pixels(), image.total());
        for (int channel = 0; channel < histogram.channels(); ++channel) {
          const auto counts = histogram.counts(channel);
          ASSERT_EQ(std::vector(counts.begin(), counts.end()), opencv(image, channel)) << channels << " " << size;
        }
      }
    }
  }
}

TEST(Histogram, BandsAddUpToTheImage) {
  const cv::Mat image = page(101, 77, CV_8UC3, 6);
  Histogram whole;
  whole.reset(Depth::eight, 3);
  whole.add(image);
  Histogram bands;
  bands.reset(Depth::sixteen, 1);  // what it was used for before must not show
  bands.add(noise(5, 5, CV_16UC1, 1));
  bands.reset(Depth::eight, 3);
  for (int y = 0; y < image.rows; y += 16) bands.add(image.rowRange(y, std::min(y + 16, image.rows)));
  EXPECT_EQ(bands.pixels(), whole.pixels());
  for (int channel = 0; channel < 3; ++channel) {
    EXPECT_TRUE(std::ranges::equal(bands.counts(channel), whole.counts(channel)));
  }
}

TEST(Histogram, ThroughATableIsThatOfTheMappedImage) {
  for (const int type : {CV_8UC3, CV_16UC1}) {
    const cv::Mat image = noise(31, 53, type, 4);
    LevelTable table(depth_of(image));
    table.then([](int level) { return level / 3 + 7; });
    cv::Mat mapped_image;
    apply_table(table, image, mapped_image);
    Histogram before;
    before.reset(depth_of(image), image.channels());
    before.add(image);
    Histogram wanted;
    wanted.reset(depth_of(image), image.channels());
    wanted.add(mapped_image);
    Histogram mapped;
    before.map_through(table, mapped);
    EXPECT_EQ(mapped.pixels(), image.total());
    for (int channel = 0; channel < wanted.channels(); ++channel) {
      EXPECT_TRUE(std::ranges::equal(mapped.counts(channel), wanted.counts(channel)));
    }
  }
}

TEST(Histogram, OfNothingIsEmpty) {
  Histogram histogram;
  histogram.reset(Depth::eight, 1);
  histogram.add(cv::Mat(0, 10, CV_8UC1));
  EXPECT_EQ(histogram.pixels(), 0U);
  EXPECT_TRUE(std::ranges::all_of(histogram.counts(0), [](auto count) { return count == 0; }));
}

}  // namespace
}  // namespace pixmill::kernels::testing
