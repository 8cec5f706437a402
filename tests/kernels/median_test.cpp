#include "tests/kernels/images.hpp"

namespace pixmill::kernels::testing {
namespace {

std::unique_ptr<const FrameOperation> median(std::int64_t window) {
  return frame_operation("median", {{"window", Value{window}}});
}

template <typename T>
cv::Mat plain_median(const cv::Mat& in, int window) {
  cv::Mat out(in.size(), in.type());
  const int radius = window / 2;
  const int channels = in.channels();
  std::vector<T> around;
  for (int y = 0; y < in.rows; ++y) {
    for (int x = 0; x < in.cols; ++x) {
      for (int c = 0; c < channels; ++c) {
        around.clear();
        for (int dy = -radius; dy <= radius; ++dy) {
          const T* row = in.ptr<T>(std::clamp(y + dy, 0, in.rows - 1));
          for (int dx = -radius; dx <= radius; ++dx) {
            around.push_back(row[std::clamp(x + dx, 0, in.cols - 1) * channels + c]);
          }
        }
        const auto middle = around.begin() + static_cast<std::ptrdiff_t>(around.size() / 2);
        std::nth_element(around.begin(), middle, around.end());
        out.ptr<T>(y)[x * channels + c] = *middle;
      }
    }
  }
  return out;
}

TEST(Median, IsThePlainOneForEveryShape) {
  for (const std::int64_t window : {3, 5, 7, 11, 31}) {
    for (const int depth : {CV_8U, CV_16U}) {
      if (depth == CV_16U && window > 5) continue;
      for (int channels = 1; channels <= 4; ++channels) {
        for (const cv::Size size :
             {cv::Size(1, 1), cv::Size(1, 9), cv::Size(12, 1), cv::Size(3, 2), cv::Size(37, 19)}) {
          const cv::Mat image = noise(size.height, size.width, CV_MAKETYPE(depth, channels), 5);
          const int side = static_cast<int>(window);
          const cv::Mat wanted =
              depth == CV_8U ? plain_median<std::uint8_t>(image, side) : plain_median<std::uint16_t>(image, side);
          ASSERT_TRUE(same(applied(*median(window), padded(image)), wanted))
              << window << " " << size << " " << depth << " " << channels;
        }
      }
    }
  }
}

TEST(Median, IsOpenCvs) {
  for (const int window : {3, 5, 7, 9, 15, 63, 255}) {
    for (const int channels : {1, 3, 4}) {
      // Above and below the size from which OpenCV counts in another way.
      for (const cv::Size size : {cv::Size(90, 61), cv::Size(301, 250)}) {
        const cv::Mat image = page(size.height, size.width, CV_MAKETYPE(CV_8U, channels), 3);
        cv::Mat wanted;
        cv::medianBlur(image, wanted, window);
        ASSERT_TRUE(same(applied(*median(window), padded(image)), wanted)) << window << " " << channels << " " << size;
      }
    }
  }
}

TEST(Median, TheWidestWindowCountsARightOnASmallPicture) {
  for (const cv::Size size : {cv::Size(1, 1), cv::Size(2, 1), cv::Size(9, 7), cv::Size(64, 48)}) {
    const cv::Mat image = noise(size.height, size.width, CV_8UC1, 11);
    ASSERT_TRUE(same(applied(*median(255), image), plain_median<std::uint8_t>(image, 255))) << size;
  }
}

TEST(Median, WideWindowsAskForEightBits) {
  EXPECT_FALSE(median(3)->needs_eight_bits());
  EXPECT_FALSE(median(5)->needs_eight_bits());
  EXPECT_TRUE(median(7)->needs_eight_bits());
}

}  // namespace
}  // namespace pixmill::kernels::testing
