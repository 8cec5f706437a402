#include "tests/kernels/images.hpp"

#include <pixmill/error.hpp>

#include <cmath>

namespace pixmill::kernels::testing {
namespace {

std::unique_ptr<const FrameOperation> equalize() { return frame_operation("equalize", {}); }
std::unique_ptr<const FrameOperation> clahe(double clip, std::int64_t tiles) {
  return frame_operation("equalize", {{"clip", Value{clip}}, {"tiles", Value{tiles}}});
}

template <typename Oracle>
cv::Mat by_colour(const cv::Mat& in, Oracle oracle) {
  std::vector<cv::Mat> planes;
  cv::split(in, planes);
  for (int c = 0; c < colour_channels(in.channels()); ++c) {
    cv::Mat& plane = planes[static_cast<std::size_t>(c)];
    plane = oracle(plane);
  }
  cv::Mat out;
  cv::merge(planes, out);
  return out;
}

cv::Mat by_opencv(const cv::Mat& in) {
  return by_colour(in, [](const cv::Mat& plane) {
    cv::Mat out;
    cv::equalizeHist(plane, out);
    return out;
  });
}

cv::Mat by_opencv(const cv::Mat& in, double clip, int tiles) {
  return by_colour(in, [&](const cv::Mat& plane) {
    cv::Mat out;
    cv::createCLAHE(clip, cv::Size(tiles, tiles))->apply(plane, out);
    return out;
  });
}

// The documented formula for 65536 levels, level by level.
cv::Mat plain_sixteen(const cv::Mat& in) {
  return by_colour(in, [](const cv::Mat& plane) {
    std::vector<int> counts(65536);
    for (int y = 0; y < plane.rows; ++y) {
      for (int x = 0; x < plane.cols; ++x) ++counts[plane.at<std::uint16_t>(y, x)];
    }
    const auto first = std::find_if(counts.begin(), counts.end(), [](int count) { return count > 0; });
    const int rest = static_cast<int>(plane.total()) - *first;
    cv::Mat out = plane.clone();
    if (rest == 0) return out;
    const float scale = 65535.0F / static_cast<float>(rest);
    std::vector<std::uint16_t> table(65536);
    int sum = 0;
    for (auto level = static_cast<std::size_t>(first - counts.begin()) + 1; level < 65536; ++level) {
      sum += counts[level];
      table[level] = static_cast<std::uint16_t>(std::min(65535.0F, std::nearbyint(static_cast<float>(sum) * scale)));
    }
    for (int y = 0; y < plane.rows; ++y) {
      for (int x = 0; x < plane.cols; ++x) out.at<std::uint16_t>(y, x) = table[plane.at<std::uint16_t>(y, x)];
    }
    return out;
  });
}

TEST(Equalize, IsOpenCvsAtEightBits) {
  for (int channels = 1; channels <= 4; ++channels) {
    for (const cv::Size size : awkward_sizes()) {
      for (const cv::Mat& image :
           {noise(size.height, size.width, CV_8UC(channels), 2), page(size.height, size.width, CV_8UC(channels), 2)}) {
        ASSERT_TRUE(same(applied(*equalize(), padded(image)), by_opencv(image))) << size << " " << channels;
      }
    }
  }
}

TEST(Equalize, IsTheSameFormulaAtSixteen) {
  for (int channels = 1; channels <= 4; ++channels) {
    for (const cv::Size size : awkward_sizes()) {
      for (const cv::Mat& image : {noise(size.height, size.width, CV_16UC(channels), 2),
                                   page(size.height, size.width, CV_16UC(channels), 2)}) {
        ASSERT_TRUE(same(applied(*equalize(), padded(image)), plain_sixteen(image))) << size << " " << channels;
      }
    }
  }
}

TEST(Equalize, LeavesAPictureOfOneLevel) {
  for (const int type : {CV_8UC1, CV_8UC3, CV_16UC1, CV_16UC4}) {
    const cv::Mat image(9, 14, type, cv::Scalar(7, 0, 255, 3));
    EXPECT_TRUE(same(applied(*equalize(), image), image)) << type;
  }
}

TEST(Equalize, TwoLevelsStayTwo) {
  for (const int type : {CV_8UC1, CV_16UC1}) {
    for (const int white : {1, 2, 3, 999, 29999, 30000}) {
      cv::Mat image(150, 200, type, cv::Scalar::all(0));
      const int largest = type == CV_8UC1 ? 255 : 65535;
      for (int i = 0; i < white; ++i) image.row(i / 200).col(i % 200).setTo(largest);
      EXPECT_TRUE(same(applied(*equalize(), image), image)) << white;
    }
  }
  EXPECT_TRUE(equalize()->output_is_two_level(true));
  EXPECT_FALSE(clahe(2, 8)->output_is_two_level(true));
}

TEST(Equalize, ClaheIsOpenCvs) {
  for (const int depth : {CV_8U, CV_16U}) {
    for (const auto& [clip, tiles] : {std::pair{2.0, 8}, {40.0, 3}, {0.01, 1}, {1.3, 5}, {60000.0, 2}}) {
      for (const cv::Size size : {cv::Size(1, 1), cv::Size(3, 2), cv::Size(1, 40), cv::Size(7, 1), cv::Size(8, 8),
                                  cv::Size(64, 48), cv::Size(61, 48), cv::Size(64, 45), cv::Size(131, 77)}) {
        for (const cv::Mat& image : {noise(size.height, size.width, CV_MAKETYPE(depth, 1), 2),
                                     page(size.height, size.width, CV_MAKETYPE(depth, 1), 2)}) {
          ASSERT_TRUE(same(applied(*clahe(clip, tiles), padded(image)), by_opencv(image, clip, tiles)))
              << size << " " << clip << " " << tiles << " " << depth;
        }
      }
    }
  }
}

TEST(Equalize, ClaheTakesEachColourByItselfAndLeavesAlpha) {
  for (const int depth : {CV_8U, CV_16U}) {
    for (int channels = 2; channels <= 4; ++channels) {
      const cv::Mat image = page(45, 70, CV_MAKETYPE(depth, channels), 2);
      ASSERT_TRUE(same(applied(*clahe(3, 4), padded(image)), by_opencv(image, 3, 4))) << depth << " " << channels;
    }
  }
}

TEST(Equalize, ManyTilesOnAFewPixelsHaveAnAnswer) {
  for (const cv::Size size : {cv::Size(1, 1), cv::Size(3, 2), cv::Size(2, 300)}) {
    const cv::Mat image = noise(size.height, size.width, CV_8UC1, 2);
    ASSERT_TRUE(same(applied(*clahe(2, 256), image), by_opencv(image, 2, 256))) << size;
  }
}

TEST(Equalize, TilesWithoutClipAreWrongUsage) {
  try {
    static_cast<void>(frame_operation("equalize", {{"tiles", Value{std::int64_t{4}}}}));
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::usage);
  }
}

}  // namespace
}  // namespace pixmill::kernels::testing
