#include "kernels/local_contrast.hpp"
#include "tests/kernels/images.hpp"

#include <pixmill/error.hpp>

#include <array>
#include <cmath>

namespace pixmill::kernels::testing {
namespace {

constexpr std::array kMethods{ContrastMethod::niblack, ContrastMethod::sauvola, ContrastMethod::wolf,
                              ContrastMethod::nick};
constexpr std::array<std::string_view, 4> kNames{"niblack", "sauvola", "wolf", "nick"};

cv::Mat fast(const cv::Mat& in, int window, const ContrastTest& test) {
  cv::Mat out = padded(cv::Mat(in.size(), CV_8UC1, cv::Scalar(99)));
  Workspace workspace;
  threshold_by_contrast(in, window, test, workspace.slot(0, contrast_scratch_bytes(in.cols, window)), out);
  return out;
}

cv::Mat plain(const cv::Mat& in, int window, const ContrastTest& test) {
  cv::Mat out(in.size(), CV_8UC1);
  threshold_by_contrast_plain(in, window, test, out);
  return out;
}

/// The thresholds, step by step with OpenCV's own filters and array arithmetic in single precision.
cv::Mat opencv(const cv::Mat& in, int window, const ContrastTest& test) {
  const cv::Size size(window, window);
  const auto k = static_cast<float>(test.k);
  cv::Mat mean;
  cv::Mat squares;
  cv::boxFilter(in, mean, CV_32F, size, cv::Point(-1, -1), true, cv::BORDER_REPLICATE);
  cv::sqrBoxFilter(in, squares, CV_32F, size, cv::Point(-1, -1), true, cv::BORDER_REPLICATE);
  const cv::Mat variance = squares - mean.mul(mean);
  cv::Mat deviation;
  cv::sqrt(variance, deviation);
  cv::Mat threshold;
  if (test.method == ContrastMethod::niblack) {
    threshold = mean + deviation * k;
  } else if (test.method == ContrastMethod::sauvola) {
    const cv::Mat factor = deviation * (k / test.r) + (1.0 - k);
    threshold = mean.mul(factor);
  } else if (test.method == ContrastMethod::wolf) {
    double darkest = 0;
    double largest = 0;
    cv::minMaxIdx(in, &darkest);
    cv::minMaxIdx(deviation, nullptr, &largest);
    const cv::Mat above_darkest = mean - darkest;
    cv::Mat contrast;
    cv::multiply(deviation, above_darkest, contrast, 1 / largest);
    cv::addWeighted(mean, k, contrast, -k, -k * darkest, contrast);
    threshold = mean - contrast;
  } else {
    cv::Mat root;
    cv::sqrt(variance + squares, root);
    threshold = mean + root * k;
  }
  cv::Mat levels;
  threshold.convertTo(levels, CV_8U);
  cv::Mat out(in.size(), CV_8UC1, cv::Scalar(test.below));
  out.setTo(test.above, in > levels);
  return out;
}

/// The same definition in double precision, from direct loops over every window.
cv::Mat exact(const cv::Mat& in, int window, const ContrastTest& test) {
  const int reach = window / 2;
  cv::Mat_<double> mean(in.size());
  cv::Mat_<double> variance(in.size());
  for (int y = 0; y < in.rows; ++y) {
    for (int x = 0; x < in.cols; ++x) {
      std::uint64_t sum = 0;
      std::uint64_t squares = 0;
      for (int dy = -reach; dy <= reach; ++dy) {
        for (int dx = -reach; dx <= reach; ++dx) {
          const std::uint64_t v = in.ptr(std::clamp(y + dy, 0, in.rows - 1))[std::clamp(x + dx, 0, in.cols - 1)];
          sum += v;
          squares += v * v;
        }
      }
      const auto count = static_cast<std::uint64_t>(window) * static_cast<std::uint64_t>(window);
      mean(y, x) = static_cast<double>(sum) / static_cast<double>(count);
      variance(y, x) =
          static_cast<double>(squares * count - sum * sum) / static_cast<double>(count) / static_cast<double>(count);
    }
  }
  double darkest = 0;
  double largest = 0;
  cv::minMaxIdx(in, &darkest);
  cv::minMaxIdx(variance, nullptr, &largest);
  cv::Mat out(in.size(), CV_8UC1);
  for (int y = 0; y < in.rows; ++y) {
    for (int x = 0; x < in.cols; ++x) {
      const double m = mean(y, x);
      const double s = std::sqrt(variance(y, x));
      double t = m + test.k * s;
      if (test.method == ContrastMethod::sauvola) t = m * (1 + test.k * (s / test.r - 1));
      if (test.method == ContrastMethod::wolf) {
        t = m - test.k * (m - darkest) * (1 - s / std::sqrt(largest));
      }
      if (test.method == ContrastMethod::nick) t = m + test.k * std::sqrt(2 * s * s + m * m);
      out.ptr(y)[x] = in.ptr(y)[x] > std::clamp(std::nearbyint(t), 0.0, 255.0) ? test.above : test.below;
    }
  }
  return out;
}

double share_of_differences(const cv::Mat& a, const cv::Mat& b) {
  return static_cast<double>(cv::countNonZero(a != b)) / static_cast<double>(a.total());
}

/// A page with flat paper and flat ink beside the uneven ones.
cv::Mat scan(int rows, int cols, unsigned seed) {
  cv::Mat image = page(rows, cols, CV_8UC1, seed);
  image(cv::Rect(0, 0, (cols + 2) / 3, rows)).setTo(cv::Scalar(255));
  image(cv::Rect(cols / 2, rows / 2, (cols + 1) / 3, (rows + 1) / 3)).setTo(cv::Scalar(200 - seed % 50));
  image(cv::Rect(cols / 4, 0, (cols + 9) / 10, rows)).setTo(cv::Scalar(0));
  return image;
}

TEST(LocalContrast, IsItsPlainVersionOnEveryTargetAndSize) {
  for_each_simd_target([] {
    for (const cv::Size size : awkward_sizes()) {
      for (const int window : {3, 5, 11, 25, 63, 181, 183, 255, 257, 301}) {
        const cv::Mat image = scan(size.height, size.width, static_cast<unsigned>(window));
        for (const ContrastMethod method : kMethods) {
          const ContrastTest test{method, 0.3, 100, 200, 10};
          ASSERT_TRUE(same(fast(padded(image), window, test), plain(image, window, test)))
              << size << " window " << window << " " << kNames[static_cast<std::size_t>(method)];
        }
      }
    }
  });
}

TEST(LocalContrast, IsItsPlainVersionForOtherFactors) {
  const cv::Mat image = scan(67, 259, 3);
  for_each_simd_target([&] {
    for (const double k : {-100.0, -3.0, -0.2, 0.0, 0.5, 1.0, 2.0, 100.0}) {
      for (const double r : {1.0, 77.7, 65535.0}) {
        for (const ContrastMethod method : kMethods) {
          const ContrastTest test{method, k, r, 255, 0};
          ASSERT_TRUE(same(fast(image, 15, test), plain(image, 15, test))) << k << " " << r;
        }
      }
    }
  });
}

TEST(LocalContrast, StatisticsAreThoseOfEachWindow) {
  for (const cv::Size size : awkward_sizes()) {
    for (const int window : {3, 7, 31}) {
      const cv::Mat image = scan(size.height, size.width, 9);
      const WindowShape shape(size, window);
      int visited = 0;
      for_each_window(image, window, [&](int y, int x, const LocalStatistics& statistics) {
        const auto level = [&](int dy, int dx) {
          return std::uint64_t{
              image.ptr(std::clamp(y + dy, 0, size.height - 1))[std::clamp(x + dx, 0, size.width - 1)]};
        };
        std::uint64_t sum = 0;
        std::uint64_t squares = 0;
        for (int dy = -shape.reach; dy <= shape.reach; ++dy) {
          for (int dx = -shape.reach; dx <= shape.reach; ++dx) sum += level(dy, dx);
        }
        for (int dy = -shape.reach_y; dy <= shape.reach_y; ++dy) {
          for (int dx = -shape.reach_x; dx <= shape.reach_x; ++dx) squares += level(dy, dx) * level(dy, dx);
        }
        const LocalStatistics want = statistics_of(sum, squares, shape, x, size.width);
        ASSERT_EQ(statistics.mean, want.mean);
        ASSERT_EQ(statistics.mean_of_squares, want.mean_of_squares);
        ++visited;
      });
      EXPECT_EQ(visited, size.area());
    }
  }
}

TEST(LocalContrast, DiffersFromOpenCvsArithmeticInAtMostOnePixelOfTenThousand) {
  for (const int window : {3, 11, 25, 51, 101, 181}) {
    const cv::Mat image = scan(603, 701, static_cast<unsigned>(window));
    for (const ContrastMethod method : kMethods) {
      for (const double k : {-0.2, 0.2, 0.5}) {
        const ContrastTest test{method, k, 128, 255, 0};
        EXPECT_LE(share_of_differences(fast(image, window, test), opencv(image, window, test)), 1e-4)
            << window << " " << kNames[static_cast<std::size_t>(method)] << " " << k;
      }
    }
  }
}

TEST(LocalContrast, IsOpenCvsArithmeticOnSmallAndThinImages) {
  int differing = 0;
  int pixels = 0;
  for (const cv::Size size : awkward_sizes()) {
    for (const int window : {3, 5, 9, 11, 25, 101}) {
      const cv::Mat image = scan(size.height, size.width, static_cast<unsigned>(window));
      for (const ContrastMethod method : kMethods) {
        const ContrastTest test{method, 0.2, 128, 255, 0};
        differing += cv::countNonZero(fast(image, window, test) != opencv(image, window, test));
        pixels += size.area();
      }
    }
  }
  EXPECT_LE(differing, pixels / 10000) << pixels;
}

TEST(LocalContrast, ConstantImagesTurnOutAsWithOpenCv) {
  // Variances of flat windows are what rounding leaves of them: 0, above or below, by level and window.
  for (const int window : {3, 11, 25, 51}) {
    for (int level = 0; level <= 255; ++level) {
      const cv::Mat image(9, 35, CV_8UC1, cv::Scalar(level));
      for (const ContrastMethod method : kMethods) {
        const ContrastTest test{method, 0.2, 128, 255, 0};
        ASSERT_TRUE(same(fast(image, window, test), opencv(image, window, test)))
            << level << " " << window << " " << kNames[static_cast<std::size_t>(method)];
      }
    }
  }
}

TEST(LocalContrast, IsTheDefinitionButForRounding) {
  // No flat windows here, whose variance single precision does not hold.
  for (const int window : {5, 11, 25}) {
    const cv::Mat image = page(120, 203, CV_8UC1, static_cast<unsigned>(window));
    for (const ContrastMethod method : kMethods) {
      for (const double k : {-0.2, 0.2}) {
        const ContrastTest test{method, k, 128, 255, 0};
        EXPECT_LE(share_of_differences(fast(image, window, test), exact(image, window, test)), 1e-4)
            << window << " " << kNames[static_cast<std::size_t>(method)];
      }
    }
  }
}

TEST(LocalContrast, LargestSumsDoNotOverflow) {
  // White, and white but for some black: sums and sums of squares of up to 4095 x 4095 pixels.
  for_each_simd_target([] {
    for (const int window : {179, 181, 183, 255, 257, 259, 2895, 2897, 4095}) {
      cv::Mat image(5, 141, CV_8UC1, cv::Scalar(255));
      for (const bool with_black : {false, true}) {
        if (with_black) image(cv::Rect(60, 0, 9, 5)).setTo(cv::Scalar(0));
        for (const ContrastMethod method : kMethods) {
          const ContrastTest test{method, -0.2, 128, 255, 0};
          ASSERT_TRUE(same(fast(image, window, test), plain(image, window, test))) << window;
        }
      }
    }
  });
}

TEST(LocalContrast, WidestWindowsHaveTheMeanAndVarianceOfTheirPixels) {
  // Left half black, right half white: a window around the middle holds about as much of either.
  cv::Mat image(3, 200, CV_8UC1, cv::Scalar(0));
  image(cv::Rect(100, 0, 100, 3)).setTo(cv::Scalar(255));
  int visited = 0;
  for_each_window(image, 4095, [&visited](int /*y*/, int x, const LocalStatistics& statistics) {
    ++visited;
    const double white = (2047.0 + x - 99) / 4095;
    EXPECT_NEAR(statistics.mean, 255 * white, 1e-4);
    EXPECT_NEAR(statistics.variance(), 65025 * white * (1 - white), 0.02);
  });
  EXPECT_EQ(visited, image.size().area());
}

TEST(LocalContrast, WolfKnowsTheWholeImage) {
  // The only contrast, or the only dark pixel, is where no vector reaches: in the last columns, or the last row.
  for_each_simd_target([] {
    for (const int width : {64, 65, 66, 67, 131, 200}) {
      for (const cv::Point at :
           {cv::Point(width - 1, 0), cv::Point(width - 2, 19), cv::Point(0, 19), cv::Point(33, 7)}) {
        cv::Mat image = page(20, width, CV_8UC1, 4) / 4 + 120;
        image.at<std::uint8_t>(at) = 3;
        const ContrastTest test{ContrastMethod::wolf, 0.5, 128, 255, 0};
        ASSERT_TRUE(same(fast(image, 5, test), plain(image, 5, test))) << width << at;
        ASSERT_LE(cv::countNonZero(fast(image, 5, test) != opencv(image, 5, test)), 0) << width << at;
      }
    }
  });
}

TEST(LocalContrast, WritesNothingBeyondItsScratch) {
  for_each_simd_target([] {
    for (const int window : {3, 25, 181, 183, 1001}) {
      for (const cv::Size size : awkward_sizes()) {
        const std::size_t bytes = contrast_scratch_bytes(size.width, window);
        std::vector<std::byte> memory(bytes + 192, std::byte{0xA5});
        auto* begin = reinterpret_cast<std::byte*>((reinterpret_cast<std::uintptr_t>(memory.data()) + 127) / 64 * 64);
        cv::Mat out(size, CV_8UC1);
        threshold_by_contrast(scan(size.height, size.width, 5), window, {ContrastMethod::wolf, 0.2, 128, 255, 0},
                              {begin, bytes}, out);
        const auto untouched = [](std::byte byte) { return byte == std::byte{0xA5}; };
        ASSERT_TRUE(std::all_of(memory.data(), begin, untouched));
        ASSERT_TRUE(std::all_of(begin + bytes, memory.data() + memory.size(), untouched));
      }
    }
  });
}

TEST(AdaptiveContrast, TakesItsArgumentsFromTheChain) {
  const cv::Mat image = scan(80, 133, 6);
  for (std::size_t i = 0; i < kMethods.size(); ++i) {
    std::vector<Argument> given{{"method", kNames[i]},
                                {"window", Value{std::int64_t{15}}},
                                {"k", Value{0.35}},
                                {"type", "binary_inv"},
                                {"max", Value{Level{77, false}}}};
    if (kNames[i] == "sauvola") given.push_back({"r", Value{90.0}});
    const auto operation = frame_operation("adaptive", given);
    EXPECT_TRUE(same(applied(*operation, image), plain(image, 15, {kMethods[i], 0.35, 90, 0, 77}))) << kNames[i];
    EXPECT_FALSE(operation->output_is_two_level(true));
    EXPECT_TRUE(frame_operation("adaptive", {{"method", kNames[i]}})->output_is_two_level(false));
  }
}

TEST(AdaptiveContrast, RefusesArgumentsThatTheMethodDoesNotUse) {
  const auto message = [](std::string_view method, std::string_view name, double value) -> std::string {
    try {
      static_cast<void>(bound("adaptive", {{"method", method}, {name, Value{value}}}));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::usage);
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(message("mean", "k", 0.3), "adaptive: k does nothing for mean; it is for niblack, sauvola, wolf and nick");
  EXPECT_EQ(message("gaussian", "r", 64), "adaptive: r does nothing for gaussian; it is for sauvola");
  EXPECT_EQ(message("wolf", "r", 64), "adaptive: r does nothing for wolf; it is for sauvola");
  EXPECT_EQ(message("nick", "c", 5), "adaptive: c does nothing for nick; it is for mean and gaussian");
  EXPECT_EQ(message("nick", "c", 2), "");
  EXPECT_EQ(message("mean", "k", 0.2), "");
  EXPECT_EQ(message("sauvola", "r", 64), "");
}

TEST(AdaptiveContrast, TakesMemoryForRowsOnly) {
  const FrameShape tall{4000, 100000, 1, Depth::eight};
  for (const std::string_view name : kNames) {
    EXPECT_LT(frame_operation("adaptive", {{"method", name}})->scratch_bytes(tall), 50000U);
  }
}

}  // namespace
}  // namespace pixmill::kernels::testing
