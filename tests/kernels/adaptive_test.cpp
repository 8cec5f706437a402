#include "kernels/local_gaussian.hpp"
#include "kernels/local_mean.hpp"
#include "tests/kernels/images.hpp"

namespace pixmill::kernels::testing {
namespace {

cv::Mat opencv(const cv::Mat& in, int method, int window, double c, bool inverted = false, double max = 255) {
  cv::Mat out;
  cv::adaptiveThreshold(in, out, max, method, inverted ? cv::THRESH_BINARY_INV : cv::THRESH_BINARY, window, c);
  return out;
}

std::unique_ptr<const FrameOperation> adaptive(std::string_view method, std::int64_t window, double c,
                                               bool inverted = false) {
  return frame_operation(
      "adaptive",
      {{"method", method}, {"window", Value{window}}, {"c", Value{c}}, {"type", inverted ? "binary_inv" : "binary"}});
}

double share_of_differences(const cv::Mat& a, const cv::Mat& b) {
  return static_cast<double>(cv::countNonZero(a != b)) / static_cast<double>(a.total());
}

TEST(AdaptiveMean, IsOpenCvsOnEveryTargetAndSize) {
  for_each_simd_target([] {
    for (const cv::Size size : awkward_sizes()) {
      for (const int window : {3, 5, 7, 9, 11, 13, 15, 17, 31, 63, 101, 127, 129, 257, 301}) {
        const cv::Mat image = page(size.height, size.width, CV_8UC1, static_cast<unsigned>(window));
        ASSERT_TRUE(same(applied(*adaptive("mean", window, 2), padded(image)),
                         opencv(image, cv::ADAPTIVE_THRESH_MEAN_C, window, 2)))
            << size << " window " << window;
      }
    }
  });
}

TEST(AdaptiveMean, IsOpenCvsForEveryWindow) {
  const cv::Mat image = noise(41, 83, CV_8UC1, 5);
  for (int window = 3; window <= 301; window += 2) {
    ASSERT_TRUE(
        same(applied(*adaptive("mean", window, 0), image), opencv(image, cv::ADAPTIVE_THRESH_MEAN_C, window, 0)))
        << window;
  }
}

TEST(AdaptiveMean, RoundsAsOpenCvDoesWhereSinglePrecisionErrs) {
  // Nearly flat images have means near every half; the last columns of a width that is no multiple of 8 differ.
  for (const int window : {501, 1001, 1999, 2895, 2897, 4095}) {
    cv::Mat image = noise(37, 1533, CV_8UC1, static_cast<unsigned>(window));
    image = image / 64 + 180;
    for (const double c : {0.0, 1.0}) {
      ASSERT_TRUE(
          same(applied(*adaptive("mean", window, c), image), opencv(image, cv::ADAPTIVE_THRESH_MEAN_C, window, c)))
          << window;
    }
  }
}

TEST(AdaptiveMean, RoundedMeanIsOpenCvsForEverySum) {
  // A box filter over a constant image but for one pixel gives one chosen sum.
  for (const int window : {3, 15, 17, 103, 105, 401}) {
    const auto count = static_cast<std::uint32_t>(window * window);
    std::mt19937 random(3);
    for (int i = 0; i < 300; ++i) {
      const auto base = static_cast<std::uint32_t>(random() % 255);
      const std::uint32_t sum = base * count + random() % count;
      cv::Mat image(window, window, CV_8UC1, cv::Scalar(base));
      for (std::uint32_t left = sum - base * count, at = 0; left > 0; --left, ++at)
        image.data[at] = static_cast<std::uint8_t>(base + 1);
      cv::Mat mean;
      cv::boxFilter(image, mean, CV_8U, cv::Size(window, window), cv::Point(-1, -1), true, cv::BORDER_REPLICATE);
      const int middle = window / 2;
      ASSERT_EQ(rounded_mean(sum, count, middle, window), mean.at<std::uint8_t>(middle, middle))
          << window << " " << sum;
    }
  }
}

TEST(AdaptiveMean, SmallMeansAreExactForEverySum) {
  // One row of tall columns would not do: every sum of a 3 x 3 window, and of 15 x 15, in an image made for it.
  for_each_simd_target([] {
    for (const int window : {3, 5, 7, 9, 11, 13, 15}) {
      const int count = window * window;
      for (const int base : {0, 1, 127, 253, 254}) {
        cv::Mat image(window * 3, window * 70, CV_8UC1, cv::Scalar(base));
        for (int i = 0; i < image.cols * image.rows; ++i) {
          if ((i * 7919) % (count + 1) < i % (count + 1)) image.data[i] = static_cast<std::uint8_t>(base + 1);
        }
        for (const double c : {0.0, 1.0}) {
          ASSERT_TRUE(
              same(applied(*adaptive("mean", window, c), image), opencv(image, cv::ADAPTIVE_THRESH_MEAN_C, window, c)));
        }
      }
    }
  });
}

TEST(AdaptiveMean, IsItsPlainVersionOnEveryTarget) {
  const cv::Mat image = page(57, 211, CV_8UC1, 8);
  for_each_simd_target([&] {
    for (const int window : {3, 11, 15, 17, 45, 127, 129, 1001, 2897}) {
      const LocalTest test{3, 200, 10};
      Workspace workspace;
      cv::Mat fast(image.size(), image.type());
      cv::Mat plain(image.size(), image.type());
      threshold_by_mean(image, window, test, workspace.slot(0, mean_scratch_bytes(image.cols, window)), fast);
      threshold_by_mean_plain(image, window, test, plain);
      ASSERT_TRUE(same(fast, plain)) << window;
    }
  });
}

TEST(AdaptiveGaussian, DiffersFromOpenCvInAtMostOnePixelOfAHundredThousand) {
  for_each_simd_target([] {
    for (const int window : {3, 5, 7, 9, 11, 31, 75}) {
      const cv::Mat image = page(700, 701, CV_8UC1, static_cast<unsigned>(window));
      const cv::Mat ours = applied(*adaptive("gaussian", window, 2), image);
      EXPECT_LE(share_of_differences(ours, opencv(image, cv::ADAPTIVE_THRESH_GAUSSIAN_C, window, 2)), 1e-5) << window;
    }
  });
}

TEST(AdaptiveGaussian, IsOpenCvsWhereTheWeightsAreExact) {
  for (const cv::Size size : awkward_sizes()) {
    for (const int window : {3, 5, 7}) {
      const cv::Mat image = noise(size.height, size.width, CV_8UC1, static_cast<unsigned>(window));
      for (const double c : {-1.0, 0.0, 1.0, 2.0}) {
        ASSERT_TRUE(same(applied(*adaptive("gaussian", window, c), image),
                         opencv(image, cv::ADAPTIVE_THRESH_GAUSSIAN_C, window, c)))
            << size << " window " << window;
      }
    }
  }
}

TEST(AdaptiveGaussian, TakesWindowsWiderThanTheImage) {
  for (const cv::Size size : awkward_sizes()) {
    for (const int window : {11, 31, 301}) {
      const cv::Mat image = page(size.height, size.width, CV_8UC1, static_cast<unsigned>(window));
      const cv::Mat ours = applied(*adaptive("gaussian", window, 2), padded(image));
      EXPECT_LE(cv::countNonZero(ours != opencv(image, cv::ADAPTIVE_THRESH_GAUSSIAN_C, window, 2)), 0)
          << size << " window " << window;
    }
  }
}

TEST(AdaptiveGaussian, IsItsPlainVersionOnEveryTarget) {
  const cv::Mat image = noise(83, 1337, CV_8UC1, 8);
  for_each_simd_target([&] {
    for (const int window : {3, 11, 31, 101}) {
      const cv::Mat weights = cv::getGaussianKernel(window, 0, CV_32F);
      const std::span<const float> taps(weights.ptr<float>(), static_cast<std::size_t>(window));
      const LocalTest test{0, 200, 10};
      Workspace workspace;
      cv::Mat fast(image.size(), image.type());
      cv::Mat plain(image.size(), image.type());
      threshold_by_gaussian(image, taps, taps, test,
                            workspace.slot(0, gaussian_scratch_bytes(taps.size(), taps.size())), fast);
      threshold_by_gaussian_plain(image, taps, taps, test, plain);
      ASSERT_TRUE(same(fast, plain)) << window;
    }
  });
}

TEST(Adaptive, RoundsCAndMaxAsOpenCvDoes) {
  const cv::Mat image = noise(40, 97, CV_8UC1, 4);
  for (const bool inverted : {false, true}) {
    for (const double c : {-65535.0, -256.0, -255.0, -254.0, -7.5, -1.0, -0.5, 0.0, 0.25, 1.0, 2.5, 254.0, 255.0, 255.5,
                           256.0, 65535.0}) {
      for (const double max : {0.0, 0.5, 1.5, 2.5, 100.0, 255.0}) {
        for (const std::string_view method : {"mean", "gaussian"}) {
          const auto operation = frame_operation("adaptive", {{"method", method},
                                                              {"window", Value{std::int64_t{5}}},
                                                              {"c", Value{c}},
                                                              {"type", inverted ? "binary_inv" : "binary"},
                                                              {"max", Value{Level{max, false}}}});
          const int opencv_method = method == "mean" ? cv::ADAPTIVE_THRESH_MEAN_C : cv::ADAPTIVE_THRESH_GAUSSIAN_C;
          ASSERT_TRUE(same(applied(*operation, image), opencv(image, opencv_method, 5, c, inverted, max)))
              << method << " c " << c << " max " << max << " inverted " << inverted;
        }
      }
    }
  }
}

TEST(Adaptive, SaturatesNothingBetweenExtremes) {
  // Black and white next to each other, with every offset that could carry a bound out of a byte.
  cv::Mat image(9, 130, CV_8UC1);
  for (int i = 0; i < image.cols * image.rows; ++i) image.data[i] = i % 3 == 0 ? 255 : 0;
  for_each_simd_target([&] {
    for (int c = -258; c <= 258; ++c) {
      ASSERT_TRUE(same(applied(*adaptive("mean", 3, c), image), opencv(image, cv::ADAPTIVE_THRESH_MEAN_C, 3, c))) << c;
    }
  });
}

TEST(Adaptive, KnowsWhenItIsTwoLevel) {
  const auto with_max = [](const Level& max) { return frame_operation("adaptive", {{"max", Value{max}}}); };
  EXPECT_TRUE(frame_operation("adaptive", {})->output_is_two_level(false));
  EXPECT_TRUE(with_max({255, false})->output_is_two_level(false));
  EXPECT_TRUE(with_max({100, true})->output_is_two_level(false));
  EXPECT_FALSE(with_max({100, false})->output_is_two_level(true));
}

TEST(Adaptive, RefusesAMaxBeyondABytesLevels) {
  const auto operation = frame_operation("adaptive", {{"max", Value{Level{300, false}}}});
  EXPECT_THROW(static_cast<void>(operation->output_shape({4, 4, 1, Depth::eight})), KernelFailure);
}

TEST(Adaptive, TakesMemoryForRowsOnly) {
  const FrameShape tall{4000, 100000, 1, Depth::eight};
  EXPECT_LT(adaptive("mean", 101, 2)->scratch_bytes(tall), 200000U);
  EXPECT_LT(adaptive("gaussian", 101, 2)->scratch_bytes(tall), 200000U);
}

}  // namespace
}  // namespace pixmill::kernels::testing
