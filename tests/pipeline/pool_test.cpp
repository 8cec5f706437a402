#include "ipc/sandbox.hpp"
#include "tests/pipeline/pool_host.hpp"
#include "tests/support/sample_files.hpp"

#include <pixmill/error.hpp>
#include <pixmill/pool.hpp>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <opencv2/core.hpp>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <functional>
#include <future>
#include <memory>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace pixmill {
namespace {

using namespace std::chrono_literals;
using tests::children_named;
using tests::noise_frame;
using tests::pool_of;
using tests::same_pixels;

const Plan& plan() {
  static const Plan kPlan = Plan::parse("gray,median=3,threshold=otsu");
  return kPlan;
}

PoolOptions two_workers() { return pool_of(2); }

std::vector<cv::Mat> frames(int count) {
  std::vector<cv::Mat> all;
  for (int i = 0; i < count; ++i) {
    all.push_back(
        noise_frame(40 + i % 7 * 31, 30 + i % 5 * 17, i % 3 == 0 ? CV_8UC1 : CV_8UC3, static_cast<unsigned>(i)));
  }
  return all;
}

// Many seconds of work.
const char* const kSlowChain = "median=255,median=253,median=251,median=249,median=247";
cv::Mat slow_image() { return noise_frame(6000, 6000, CV_8UC4); }

TEST(Pool, GivesTheBitsOfApply) {
  Pool pool(plan(), two_workers());
  const std::vector<cv::Mat> images = frames(40);
  const std::vector<ImageResult> results = pool.map(images);
  ASSERT_EQ(results.size(), images.size());
  for (std::size_t i = 0; i < images.size(); ++i) {
    ASSERT_EQ(results[i].verdict, Verdict::ok) << results[i].detail;
    EXPECT_TRUE(same_pixels(results[i].image, plan().apply(images[i]).image));
  }
  const PoolStatistics statistics = pool.statistics();
  EXPECT_EQ(statistics.finished, images.size());
  EXPECT_EQ(statistics.failed, 0U);
  EXPECT_EQ(statistics.unfinished, 0U);
  EXPECT_EQ(statistics.deaths, 0U);
}

TEST(Pool, ResultsOutliveItAndAreWritable) {
  const cv::Mat image = noise_frame(50, 40, CV_16UC3, 1);
  const Plan invert = Plan::parse("invert");
  ImageResult result;
  {
    Pool pool(invert, two_workers());
    result = pool.submit(image).get();
  }
  ASSERT_EQ(result.verdict, Verdict::ok) << result.detail;
  const cv::Mat second = result.image;
  result.image = cv::Mat();
  EXPECT_TRUE(same_pixels(second, invert.apply(image).image));
  second.row(0).setTo(7);
  EXPECT_EQ(second.at<cv::Vec3w>(0, 0)[0], 7);
}

TEST(Pool, TakesPartsOfImages) {
  Pool pool(plan(), two_workers());
  const cv::Mat large = noise_frame(100, 80, CV_8UC3, 1);
  const cv::Mat part = large(cv::Rect(10, 20, 33, 44));
  EXPECT_TRUE(same_pixels(pool.submit(part).get().image, plan().apply(part).image));
}

TEST(Pool, WhatIsNoImageIsAVerdict) {
  PoolOptions options = two_workers();
  options.max_memory = 1 << 20;
  Pool pool(Plan::parse("crop=20x20+0+0"), options);
  EXPECT_EQ(pool.submit(cv::Mat()).get().verdict, Verdict::unsupported);
  EXPECT_EQ(pool.submit(cv::Mat(30, 30, CV_32FC1, cv::Scalar(0))).get().verdict, Verdict::unsupported);
  EXPECT_EQ(pool.submit(noise_frame(1025, 1024, CV_8UC1)).get().verdict, Verdict::too_large);
  const ImageResult small = pool.submit(noise_frame(10, 10, CV_8UC1)).get();
  EXPECT_EQ(small.verdict, Verdict::kernel_failed);
  EXPECT_FALSE(small.detail.empty());
  EXPECT_TRUE(small.image.empty());
  EXPECT_TRUE(pool.submit(noise_frame(30, 30, CV_8UC1)).get());
  EXPECT_EQ(pool.statistics().failed, 4U);
}

TEST(Pool, AStreamComesBackAsItWasPushed) {
  Pool pool(plan(), two_workers());
  const std::vector<cv::Mat> images = frames(60);
  std::jthread producer([&] {
    for (std::size_t i = 0; i < images.size(); ++i) pool.push(images[i], 1000 + i);
    pool.close();
  });
  std::size_t count = 0;
  while (const std::optional<StreamResult> next = pool.next()) {
    EXPECT_EQ(next->tag, 1000 + count);
    EXPECT_TRUE(same_pixels(next->result.image, plan().apply(images[count]).image));
    ++count;
  }
  EXPECT_EQ(count, images.size());
}

TEST(Pool, AsCompletedGivesEachOnce) {
  PoolOptions options = two_workers();
  options.order = StreamOrder::as_completed;
  Pool pool(plan(), options);
  const std::vector<cv::Mat> images = frames(60);
  std::jthread producer([&] {
    for (std::size_t i = 0; i < images.size(); ++i) pool.push(images[i], i);
    pool.close();
  });
  std::set<std::uint64_t> tags;
  while (const std::optional<StreamResult> next = pool.next()) {
    EXPECT_TRUE(tags.insert(next->tag).second);
    EXPECT_TRUE(same_pixels(next->result.image, plan().apply(images[next->tag]).image));
  }
  EXPECT_EQ(tags.size(), images.size());
}

TEST(Pool, OneThreadCanPushAndFetch) {
  PoolOptions options = two_workers();
  options.capacity = 3;
  Pool pool(plan(), options);
  const std::vector<cv::Mat> images = frames(20);
  std::uint64_t fetched = 0;
  for (std::size_t i = 0; i < images.size(); ++i) {
    while (!pool.try_push(images[i], i)) EXPECT_EQ(pool.next()->tag, fetched++);
    EXPECT_LE(i + 1 - fetched, 3U);
  }
  pool.close();
  while (const auto next = pool.next()) EXPECT_EQ(next->tag, fetched++);
  EXPECT_EQ(fetched, images.size());
}

TEST(Pool, WaitingForRoomAndForResultsCanBeStopped) {
  PoolOptions options = two_workers();
  options.capacity = 1;
  Pool pool(plan(), options);
  const cv::Mat image = noise_frame(20, 20, CV_8UC1);
  std::stop_source stop;
  std::future<bool> nothing = std::async(std::launch::async, [&] { return !pool.next(stop.get_token()); });
  EXPECT_EQ(nothing.wait_for(20ms), std::future_status::timeout);
  stop.request_stop();
  EXPECT_TRUE(nothing.get());
  EXPECT_TRUE(pool.push(image, 1, stop.get_token()));  // there is room
  EXPECT_FALSE(pool.push(image, 2, stop.get_token()));
  stop = {};
  std::future<bool> full = std::async(std::launch::async, [&] { return !pool.push(image, 3, stop.get_token()); });
  EXPECT_EQ(full.wait_for(20ms), std::future_status::timeout);
  stop.request_stop();
  EXPECT_TRUE(full.get());
  EXPECT_EQ(pool.next()->tag, 1U);
  pool.close();
  EXPECT_FALSE(pool.next());
}

TEST(Pool, ClosedTakesNothingMore) {
  Pool pool(plan(), two_workers());
  std::future<ImageResult> last = pool.submit(noise_frame(20, 20, CV_8UC1));
  pool.close();
  EXPECT_THROW(static_cast<void>(pool.submit(noise_frame(20, 20, CV_8UC1))), Error);
  EXPECT_THROW(pool.push(noise_frame(20, 20, CV_8UC1)), Error);
  EXPECT_TRUE(last.get());
  EXPECT_FALSE(pool.next());
}

TEST(Pool, CallbacksMaySubmitMoreAndWhatTheyThrowComesOutOfJoin) {
  PoolOptions options = two_workers();
  options.capacity = 1;
  Pool pool(plan(), options);
  std::atomic<int> calls{0};
  const cv::Mat image = noise_frame(20, 20, CV_8UC1);
  pool.submit(image, [&](ImageResult&& /*result*/) {
    for (int i = 0; i < 5; ++i) pool.submit(image, [&](ImageResult&& /*inner*/) { ++calls; });
    throw std::runtime_error("from a callback");
  });
  EXPECT_THROW(pool.join(), std::runtime_error);
  EXPECT_EQ(calls, 5);
  EXPECT_NO_THROW(pool.join());
}

bool is_refused(const std::function<void()>& call) {
  try {
    call();
    return false;
  } catch (const Error& error) {
    return error.code() == ErrorCode::usage;
  }
}

TEST(Pool, WhatACallbackMustNotWaitForIsRefusedThere) {
  Pool pool(plan(), two_workers());
  const cv::Mat image = noise_frame(20, 20, CV_8UC1);
  int more = 0;
  pool.submit(image, [&](ImageResult&& /*result*/) {
    EXPECT_TRUE(is_refused([&] { pool.push(image); }));
    EXPECT_TRUE(is_refused([&] { static_cast<void>(pool.push(image, 1, {})); }));
    EXPECT_TRUE(is_refused([&] { static_cast<void>(pool.next()); }));
    EXPECT_TRUE(is_refused([&] { static_cast<void>(pool.map({&image, 1})); }));
    EXPECT_TRUE(is_refused([&] { pool.join(); }));
    EXPECT_TRUE(is_refused([&] { pool.terminate(); }));
    EXPECT_TRUE(pool.try_push(image, 7));
    pool.submit(image, [&](ImageResult&& result) { more += result ? 1 : 0; });
  });
  pool.join();
  EXPECT_EQ(more, 1);
  EXPECT_EQ(pool.next()->tag, 7U);
  EXPECT_EQ(pool.statistics().finished, 3U);
}

TEST(Pool, ACallbackMayWaitForAnotherPool) {
  Pool pool(plan(), two_workers());
  Pool other(plan(), two_workers());
  const cv::Mat image = noise_frame(20, 20, CV_8UC1);
  pool.submit(image, [&](ImageResult&& /*result*/) { EXPECT_TRUE(other.map({&image, 1}).front()); });
  EXPECT_NO_THROW(pool.join());
}

TEST(Pool, AChildOfTheHostHasNone) {
  auto pool = std::make_unique<Pool>(plan(), two_workers());
  const cv::Mat image = noise_frame(20, 20, CV_8UC1);
  ASSERT_TRUE(pool->submit(image).get());
  const std::vector<std::function<void()>> calls = {
      [&] { static_cast<void>(pool->submit(image)); },
      [&] { pool->push(image); },
      [&] { static_cast<void>(pool->try_push(image)); },
      [&] { static_cast<void>(pool->next()); },
      [&] {
        static_cast<void>(pool->map({&image, 1}));
      },
      [&] { static_cast<void>(pool->acquire(9, 9, CV_8UC1)); },
      [&] { static_cast<void>(pool->try_acquire(9, 9, CV_8UC1)); },
      [&] { pool->close(); },
      [&] { pool->join(); },
      [&] { pool->terminate(); },
      [&] { static_cast<void>(pool->statistics()); },
  };
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);
    int code = 0;
    for (const auto& call : calls) code += is_refused(call) ? 0 : 1;
    pool.reset();
    ::_exit(code);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(pool->submit(image).get());
  EXPECT_EQ(pool->statistics().deaths, 0U);
}

