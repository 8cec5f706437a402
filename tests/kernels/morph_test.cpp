#include "tests/kernels/images.hpp"

#include <limits>

namespace pixmill::kernels::testing {
namespace {

std::unique_ptr<const FrameOperation> morph(std::string_view operation, std::int64_t size, std::string_view shape) {
  return frame_operation("morph", {{"operation", operation}, {"size", Value{size}}, {"shape", shape}});
}

const std::vector<std::pair<std::string_view, int>> kOperations{
    {"open", cv::MORPH_OPEN}, {"close", cv::MORPH_CLOSE}, {"erode", cv::MORPH_ERODE}, {"dilate", cv::MORPH_DILATE}};
const std::vector<std::pair<std::string_view, int>> kShapes{
    {"rect", cv::MORPH_RECT}, {"ellipse", cv::MORPH_ELLIPSE}, {"cross", cv::MORPH_CROSS}};

// The least or greatest level under the element; what lies outside does not count.
template <typename T>
cv::Mat plain(const cv::Mat& in, const cv::Mat& element, bool least) {
  cv::Mat out(in.size(), in.type());
  const int channels = in.channels();
  for (int y = 0; y < in.rows; ++y) {
    for (int i = 0; i < in.cols * channels; ++i) {
      T best = least ? std::numeric_limits<T>::max() : T{0};
      for (int ey = 0; ey < element.rows; ++ey) {
        for (int ex = 0; ex < element.cols; ++ex) {
          const int row = y + ey - element.rows / 2;
          const int column = i / channels + ex - element.cols / 2;
          if (element.at<std::uint8_t>(ey, ex) == 0) continue;
          if (row < 0 || row >= in.rows || column < 0 || column >= in.cols) continue;
          const T level = in.ptr<T>(row)[column * channels + i % channels];
          best = least ? std::min(best, level) : std::max(best, level);
        }
      }
      out.ptr<T>(y)[i] = best;
    }
  }
  return out;
}

template <typename T>
cv::Mat plain(const cv::Mat& in, int operation, const cv::Mat& element) {
  switch (operation) {
    case cv::MORPH_ERODE:
      return plain<T>(in, element, true);
    case cv::MORPH_DILATE:
      return plain<T>(in, element, false);
    case cv::MORPH_OPEN:
      return plain<T>(plain<T>(in, element, true), element, false);
    default:
      return plain<T>(plain<T>(in, element, false), element, true);
  }
}

TEST(Morph, IsOpenCvsAndThePlainOne) {
  for (const auto& [operation_name, operation] : kOperations) {
    for (const auto& [shape_name, shape] : kShapes) {
      for (const int side : {1, 2, 3, 4, 7, 20}) {
        const cv::Mat element = cv::getStructuringElement(shape, cv::Size(side, side));
        const auto bound_morph = morph(operation_name, side, shape_name);
        for (const int depth : {CV_8U, CV_16U}) {
          for (int channels = 1; channels <= 4; ++channels) {
            for (const cv::Size size : {cv::Size(1, 1), cv::Size(1, 9), cv::Size(12, 1), cv::Size(37, 19)}) {
              const cv::Mat image = noise(size.height, size.width, CV_MAKETYPE(depth, channels), 3);
              const cv::Mat got = applied(*bound_morph, padded(image));
              cv::Mat wanted;
              cv::morphologyEx(image, wanted, operation, element);
              ASSERT_TRUE(same(got, wanted)) << operation_name << " " << shape_name << " " << side << " " << size;
              wanted = depth == CV_8U ? plain<std::uint8_t>(image, operation, element)
                                      : plain<std::uint16_t>(image, operation, element);
              ASSERT_TRUE(same(got, wanted)) << operation_name << " " << shape_name << " " << side << " " << size;
            }
          }
        }
      }
    }
  }
}

TEST(Morph, TwoLevelsStayTwo) {
  EXPECT_TRUE(morph("open", 3, "rect")->output_is_two_level(true));
  EXPECT_FALSE(morph("open", 3, "rect")->output_is_two_level(false));
}

TEST(Morph, ASizeOfOneIsNoWork) {
  EXPECT_TRUE(morph("erode", 1, "ellipse")->leaves_unchanged({9, 9, 1, Depth::eight}));
  EXPECT_FALSE(morph("erode", 2, "rect")->leaves_unchanged({9, 9, 1, Depth::eight}));
}

}  // namespace
}  // namespace pixmill::kernels::testing
