#include "kernels/threshold_methods.hpp"
#include "tests/kernels/images.hpp"

namespace pixmill::kernels::testing {
namespace {

constexpr std::array kTypes{std::string_view{"binary"}, std::string_view{"binary_inv"}, std::string_view{"trunc"},
                            std::string_view{"tozero"}, std::string_view{"tozero_inv"}};

cv::Mat opencv(const cv::Mat& image, double threshold, double max, int type) {
  cv::Mat out;
  cv::threshold(image, out, threshold, max, type);
  return out;
}

cv::Mat by_number(const cv::Mat& image, const Level& level, std::string_view type, const Value& max = {}) {
  return applied(*level_operation("threshold", {{"value", Value{level}}, {"type", type}, {"max", max}}), image);
}

cv::Mat by_method(const cv::Mat& image, std::string_view method, std::string_view type = "binary") {
  return applied(*level_operation("threshold", {{"value", method}, {"type", type}}), image);
}

/// Images on which a method of finding the threshold may stumble.
std::vector<cv::Mat> hard_images(int type) {
  const int largest = type == CV_16UC1 ? 65535 : 255;
  std::vector<cv::Mat> images;
  for (const int level : {0, 1, largest / 2, largest - 1, largest}) {
    images.emplace_back(13, 17, type, cv::Scalar(level));
    cv::Mat nearly = images.back().clone();
    nearly.col(0).setTo(level == 0 ? 1 : level - 1);
    images.push_back(nearly);
    images.push_back(cv::Mat(1, 1, type, cv::Scalar(level)));
  }
  cv::Mat halves(20, 20, type, cv::Scalar(0));
  halves.colRange(10, 20).setTo(largest);
  images.push_back(halves);
  cv::Mat ramp(16, 256, type);
  for (int x = 0; x < 256; ++x) ramp.col(x).setTo(x * largest / 255);
  images.push_back(ramp);
  for (unsigned seed = 0; seed < 30; ++seed) {
    images.push_back(noise(7 + static_cast<int>(seed), 31, type, seed));
    images.push_back(page(40, 20 + static_cast<int>(seed), type, seed));
    cv::Mat skewed = noise(30, 30, type, seed);
    cv::Mat(skewed.mul(skewed, 1.0 / largest)).copyTo(skewed);
    images.push_back(seed % 2 == 0 ? skewed : cv::Mat(largest - skewed));
    cv::Mat few = noise(9, 9, type, seed);
    few = few / (largest / 3) * (largest / 5);
    images.push_back(few);
  }
  // So many of one level that the others are no more than rounding errors to OpenCV.
  cv::Mat lonely(3000, 3000, type, cv::Scalar(largest / 3));
  lonely.data[0] = 1;
  images.push_back(lonely);
  return images;
}

TEST(Threshold, NumbersAreOpenCvs) {
  for (const int depth : {CV_8UC1, CV_16UC1}) {
    const int largest = depth == CV_8UC1 ? 255 : 65535;
    const cv::Mat image = noise(33, 57, depth, 3);
    for (std::size_t type = 0; type < kTypes.size(); ++type) {
      for (const double threshold :
           {0.0, 0.9, 1.0, 99.5, 100.0, largest - 1.0, largest - 0.5, static_cast<double>(largest)}) {
        ASSERT_TRUE(same(by_number(image, {threshold, false}, kTypes[type]),
                         opencv(image, threshold, largest, static_cast<int>(type))))
            << kTypes[type] << " " << threshold;
        for (const double max : {0.0, 0.5, 1.5, 100.0}) {
          ASSERT_TRUE(same(by_number(image, {threshold, false}, kTypes[type], Level{max, false}),
                           opencv(image, threshold, max, static_cast<int>(type))))
              << kTypes[type] << " " << threshold << " max " << max;
        }
      }
    }
  }
}

TEST(Threshold, PercentIsAShareOfFullScale) {
  const cv::Mat bytes = noise(10, 50, CV_8UC1, 3);
  EXPECT_TRUE(same(by_number(bytes, {50, true}, "binary"), opencv(bytes, 127.5, 255, 0)));
  EXPECT_TRUE(same(by_number(bytes, {100, true}, "tozero"), opencv(bytes, 255, 255, 3)));
  const cv::Mat words = noise(10, 50, CV_16UC1, 3);
  EXPECT_TRUE(same(by_number(words, {50, true}, "binary", Level{25, true}), opencv(words, 32767.5, 16383.75, 0)));
}

TEST(Threshold, OtsuIsOpenCvs) {
  for (const int depth : {CV_8UC1, CV_16UC1}) {
    const std::vector<cv::Mat> images = hard_images(depth);
    for (std::size_t i = 0; i < images.size(); ++i) {
      for (std::size_t type = 0; type < kTypes.size(); ++type) {
        const int largest = depth == CV_8UC1 ? 255 : 65535;
        ASSERT_TRUE(same(by_method(images[i], "otsu", kTypes[type]),
                         opencv(images[i], 0, largest, static_cast<int>(type) | cv::THRESH_OTSU)))
            << "image " << i << " " << kTypes[type];
      }
    }
  }
}

TEST(Threshold, TriangleIsOpenCvs) {
  const std::vector<cv::Mat> images = hard_images(CV_8UC1);
  for (std::size_t i = 0; i < images.size(); ++i) {
    for (std::size_t type = 0; type < kTypes.size(); ++type) {
      ASSERT_TRUE(same(by_method(images[i], "triangle", kTypes[type]),
                       opencv(images[i], 0, 255, static_cast<int>(type) | cv::THRESH_TRIANGLE)))
          << "image " << i << " " << kTypes[type];
    }
  }
}

TEST(Threshold, TriangleOf16BitsFindsTheCornerOfThePeaksLongFlank) {
  // A peak at 50000 whose flank falls steeply to 40000 and then lies flat down to 10000: the corner is at 40000.
  cv::Mat image(1, 100000, CV_16UC1, cv::Scalar(50000));
  for (int i = 0; i < 30000; ++i) image.at<ushort>(0, i) = static_cast<ushort>(10000 + i);
  for (int i = 0; i < 20000; ++i) image.at<ushort>(0, 30000 + i) = static_cast<ushort>(40000 + i / 2);
  const cv::Mat out = by_method(image, "triangle", "trunc");
  double limit = 0;
  cv::minMaxLoc(out, nullptr, &limit);
  EXPECT_NEAR(limit, 49999, 1);
  // The same picture in the dark mirrors it.
  const cv::Mat mirrored = by_method(65535 - image, "triangle", "trunc");
  cv::minMaxLoc(mirrored, nullptr, &limit);
  EXPECT_NEAR(limit, 65535 - 49999, 1);
}

TEST(Threshold, MeanIsRoundedDown) {
  const cv::Mat image = (cv::Mat_<uchar>(1, 4) << 10, 11, 12, 12);  // 11.25
  EXPECT_TRUE(same(by_method(image, "mean"), opencv(image, 11, 255, 0)));
  const cv::Mat words = (cv::Mat_<ushort>(1, 2) << 65535, 65534);
  EXPECT_TRUE(same(by_method(words, "mean"), opencv(words, 65534, 65535, 0)));
}

TEST(Threshold, SeesTheHistogramOfWhatComesBeforeIt) {
  const cv::Mat image = page(40, 60, CV_8UC1, 2);
  LevelTable table(Depth::eight);
  level_operation("invert", {})->compose(nullptr, table);
  Histogram histogram;
  histogram.reset(Depth::eight, 1);
  histogram.add(image);
  Histogram inverted;
  histogram.map_through(table, inverted);
  level_operation("threshold", {{"value", "otsu"}})->compose(&inverted, table);
  cv::Mat out;
  apply_table(table, image, out);
  EXPECT_TRUE(same(out, opencv(255 - image, 0, 255, cv::THRESH_OTSU)));
}

TEST(Threshold, NeedsAHistogramOnlyForAMethod) {
  EXPECT_TRUE(level_operation("threshold", {{"value", "triangle"}})->needs_histogram());
  EXPECT_FALSE(level_operation("threshold", {{"value", Value{Level{4, false}}}})->needs_histogram());
}

TEST(Threshold, OfAnEmptyHistogramIsZero) {
  for (const ThresholdMethod& method : kThresholdMethods) {
    Histogram empty;
    empty.reset(Depth::eight, 1);
    LevelTable table(Depth::eight);
    level_operation("threshold", {{"value", method.choice.name}})->compose(&empty, table);
    ASSERT_TRUE(table.as_step());
    EXPECT_EQ(table.as_step()->threshold, 0);
  }
}

TEST(Threshold, MedianSplitsThePixelsInHalf) {
  const cv::Mat image = (cv::Mat_<uchar>(1, 5) << 9, 200, 30, 30, 8);
  EXPECT_TRUE(same(by_method(image, "median"), opencv(image, 30, 255, 0)));
  const cv::Mat even = (cv::Mat_<ushort>(1, 4) << 50000, 2, 40000, 3);  // the median is 20001.5
  EXPECT_TRUE(same(by_method(even, "median", "trunc"), opencv(even, 3, 65535, cv::THRESH_TRUNC)));
}

TEST(Threshold, AMethodWithoutAnAnswerFailsTheImage) {
  try {
    by_method(cv::Mat(5, 5, CV_8UC1, cv::Scalar(7)), "minimum");
    FAIL();
  } catch (const KernelFailure& failure) {
    EXPECT_NE(std::string(failure.what()).find("threshold=minimum"), std::string::npos) << failure.what();
    EXPECT_NE(std::string(failure.what()).find("one peak"), std::string::npos) << failure.what();
  }
}

TEST(Threshold, ANumberBeyondTheDepthNamesBoth) {
  const cv::Mat image(1, 1, CV_8UC1, cv::Scalar(0));
  try {
    by_number(image, {300, false}, "binary");
    FAIL();
  } catch (const KernelFailure& failure) {
    EXPECT_NE(std::string(failure.what()).find("300"), std::string::npos) << failure.what();
    EXPECT_NE(std::string(failure.what()).find("8-bit"), std::string::npos) << failure.what();
  }
  EXPECT_THROW(by_number(image, {3, false}, "binary", Level{256, false}), KernelFailure);
  EXPECT_NO_THROW(by_number(noise(2, 2, CV_16UC1, 1), {300, false}, "binary"));
}

TEST(Invert, IsTheLargestLevelMinusV) {
  const cv::Mat bytes = noise(7, 31, CV_8UC3, 1);
  EXPECT_TRUE(same(applied(*level_operation("invert", {}), bytes), cv::Scalar::all(255) - bytes));
  const cv::Mat words = noise(7, 31, CV_16UC1, 1);
  EXPECT_TRUE(same(applied(*level_operation("invert", {}), words), 65535 - words));
}

}  // namespace
}  // namespace pixmill::kernels::testing
