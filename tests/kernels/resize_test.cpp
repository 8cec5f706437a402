#include "tests/kernels/images.hpp"

namespace pixmill::kernels::testing {
namespace {

std::unique_ptr<const FrameOperation> resize(const SizeWish& size, std::string_view filter = "area") {
  return frame_operation("resize", {{"size", Value{size}}, {"filter", filter}});
}

std::pair<std::int64_t, std::int64_t> size_of(const SizeWish& wish, std::int64_t width, std::int64_t height) {
  const FrameShape shape = resize(wish)->output_shape({width, height, 3, Depth::eight});
  return {shape.width, shape.height};
}

TEST(Resize, IsOpenCvs) {
  const std::vector<std::pair<std::string_view, int>> filters{{"area", cv::INTER_AREA},
                                                              {"nearest", cv::INTER_NEAREST},
                                                              {"linear", cv::INTER_LINEAR},
                                                              {"cubic", cv::INTER_CUBIC},
                                                              {"lanczos", cv::INTER_LANCZOS4}};
  for (const auto& [filter, interpolation] : filters) {
    for (const int depth : {CV_8U, CV_16U}) {
      for (int channels = 1; channels <= 4; ++channels) {
        const cv::Mat image = noise(41, 57, CV_MAKETYPE(depth, channels), 3);
        for (const cv::Size size :
             {cv::Size(57, 41), cv::Size(1, 1), cv::Size(28, 20), cv::Size(19, 100), cv::Size(130, 97)}) {
          cv::Mat wanted;
          cv::resize(image, wanted, size, 0, 0, interpolation);
          ASSERT_TRUE(same(applied(*resize({size.width, size.height, 0}, filter), padded(image)), wanted))
              << filter << " " << size;
        }
      }
    }
  }
}

TEST(Resize, PercentRoundsHalfUpAndStaysAboveZero) {
  EXPECT_EQ(size_of({0, 0, 50}, 101, 99), std::pair(std::int64_t{51}, std::int64_t{50}));
  EXPECT_EQ(size_of({0, 0, 1}, 3, 300), std::pair(std::int64_t{1}, std::int64_t{3}));
  EXPECT_EQ(size_of({0, 0, 33.3}, 1000, 10), std::pair(std::int64_t{333}, std::int64_t{3}));
}

TEST(Resize, AnOpenSideKeepsTheAspect) {
  EXPECT_EQ(size_of({50, 0, 0}, 100, 75), std::pair(std::int64_t{50}, std::int64_t{38}));  // 37.5
  EXPECT_EQ(size_of({0, 30, 0}, 100, 75), std::pair(std::int64_t{40}, std::int64_t{30}));
  EXPECT_EQ(size_of({1, 0, 0}, 60000, 2), std::pair(std::int64_t{1}, std::int64_t{1}));
}

TEST(Resize, RefusesWhatOpenCvCannotHold) {
  EXPECT_THROW(size_of({0, 0, 1000}, 10000, 10), KernelFailure);
  EXPECT_THROW(size_of({65535, 0, 0}, 1, 2), KernelFailure);
  EXPECT_THROW(size_of({65535, 65535, 0}, 1, 1), KernelFailure);
  EXPECT_THROW(size_of({0, 0, 1e300}, 10, 10), KernelFailure);
  EXPECT_EQ(size_of({65535, 1, 0}, 7, 7), std::pair(std::int64_t{65535}, std::int64_t{1}));
}

TEST(Resize, OnlyNearestMakesNoNewLevels) {
  EXPECT_TRUE(resize({3, 3, 0}, "nearest")->output_is_two_level(true));
  EXPECT_FALSE(resize({3, 3, 0}, "nearest")->output_is_two_level(false));
  EXPECT_FALSE(resize({3, 3, 0}, "linear")->output_is_two_level(true));
}

}  // namespace
}  // namespace pixmill::kernels::testing