TEST(Pool, TerminateCancelsWhatIsLeft) {
  Pool pool(Plan::parse(kSlowChain), two_workers());
  const cv::Mat image = slow_image();
  std::vector<std::future<ImageResult>> futures;
  for (int i = 0; i < 4; ++i) futures.push_back(pool.submit(image));
  pool.terminate();
  for (auto& future : futures) EXPECT_EQ(future.get().verdict, Verdict::cancelled);
  EXPECT_THROW(static_cast<void>(pool.submit(noise_frame(20, 20, CV_8UC1))), Error);
  EXPECT_FALSE(pool.next());
  EXPECT_TRUE(children_named("pixmill-work").empty());
  EXPECT_TRUE(children_named("pixmill-fork").empty());
}

TEST(Pool, TerminateFreesThoseWhoWait) {
  PoolOptions options = two_workers();
  options.capacity = 1;
  Pool pool(plan(), options);
  pool.push(noise_frame(20, 20, CV_8UC1));
  std::jthread stuck([&] { EXPECT_THROW(pool.push(noise_frame(20, 20, CV_8UC1)), Error); });
  pool.terminate();
}

TEST(Pool, AWorkerKilledCostsNoImage) {
  Pool pool(Plan::parse("gray,median=31"), two_workers());
  ASSERT_TRUE(pool.submit(noise_frame(30, 30, CV_8UC3)).get());
  const std::vector<cv::Mat> images(30, noise_frame(300, 300, CV_8UC3));
  std::atomic<bool> done{false};
  int kills = 0;
  std::jthread killer([&] {
    // Fewer than the attempts that an image has.
    const std::vector<pid_t> workers = children_named("pixmill-work");
    if (!workers.empty()) kills += ::kill(workers.front(), SIGKILL) == 0 ? 1 : 0;
  });
  const std::vector<ImageResult> results = pool.map(images);
  killer.join();
  const cv::Mat want = Plan::parse("gray,median=31").apply(images.front()).image;
  for (const ImageResult& result : results) {
    ASSERT_EQ(result.verdict, Verdict::ok) << result.detail;
    EXPECT_TRUE(same_pixels(result.image, want));
  }
  EXPECT_EQ(kills, 1);
}

