#include "pipeline/frame_worker.hpp"

#include <pixmill/error.hpp>
#include <pixmill/version.hpp>

#include <gtest/gtest.h>

#include <opencv2/core.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace pixmill::pipeline {
namespace {

TEST(FrameWorker, AJobGoesThroughArguments) {
  FrameWorkerJob job{"1.2.3", 1ULL << 40U, 20000, false, "gray=luma,threshold=otsu:type=binary:scope=image"};
  job.system_calls = {102, 39};
  job.plugins = {"/a/b.so", "/c d.so"};
  const std::vector<std::string> arguments = arguments_of(job);
  const auto read = job_of(arguments);
  ASSERT_TRUE(read);
  EXPECT_EQ(arguments_of(*read), arguments);
  EXPECT_EQ(read->memory_bytes, job.memory_bytes);
  EXPECT_EQ(read->sandbox, job.sandbox);
  EXPECT_EQ(read->plan, job.plan);
  EXPECT_EQ(read->system_calls, job.system_calls);
  EXPECT_EQ(read->plugins, job.plugins);
}

TEST(FrameWorker, ArgumentsThatMakeNoSenseAreNoJob) {
  const std::vector<std::string> good = arguments_of({"1.2.3", 1, 2, true, ""});
  ASSERT_TRUE(job_of(good));
  EXPECT_FALSE(job_of({}));
  EXPECT_FALSE(job_of(std::span(good).first(5)));
  for (const std::size_t at : {1U, 2U, 3U, 5U}) {
    for (const char* wrong : {"", "x", "-1", "1x"}) {
      std::vector<std::string> bad = good;
      bad[at] = wrong;
      EXPECT_FALSE(job_of(bad)) << at << " " << wrong;
    }
  }
}

TEST(FrameWorker, AnotherVersionIsRefusedByName) {
  const ipc::WorkerPlan plan = frame_worker_plan({"99.1.2", 0, 0, false, ""});
  try {
    plan.prepare();
    FAIL() << "it takes a library of another version";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("99.1.2"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find(version()), std::string::npos);
  }
}

TEST(FrameWorker, AFrameOfAnotherSizeThanItsShapeIsACrime) {
  const ipc::WorkerPlan plan = frame_worker_plan({version(), 0, 0, false, "invert"});
  const std::vector<std::byte> pixels(12);
  const auto shape = message_of(cv::Mat(2, 2, CV_8UC3));
  plan.prepare();
  const auto worker = plan.make();
  EXPECT_NO_THROW(static_cast<void>(worker->run(pixels, shape)));
  EXPECT_ANY_THROW(static_cast<void>(worker->run(std::span(pixels).first(11), shape)));
  EXPECT_ANY_THROW(static_cast<void>(worker->run({}, {0, 0})));
  EXPECT_ANY_THROW(static_cast<void>(worker->run(pixels, {~0ULL, ~0ULL})));
}

}  // namespace
}  // namespace pixmill::pipeline
