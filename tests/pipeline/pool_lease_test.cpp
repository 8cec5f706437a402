#include "ipc/lease.hpp"
#include "pipeline/lent_frames.hpp"
#include "tests/pipeline/pool_host.hpp"
#include "tests/support/sample_files.hpp"

#include <pixmill/error.hpp>
#include <pixmill/pool.hpp>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <opencv2/core.hpp>

#include <algorithm>
#include <csignal>
#include <future>
#include <memory>
#include <new>
#include <semaphore>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace pixmill {
namespace {

using tests::Belongings;
using tests::children_named;
using tests::comes_true;
using tests::noise_frame;
using tests::pool_of;
using tests::same_pixels;

std::uint64_t bytes_of(const cv::Mat& image) { return image.total() * image.elemSize(); }

cv::Mat acquired(Pool& pool, const cv::Mat& pixels) {
  cv::Mat image = pool.acquire(pixels.rows, pixels.cols, pixels.type());
  pixels.copyTo(image);
  return image;
}

class ZeroCopy : public testing::TestWithParam<const char*> {};

TEST_P(ZeroCopy, NoPixelIsCopiedBetweenAcquireAndResult) {
  const Plan plan = Plan::parse(GetParam());
  Pool pool(plan, pool_of(1));
  for (const int type : {CV_8UC1, CV_8UC2, CV_8UC3, CV_8UC4, CV_16UC1, CV_16UC3}) {
    for (const cv::Size size : {cv::Size(1, 1), cv::Size(67, 41), cv::Size(640, 481)}) {
      const cv::Mat pixels = noise_frame(size.width, size.height, type, 3);
      const cv::Mat image = acquired(pool, pixels);
      const uchar* const at = image.data;
      const ImageResult result = pool.submit(image).get();
      ASSERT_EQ(result.verdict, Verdict::ok) << result.detail;
      EXPECT_TRUE(same_pixels(result.image, plan.apply(pixels).image)) << type << " " << size;
      EXPECT_EQ(image.data, at);
      EXPECT_TRUE(same_pixels(image, pixels));
      EXPECT_GE(pool.statistics().bytes_lent, bytes_of(image) + bytes_of(result.image));
    }
  }
  EXPECT_EQ(pool.statistics().bytes_copied_in, 0U);
  EXPECT_EQ(pool.statistics().bytes_copied_out, 0U);
  EXPECT_EQ(pool.statistics().bytes_lent, 0U);
}

INSTANTIATE_TEST_SUITE_P(Chains, ZeroCopy,
                         testing::Values("", "invert", "gray,threshold=otsu", "gray,adaptive=sauvola", "resize=50%",
                                         "flip=h,rotate=90", "median=7"),
                         [](const auto& chain) { return "N" + std::to_string(chain.index); });

TEST(PoolLease, AnImageMayBeHandedOverAgainAndInRows) {
  const Plan plan = Plan::parse("invert");
  Pool pool(plan, pool_of(1));
  const cv::Mat image = acquired(pool, noise_frame(90, 70, CV_8UC3));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(same_pixels(pool.submit(image).get().image, plan.apply(image).image));
  const cv::Mat rows = image.rowRange(13, 40);
  EXPECT_TRUE(same_pixels(pool.submit(rows).get().image, plan.apply(rows).image));
  EXPECT_EQ(pool.statistics().bytes_copied_in, 0U);
  const cv::Mat columns = image.colRange(5, 60);
  EXPECT_TRUE(same_pixels(pool.submit(columns).get().image, plan.apply(columns).image));
  EXPECT_GE(pool.statistics().bytes_copied_in, bytes_of(columns));
}

TEST(PoolLease, AResultMayBeHandedOverAgain) {
  const Plan plan = Plan::parse("invert");
  Pool pool(plan, pool_of(1));
  const cv::Mat image = acquired(pool, noise_frame(90, 70, CV_8UC3));
  const ImageResult there = pool.submit(image).get();
  const ImageResult back = pool.submit(there.image).get();
  EXPECT_TRUE(same_pixels(back.image, image));
  EXPECT_EQ(pool.statistics().bytes_copied_in + pool.statistics().bytes_copied_out, 0U);
}

TEST(PoolLease, ImagesOfOthersAreCopied) {
  const Plan plan = Plan::parse("invert");
  Pool pool(plan, pool_of(1));
  Pool other(plan, pool_of(1));
  const cv::Mat image = acquired(other, noise_frame(90, 70, CV_8UC3));
  EXPECT_TRUE(same_pixels(pool.submit(image).get().image, plan.apply(image).image));
  EXPECT_EQ(pool.statistics().bytes_copied_in, bytes_of(image));
  EXPECT_EQ(pool.statistics().bytes_copied_out, bytes_of(image));
}

TEST(PoolLease, ImagesAndResultsOutliveThePool) {
  const Plan plan = Plan::parse("invert");
  const Belongings before;
  {
    cv::Mat image;
    ImageResult result;
    {
      Pool pool(plan, pool_of(1));
      image = acquired(pool, noise_frame(90, 70, CV_8UC3));
      result = pool.submit(image).get();
    }
    EXPECT_TRUE(children_named("pixmill-work").empty());
    EXPECT_TRUE(same_pixels(image, noise_frame(90, 70, CV_8UC3)));
    EXPECT_TRUE(same_pixels(result.image, plan.apply(image).image));
    image.setTo(7);
    const cv::Mat second = image;
    image = cv::Mat();
    EXPECT_EQ(second.at<cv::Vec3b>(69, 89)[2], 7);
  }
  EXPECT_TRUE(comes_true([&] { return Belongings() == before; })) << Belongings();
}

TEST(PoolLease, AChildThatLetsGoOfThemTakesNothingAway) {
  const Plan plan = Plan::parse("invert");
  cv::Mat image;
  ImageResult result;
  {
    Pool pool(plan, pool_of(1));
    image = acquired(pool, noise_frame(90, 70, CV_8UC3));
    result = pool.submit(image).get();
  }
  const pid_t child = ::fork();
  if (child == 0) {
    image = cv::Mat();
    result = {};
    ::_exit(0);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(same_pixels(image, noise_frame(90, 70, CV_8UC3)));
  EXPECT_TRUE(same_pixels(result.image, plan.apply(image).image));
}

TEST(PoolLease, WhenTooMuchIsLentAcquireWaits) {
  PoolOptions options = pool_of(2);
  options.max_lent = std::uint64_t{4} << 20U;
  Pool pool(Plan::parse("invert"), options);
  std::vector<cv::Mat> images;
  for (int i = 0; i < 4; ++i) images.push_back(pool.acquire(1024, 1024, CV_8UC1));
  EXPECT_TRUE(pool.try_acquire(1024, 1024, CV_8UC1).empty());
  std::future<cv::Mat> waiting = std::async(std::launch::async, [&pool] { return pool.acquire(1024, 1024, CV_8UC1); });
  EXPECT_EQ(waiting.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  images.pop_back();
  images.push_back(waiting.get());
  EXPECT_EQ(images.back().rows, 1024);
  EXPECT_TRUE(pool.try_acquire(1, 1, CV_8UC1).empty());
  images.resize(2);
  // What was kept for images of the size before is no hindrance.
  EXPECT_EQ(pool.acquire(2048, 1024, CV_8UC1).rows, 2048);
}

TEST(PoolLease, WhatWaitsForMemoryCanBeStopped) {
  PoolOptions options = pool_of(1);
  options.max_lent = std::uint64_t{1} << 20U;
  Pool pool(Plan::parse("invert"), options);
  const cv::Mat all = pool.acquire(1024, 1024, CV_8UC1);
  std::stop_source stop;
  std::future<cv::Mat> stopped =
      std::async(std::launch::async, [&] { return pool.acquire(9, 9, CV_8UC1, stop.get_token()); });
  stop.request_stop();
  EXPECT_TRUE(stopped.get().empty());
  std::future<cv::Mat> ended = std::async(std::launch::async, [&] { return pool.acquire(9, 9, CV_8UC1); });
  pool.terminate();
  EXPECT_THROW(static_cast<void>(ended.get()), Error);
  EXPECT_THROW(static_cast<void>(pool.try_acquire(9, 9, CV_8UC1)), Error);
}

// The pool's thread, which is in a callback, is not asked.
TEST(PoolLease, TryAcquireSaysAtOnceThatTooMuchIsLent) {
  PoolOptions options = pool_of(1);
  options.max_lent = std::uint64_t{1} << 20U;
  Pool pool(Plan::parse("invert"), options);
  const cv::Mat all = pool.acquire(1024, 1024, CV_8UC1);
  std::promise<void> entered;
  std::promise<void> leave;
  pool.submit(noise_frame(9, 9, CV_8UC1), [&](ImageResult&& /*result*/) {
    entered.set_value();
    leave.get_future().wait();
  });
  entered.get_future().wait();
  std::future<cv::Mat> none = std::async(std::launch::async, [&] { return pool.try_acquire(9, 9, CV_8UC1); });
  EXPECT_EQ(none.wait_for(std::chrono::seconds(60)), std::future_status::ready);
  leave.set_value();
  EXPECT_TRUE(none.get().empty());
  pool.join();
}

/// LentFrames without a pool: the test is the thread that serves.
class LentFramesAlone : public testing::Test {
 protected:
  using LentFrames = pipeline::LentFrames;

  void TearDown() override { frames_->end(); }
  std::future<cv::Mat> wish(const std::stop_token& stop = {}) {
    return std::async(std::launch::async,
                      [this, stop] { return frames_->acquire(64, 64, CV_8UC1, LentFrames::Waiting::yes, stop); });
  }
  void serve_when_woken() {
    woken_.acquire();
    frames_->serve(true);
  }
  [[nodiscard]] ipc::Lease lease() const {
    ipc::Frame frame;
    frame.size_bytes = 64 * 64;
    return {region_, frame};
  }

  std::counting_semaphore<> woken_{0};
  std::shared_ptr<LentFrames> frames_ = std::make_shared<LentFrames>(1 << 20);
  std::shared_ptr<ipc::LentRegion> region_ = std::make_shared<ipc::LentRegion>(1 << 20);
};

TEST_F(LentFramesAlone, WhoeverLetsGoOfOneDoesNotWaitForTheMachine) {
  frames_->begin([this] { woken_.release(); }, [this](std::uint64_t /*bytes*/) { return lease(); });
  std::future<cv::Mat> first = wish();
  serve_when_woken();
  cv::Mat image = first.get();
  EXPECT_EQ(frames_->lent_bytes(), 64U * 64U);
  frames_->give_up_spare();
  frames_->begin([this] { woken_.release(); },
                 [&](std::uint64_t /*bytes*/) {
                   image.release();  // would never end if a lock were held
                   return ipc::Lease();
                 });
  std::future<cv::Mat> second = wish();
  serve_when_woken();
  EXPECT_EQ(second.get().rows, 64) << "it is there after all: what was let go of meanwhile";
}

TEST_F(LentFramesAlone, WhoStopsWaitingMeanwhileLeavesNothingBehind) {
  std::stop_source stop;
  std::future<cv::Mat> stopped;
  frames_->begin([this] { woken_.release(); },
                 [&](std::uint64_t /*bytes*/) {
                   stop.request_stop();
                   EXPECT_TRUE(stopped.get().empty());
                   return lease();
                 });
  stopped = wish(stop.get_token());
  serve_when_woken();
  EXPECT_EQ(frames_->lent_bytes(), 0U);
}

TEST_F(LentFramesAlone, WithNothingLentAndNothingToBeHadThereIsNoHope) {
  frames_->begin([this] { woken_.release(); }, [](std::uint64_t /*bytes*/) { return ipc::Lease(); });
  std::future<cv::Mat> hopeless = wish();
  serve_when_woken();
  EXPECT_THROW(static_cast<void>(hopeless.get()), std::bad_alloc);
}

TEST(PoolLease, ResultsBeyondWhatIsLentAreCopied) {
  const Plan plan = Plan::parse("invert");
  PoolOptions options = pool_of(1);
  options.max_lent = std::uint64_t{1} << 20U;
  Pool pool(plan, options);
  const cv::Mat image = acquired(pool, noise_frame(512, 512, CV_8UC1));
  const cv::Mat want = plan.apply(image).image;
  std::vector<ImageResult> kept;
  for (int i = 0; i < 8; ++i) kept.push_back(pool.submit(image).get());
  for (const ImageResult& result : kept) EXPECT_TRUE(same_pixels(result.image, want));
  EXPECT_EQ(pool.statistics().bytes_copied_in, 0U);
  // Three, as each has a page of words before it.
  EXPECT_EQ(pool.statistics().bytes_copied_out, 5 * bytes_of(want));
}

TEST(PoolLease, AcquireSaysWhatIsNoImage) {
  PoolOptions options = pool_of(1);
  options.max_memory = 1 << 20;
  Pool pool(Plan::parse("invert"), options);
  EXPECT_THROW(static_cast<void>(pool.acquire(0, 9, CV_8UC1)), Error);
  EXPECT_THROW(static_cast<void>(pool.acquire(9, -1, CV_8UC1)), Error);
  EXPECT_THROW(static_cast<void>(pool.acquire(9, 9, CV_32FC1)), Error);
  EXPECT_THROW(static_cast<void>(pool.acquire(9, 9, CV_8UC(5))), Error);
  EXPECT_THROW(static_cast<void>(pool.acquire(9, 9, -1)), Error);
  EXPECT_THROW(static_cast<void>(pool.acquire(1025, 1024, CV_8UC1)), Error);
  EXPECT_EQ(pool.acquire(1024, 1024, CV_8UC1).cols, 1024);
}

TEST(PoolLease, ACallbackMayAcquire) {
  Pool pool(Plan::parse("invert"), pool_of(1));
  cv::Mat second;
  pool.submit(noise_frame(30, 20, CV_8UC1), [&](ImageResult&& /*result*/) { second = pool.acquire(20, 30, CV_8UC1); });
  pool.join();
  EXPECT_EQ(second.rows, 20);
}

// Of a worker that is dead nothing is left to write to what it shared.
TEST(PoolLease, WhatADeadWorkerSharedStaysAndIsCopiedToTheNext) {
  const Plan plan = Plan::parse("gray,threshold=otsu");
  const Belongings before;
  {
    Pool pool(plan, pool_of(1));
    const cv::Mat pixels = noise_frame(300, 200, CV_8UC3);
    const cv::Mat image = acquired(pool, pixels);
    const ImageResult first = pool.submit(image).get();
    ASSERT_TRUE(first) << first.detail;
    const std::vector<pid_t> workers = children_named("pixmill-work");
    ASSERT_EQ(workers.size(), 1U);
    ASSERT_EQ(::kill(workers.front(), SIGKILL), 0);
    ASSERT_TRUE(comes_true([&] { return pool.statistics().deaths == 1; }));
    EXPECT_TRUE(same_pixels(image, pixels));
    EXPECT_TRUE(same_pixels(first.image, plan.apply(pixels).image));
    const ImageResult second = pool.submit(image).get();
    ASSERT_TRUE(second) << second.detail;
    EXPECT_TRUE(same_pixels(second.image, first.image));
    EXPECT_EQ(pool.statistics().bytes_copied_in, bytes_of(image));
    // A new one lies in the memory of the new worker.
    EXPECT_TRUE(pool.submit(acquired(pool, pixels)).get());
    EXPECT_EQ(pool.statistics().bytes_copied_in, bytes_of(image));
  }
  EXPECT_TRUE(comes_true([&] { return Belongings() == before; })) << Belongings();
}

TEST(PoolLease, AnImageInHandIsTriedAgainWhenItsWorkerDies) {
  const Plan plan = Plan::parse("gray,median=101");
  Pool pool(plan, pool_of(2));
  std::vector<cv::Mat> images;
  std::vector<std::future<ImageResult>> results;
  for (unsigned i = 0; i < 6; ++i) images.push_back(acquired(pool, noise_frame(500, 400, CV_8UC3, i)));
  for (const cv::Mat& image : images) results.push_back(pool.submit(image));
  ASSERT_TRUE(comes_true([] { return !children_named("pixmill-work").empty(); }));
  ASSERT_EQ(::kill(children_named("pixmill-work").front(), SIGKILL), 0);
  for (unsigned i = 0; i < 6; ++i) {
    const ImageResult result = results[i].get();
    ASSERT_EQ(result.verdict, Verdict::ok) << result.detail;
    EXPECT_TRUE(same_pixels(result.image, plan.apply(noise_frame(500, 400, CV_8UC3, i)).image));
  }
}

TEST(PoolLease, WhatItsWorkerHasNoTimeForIsDoneByAnother) {
  Pool pool(Plan::parse("median=255,median=253,median=251,median=249,median=247"), pool_of(2));
  const std::future<ImageResult> slow = pool.submit(acquired(pool, noise_frame(6000, 6000, CV_8UC4)));
  std::vector<std::future<ImageResult>> quick;
  for (unsigned i = 0; i < 10; ++i) quick.push_back(pool.submit(acquired(pool, noise_frame(9, 8, CV_8UC1, i))));
  // But for the one, at most, that was sent ahead to the busy worker.
  const auto ready = [&] {
    return std::count_if(quick.begin(), quick.end(), [](const auto& one) {
      return one.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
    });
  };
  EXPECT_TRUE(comes_true([&] { return ready() >= 9; }));
  EXPECT_EQ(slow.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  pool.terminate();
}

TEST(PoolLease, AWorkerThatIsReplacedLeavesWhatItShared) {
  const Plan plan = Plan::parse("invert");
  PoolOptions options = pool_of(1);
  options.images_a_worker = 3;
  Pool pool(plan, options);
  const cv::Mat image = acquired(pool, noise_frame(60, 50, CV_8UC3));
  std::vector<ImageResult> results;
  for (int i = 0; i < 10; ++i) results.push_back(pool.submit(image).get());
  for (const ImageResult& result : results) EXPECT_TRUE(same_pixels(result.image, plan.apply(image).image));
  EXPECT_TRUE(comes_true([&] { return pool.statistics().replaced == 3; }));
  EXPECT_EQ(pool.statistics().deaths, 0U);
  EXPECT_EQ(pool.statistics().failed, 0U);
}

}  // namespace
}  // namespace pixmill
