#include "kernels/orient.hpp"

#include "tests/kernels/images.hpp"

namespace pixmill::kernels::testing {
namespace {

cv::Mat turned_by_opencv(const cv::Mat& in, int orientation) {
  cv::Mat out;
  switch (orientation) {
    case 2:
      cv::flip(in, out, 1);
      break;
    case 3:
      cv::rotate(in, out, cv::ROTATE_180);
      break;
    case 4:
      cv::flip(in, out, 0);
      break;
    case 5:
      cv::transpose(in, out);
      break;
    case 6:
      cv::rotate(in, out, cv::ROTATE_90_CLOCKWISE);
      break;
    case 7:
      cv::transpose(in, out);
      cv::rotate(out, out, cv::ROTATE_180);
      break;
    case 8:
      cv::rotate(in, out, cv::ROTATE_90_COUNTERCLOCKWISE);
      break;
    default:
      out = in.clone();
      break;
  }
  return out;
}

TEST(Orient, IsOpenCvsForEveryPixelAndOrientation) {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    for (const int depth : {CV_8U, CV_16U}) {
      for (int channels = 1; channels <= 4; ++channels) {
        for (const cv::Size size : awkward_sizes()) {
          const cv::Mat image = noise(size.height, size.width, CV_MAKETYPE(depth, channels), 9);
          const cv::Mat wanted = turned_by_opencv(image, orientation);
          cv::Mat got = padded(cv::Mat(wanted.size(), wanted.type(), cv::Scalar::all(99)));
          orient(padded(image), orientation, got);
          ASSERT_TRUE(same(got, wanted)) << orientation << " " << size << " " << depth << " " << channels;
          // Nothing follows the last pixel, in which a sanitizer would see who reads or writes too far.
          cv::Mat compact(wanted.size(), wanted.type(), cv::Scalar::all(99));
          orient(image, orientation, compact);
          ASSERT_TRUE(same(compact, wanted)) << orientation << " " << size << " " << depth << " " << channels;
        }
      }
    }
  }
}

TEST(Rotate, TurnsClockwise) {
  const std::vector<std::pair<std::string_view, int>> angles{
      {"90", cv::ROTATE_90_CLOCKWISE}, {"180", cv::ROTATE_180}, {"270", cv::ROTATE_90_COUNTERCLOCKWISE}};
  for (const auto& [angle, code] : angles) {
    const cv::Mat image = noise(13, 29, CV_16UC3, 4);
    cv::Mat wanted;
    cv::rotate(image, wanted, code);
    const auto rotate = frame_operation("rotate", {{"angle", angle}});
    EXPECT_TRUE(same(applied(*rotate, padded(image)), wanted)) << angle;
    EXPECT_EQ(rotate->turns_sideways(), angle != "180") << angle;
    EXPECT_FALSE(rotate->leaves_unchanged({1, 1, 1, Depth::eight})) << angle;
  }
}

TEST(Flip, HIsLeftToRightAndVTopToBottom) {
  const cv::Mat image = noise(13, 29, CV_8UC3, 4);
  const FrameShape column{1, 9, 1, Depth::eight};
  const FrameShape row{9, 1, 1, Depth::eight};
  for (const auto& [direction, code] : {std::pair<std::string_view, int>{"h", 1}, {"v", 0}}) {
    cv::Mat wanted;
    cv::flip(image, wanted, code);
    const auto flip = frame_operation("flip", {{"direction", direction}});
    EXPECT_TRUE(same(applied(*flip, padded(image)), wanted)) << direction;
    EXPECT_FALSE(flip->turns_sideways()) << direction;
    EXPECT_EQ(flip->leaves_unchanged(column), direction == "h") << direction;
    EXPECT_EQ(flip->leaves_unchanged(row), direction == "v") << direction;
  }
}

}  // namespace
}  // namespace pixmill::kernels::testing