TEST(Pool, AnImageThatTakesTooLongIsATimeoutAndTheOthersAreNot) {
  PoolOptions options = two_workers();
  options.timeout = 2s;
  Pool pool(Plan::parse(kSlowChain), options);
  std::future<ImageResult> slow = pool.submit(slow_image());
  EXPECT_EQ(slow.get().verdict, Verdict::timeout);
  EXPECT_EQ(pool.submit(noise_frame(3, 3, CV_8UC1)).get().verdict, Verdict::ok);
  EXPECT_GE(pool.statistics().deaths, 2U);
}

TEST(Pool, WithoutItsProgramThereIsNone) {
  PoolOptions options = two_workers();
  options.worker_program = "/nowhere/pixmill-worker";
  EXPECT_THROW(Pool(plan(), options), Error);
}

TEST(Pool, AProgramThatIsNoWorkerIsToldOf) {
  PoolOptions options = two_workers();
  options.worker_program = "/bin/false";
  Pool pool(plan(), options);
  const ImageResult result = pool.submit(noise_frame(20, 20, CV_8UC1)).get();
  EXPECT_EQ(result.verdict, Verdict::cancelled);
  EXPECT_FALSE(result.detail.empty());
  EXPECT_THROW(static_cast<void>(pool.submit(noise_frame(20, 20, CV_8UC1))), Error);
}

TEST(Pool, RefusesOptionsThatMakeNoSense) {
  const auto refused = [](auto change) {
    PoolOptions options = two_workers();
    change(options);
    EXPECT_THROW(Pool(plan(), options), Error);
  };
  refused([](PoolOptions& options) { options.workers = -1; });
  refused([](PoolOptions& options) { options.timeout = -1ms; });
  refused([](PoolOptions& options) { options.retries = -1; });
  refused([](PoolOptions& options) { options.max_memory = 1; });
  refused([](PoolOptions& options) { options.max_lent = 1; });
  if (!ipc::kSandboxInThisBuild) refused([](PoolOptions& options) { options.sandbox = true; });
}

}  // namespace
}  // namespace pixmill
