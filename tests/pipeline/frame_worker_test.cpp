#include "pipeline/frame_worker.hpp"

#include <pixmill/plan.hpp>

#include <gtest/gtest.h>

#include <opencv2/core.hpp>

#include <cstddef>
#include <span>
#include <vector>

namespace pixmill::pipeline {
namespace {

TEST(FrameWorker, AFrameOfAnotherSizeThanItsShapeIsACrime) {
  const Program program(Plan::parse("invert"), {});
  const std::vector<std::byte> pixels(12);
  const auto shape = message_of(cv::Mat(2, 2, CV_8UC3));
  const auto worker = make_frame_worker(program);
  EXPECT_NO_THROW(static_cast<void>(worker->run(pixels, shape)));
  EXPECT_ANY_THROW(static_cast<void>(worker->run(std::span(pixels).first(11), shape)));
  EXPECT_ANY_THROW(static_cast<void>(worker->run({}, {0, 0})));
  EXPECT_ANY_THROW(static_cast<void>(worker->run(pixels, {~0ULL, ~0ULL})));
}

}  // namespace
}  // namespace pixmill::pipeline
