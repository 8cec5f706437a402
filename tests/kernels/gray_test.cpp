#include "kernels/gray_rows.hpp"
#include "tests/kernels/images.hpp"

namespace pixmill::kernels::testing {
namespace {

cv::Mat gray(std::string_view weights, const cv::Mat& image) {
  return applied(*frame_operation("gray", {{"weights", weights}}), image);
}

TEST(Gray, Bt601IsOpenCvs) {
  for_each_simd_target([] {
    for (const int type : {CV_8UC3, CV_8UC4, CV_16UC3, CV_16UC4}) {
      for (const cv::Size size : awkward_sizes()) {
        const cv::Mat image = noise(size.height, size.width, type, 1);
        cv::Mat wanted;
        cv::cvtColor(image, wanted, CV_MAT_CN(type) == 3 ? cv::COLOR_BGR2GRAY : cv::COLOR_BGRA2GRAY);
        ASSERT_TRUE(same(gray("bt601", padded(image)), wanted)) << type << " " << size;
        ASSERT_TRUE(same(gray("luma", image), wanted));
      }
    }
  });
}

TEST(Gray, EveryColourOfABytesCoarseGridAndItsEdgesIsExact) {
  // Every blue with green and red in steps that meet 0, 1, 254 and 255.
  std::vector<int> steps{0, 1, 2, 127, 128, 253, 254, 255};
  for (int level = 5; level < 255; level += 13) steps.push_back(level);
  const int count = static_cast<int>(steps.size());
  cv::Mat image(count * count, 256, CV_8UC3);
  for (int y = 0; y < image.rows; ++y) {
    for (int x = 0; x < 256; ++x) {
      image.at<cv::Vec3b>(y, x) =
          cv::Vec3b(static_cast<uchar>(x), static_cast<uchar>(steps[static_cast<std::size_t>(y / count)]),
                    static_cast<uchar>(steps[static_cast<std::size_t>(y % count)]));
    }
  }
  for_each_simd_target([&] {
    for (const auto weights : {GrayWeights::bt601, GrayWeights::bt709, GrayWeights::average, GrayWeights::lightness,
                               GrayWeights::max, GrayWeights::min}) {
      std::vector<std::uint8_t> fast(256);
      std::vector<std::uint8_t> plain(256);
      for (int y = 0; y < image.rows; ++y) {
        gray_row(weights, Depth::eight, 3, image.ptr(y), 256, fast.data());
        gray_row_plain(weights, Depth::eight, 3, image.ptr(y), 256, plain.data());
        ASSERT_EQ(fast, plain);
      }
    }
  });
}

TEST(Gray, EveryWeightIsItsPlainVersionOnEveryTarget) {
  for_each_simd_target([] {
    for (const int type : {CV_8UC3, CV_8UC4, CV_16UC3, CV_16UC4}) {
      cv::Mat image = noise(1, 4999, type, 9);
      image(cv::Rect(0, 0, 400, 1)).setTo(cv::Scalar::all(65535));
      image(cv::Rect(400, 0, 400, 1)).setTo(cv::Scalar(65535, 65535, 65534, 1));
      for (const auto weights : {GrayWeights::bt601, GrayWeights::bt709, GrayWeights::average, GrayWeights::lightness,
                                 GrayWeights::max, GrayWeights::min}) {
        cv::Mat fast(image.size(), image.depth());
        cv::Mat plain(image.size(), image.depth());
        gray_row(weights, depth_of(image), image.channels(), image.data, image.cols, fast.data);
        gray_row_plain(weights, depth_of(image), image.channels(), image.data, image.cols, plain.data);
        ASSERT_TRUE(same(fast, plain)) << type << " " << static_cast<int>(weights);
      }
    }
  });
}

TEST(Gray, WeighsAsItsDescriptorSays) {
  const cv::Mat pixel(1, 1, CV_8UC3, cv::Scalar(10, 20, 91));
  EXPECT_EQ(gray("bt709", pixel).at<uchar>(0), (10 * 2366 + 20 * 23436 + 91 * 6966 + 16384) >> 15);
  EXPECT_EQ(gray("average", pixel).at<uchar>(0), 40);    // 121 / 3 = 40.33
  EXPECT_EQ(gray("lightness", pixel).at<uchar>(0), 51);  // 101 / 2 = 50.5
  EXPECT_EQ(gray("max", pixel).at<uchar>(0), 91);
  EXPECT_EQ(gray("min", pixel).at<uchar>(0), 10);
}

TEST(Gray, SumsOf3WordsAreDividedExactly) {
  cv::Mat image(1, 196606, CV_16UC3);
  for (int sum = 0; sum < image.cols; ++sum) {
    image.at<cv::Vec3w>(0, sum) =
        cv::Vec3w(static_cast<ushort>(std::min(sum, 65535)), static_cast<ushort>(std::clamp(sum - 65535, 0, 65535)),
                  static_cast<ushort>(std::clamp(sum - 131070, 0, 65535)));
  }
  const cv::Mat mean = gray("average", image);
  for (int sum = 0; sum < image.cols; ++sum) ASSERT_EQ(mean.at<ushort>(0, sum), (sum + 1) / 3);
}

TEST(Gray, KeepsOneChannelAndDropsAlpha) {
  for (const int depth : {CV_8U, CV_16U}) {
    const cv::Mat two = noise(13, 37, CV_MAKETYPE(depth, 2), 3);
    cv::Mat one;
    cv::extractChannel(two, one, 0);
    EXPECT_TRUE(same(gray("luma", padded(two)), one));
    EXPECT_TRUE(same(gray("bt709", padded(one)), one));
  }
}

TEST(Gray, OnlyLumaIsLuma) {
  EXPECT_TRUE(frame_operation("gray", {})->is_luma());
  EXPECT_FALSE(frame_operation("gray", {{"weights", "bt601"}})->is_luma());
}

}  // namespace
}  // namespace pixmill::kernels::testing
