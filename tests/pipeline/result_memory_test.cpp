#include "pipeline/result_memory.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <opencv2/core.hpp>

#include <memory>
#include <thread>
#include <vector>

namespace pixmill::pipeline {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20U;

TEST(KeptMemory, IsWhatSoManyOfThemTakeWithinBounds) {
  const KeptMemory kept{4, 200 * kMiB};
  EXPECT_TRUE(kept.room_for(kMiB, 31 * kMiB)) << "always 32 MiB";
  EXPECT_FALSE(kept.room_for(kMiB, 32 * kMiB));
  EXPECT_TRUE(kept.room_for(20 * kMiB, 60 * kMiB)) << "four of them";
  EXPECT_FALSE(kept.room_for(20 * kMiB, 61 * kMiB));
  EXPECT_TRUE(kept.room_for(90 * kMiB, 110 * kMiB)) << "up to the most";
  EXPECT_FALSE(kept.room_for(90 * kMiB, 111 * kMiB));
  EXPECT_FALSE(kept.room_for(UINT64_MAX / 2, 0));
}

TEST(ResultMemory, OfAnImageThatWentIsThatOfTheNext) {
  const auto memory = std::make_shared<ResultMemory>(KeptMemory{4, 200 * kMiB});
  cv::Mat first = memory->image(1000, 1000, CV_8UC3);
  const uchar* const at = first.data;
  first.setTo(7);
  cv::Mat second = memory->image(1000, 1000, CV_8UC3);
  EXPECT_NE(second.data, at) << "the first is still there";
  const cv::Mat shared = first;
  first.release();
  EXPECT_NE(memory->image(1000, 1000, CV_8UC3).data, at) << "as it has another header";
  EXPECT_EQ(shared.at<cv::Vec3b>(999, 999), cv::Vec3b(7, 7, 7));
  const_cast<cv::Mat&>(shared).release();
  const cv::Mat third = memory->image(900, 1000, CV_8UC3);
  EXPECT_EQ(third.data, at) << "a little smaller is well";
  EXPECT_TRUE(third.isContinuous());
  EXPECT_EQ(third.rows, 900);
}

TEST(ResultMemory, OtherSizesMakeRoom) {
  const auto memory = std::make_shared<ResultMemory>(KeptMemory{1, 200 * kMiB});
  memory->image(6000, 5000, CV_8UC1).setTo(1);  // of 28.6 MiB
  cv::Mat other = memory->image(4000, 5000, CV_8UC1);
  const uchar* const at = other.data;
  other.release();
  EXPECT_EQ(memory->image(4000, 5000, CV_8UC1).data, at);
}

TEST(ResultMemory, AnImageOutlivesIt) {
  auto memory = std::make_shared<ResultMemory>(KeptMemory{4, 200 * kMiB});
  cv::Mat image = memory->image(1000, 1000, CV_8UC1);
  cv::Mat kept = memory->image(1000, 1000, CV_8UC1);
  kept.release();
  memory->end();
  memory.reset();
  image.setTo(5);
  EXPECT_EQ(cv::sum(image)[0], 5e6);
  image.create(2000, 2000, CV_8UC1);  // as a host may: then it is OpenCV's
  image.setTo(1);
}

TEST(ResultMemory, AChildMayLetGoOfAnImage) {
  const auto memory = std::make_shared<ResultMemory>(KeptMemory{4, 200 * kMiB});
  cv::Mat image = memory->image(1000, 1000, CV_8UC1);
  image.setTo(3);
  const pid_t child = ::fork();
  if (child == 0) {
    image.release();
    ::_exit(0);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(image.at<uchar>(999, 999), 3);
}

TEST(ResultMemory, ThreadsHaveImagesOfTheirOwn) {
  const auto memory = std::make_shared<ResultMemory>(KeptMemory{3, 200 * kMiB});
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&memory, t] {
      for (int i = 0; i < 200; ++i) {
        cv::Mat image = memory->image(400 + 100 * (i % 3), 500, CV_8UC1);
        image.setTo(t);
        ASSERT_EQ(cv::countNonZero(image != t), 0);
        if (i % 50 == 0) memory->give_up_spare();
      }
    });
  }
}

}  // namespace
}  // namespace pixmill::pipeline
