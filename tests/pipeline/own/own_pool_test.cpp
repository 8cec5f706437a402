// Own kernels in pools: workers have those of plug-ins, and forks all.
#include "ipc/sandbox.hpp"
#include "tests/pipeline/own/kernels_for_tests.hpp"
#include "tests/pipeline/pool_host.hpp"
#include "tests/support/sample_files.hpp"

#include <pixmill/error.hpp>
#include <pixmill/plugin.hpp>
#include <pixmill/pool.hpp>

#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <new>
#include <optional>
#include <string>
#include <vector>

namespace pixmill {
namespace {

using tests::noise_frame;
using tests::pool_of;
using tests::same_pixels;

PoolOptions forks_of_this(int workers) {
  PoolOptions options = pool_of(workers);
  options.start = StartMethod::fork;
  options.worker_program = "/nonexistent";
  return options;
}

/// Has no memory to tell the shape of what is 102 wide.
class ShapeWithoutMemory final : public tests::Does {
 public:
  ShapeWithoutMemory() : Does([](const cv::Mat& /*in*/) {}) {}
  [[nodiscard]] ImageShape output_shape(const ImageShape& in) const override {
    if (in.width == 102) throw std::bad_alloc();
    return in;
  }
};

/// Tells the process that made it another shape than all others, of as many bytes.
class TwoShapes final : public tests::Transpose {
 public:
  [[nodiscard]] ImageShape output_shape(const ImageShape& in) const override {
    return ::getpid() == maker_ ? in : Transpose::output_shape(in);
  }

 private:
  const pid_t maker_ = ::getpid();
};

// Several tests may need it, in any order.
void load_faults() { load_plugin(PIXMILL_PLUGIN_FAULTS); }

void expect_bits_of_apply(Pool& pool, const Plan& plan) {
  for (int i = 0; i < 10; ++i) {
    const cv::Mat image = noise_frame(30 + 7 * i, 20 + i, i % 2 == 0 ? CV_8UC3 : CV_16UC1, static_cast<unsigned>(i));
    const ImageResult result = pool.submit(image).get();
    ASSERT_EQ(result.verdict, Verdict::ok) << result.detail;
    EXPECT_TRUE(same_pixels(result.image, plan.apply(image).image));
  }
}

TEST(OwnPool, AForkHasWhatWasRegistered) {
  KernelDefinition definition = tests::named("pool-inverts");
  definition.image = [](const cv::Mat& in, cv::Mat& out, const KernelArguments&) { tests::invert_all(in, out); };
  register_kernel(definition);
  const Plan plan = Plan::parse("pool-inverts,median=3");
  Pool pool(plan, forks_of_this(2));
  expect_bits_of_apply(pool, plan);
}

TEST(OwnPool, TheProgramHasNotWhatWasRegistered) {
  KernelDefinition definition = tests::named("pool-only-here");
  definition.level = [](int level, int largest, const KernelArguments&) { return largest - level; };
  register_kernel(definition);
  try {
    const Pool pool(Plan::parse("gray,pool-only-here"), pool_of(1));
    FAIL() << "it was made";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::usage);
    EXPECT_NE(std::string(error.what()).find("pool-only-here"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("plug-in"), std::string::npos) << error.what();
  }
}

TEST(OwnPool, TheProgramLoadsPlugins) {
  load_faults();
  const Plan plan = Plan::parse("gray,darker,misbehaves");
  Pool pool(plan, pool_of(2));
  expect_bits_of_apply(pool, plan);
}

TEST(OwnPool, WhatAPluginDoesToAnImageCostsNoOther) {
  load_faults();
  const Plan plan = Plan::parse("misbehaves");
  for (PoolOptions options : {pool_of(2), forks_of_this(2)}) {
    options.retries = 0;
    Pool pool(plan, options);
    std::vector<cv::Mat> images;
    for (int i = 0; i < 30; ++i) images.push_back(noise_frame(i % 5 == 2 ? 102 : 60 + i % 3, 40, CV_8UC1, 3));
    const std::vector<ImageResult> results = pool.map(images);
    for (std::size_t i = 0; i < images.size(); ++i) {
      const Verdict expected = images[i].cols == 102 ? Verdict::crashed : Verdict::ok;
      EXPECT_EQ(results[i].verdict, expected) << i << ": " << results[i].detail;
    }
    const ImageResult thrown = pool.submit(noise_frame(101, 10, CV_8UC1, 3)).get();
    EXPECT_EQ(thrown.verdict, Verdict::kernel_failed);
    EXPECT_NE(thrown.detail.find("a page of 101"), std::string::npos) << thrown.detail;
  }
}

TEST(OwnPool, AShapeThatCannotBeToldCostsItsImageAlone) {
  KernelDefinition definition = tests::named("pool-shape-without-memory");
  definition.bind = [](const KernelArguments&) { return std::make_unique<ShapeWithoutMemory>(); };
  register_kernel(definition);
  Pool pool(Plan::parse("pool-shape-without-memory"), forks_of_this(1));
  const auto wide = [](unsigned i) { return i % 3 == 1 ? 102 : 60; };
  std::vector<cv::Mat> images;
  for (unsigned i = 0; i < 4; ++i) images.push_back(noise_frame(wide(i), 20, CV_8UC1, i));
  for (const cv::Mat& image : images) pool.push(image);
  for (unsigned i = 0; i < images.size(); ++i) {
    const std::optional<StreamResult> next = pool.next();
    ASSERT_TRUE(next);
    EXPECT_EQ(next->result.verdict, wide(i) == 102 ? Verdict::out_of_memory : Verdict::ok) << next->result.detail;
  }
  pool.join();
  EXPECT_EQ(pool.statistics().finished, images.size());
  EXPECT_EQ(pool.statistics().deaths, 0U);
}

TEST(OwnPool, AnAnswerOfAnotherShapeThanExpectedIsNone) {
  KernelDefinition definition = tests::named("pool-two-shapes");
  definition.bind = [](const KernelArguments&) { return std::make_unique<TwoShapes>(); };
  register_kernel(definition);
  PoolOptions options = forks_of_this(1);
  options.retries = 0;
  Pool pool(Plan::parse("pool-two-shapes"), options);
  const ImageResult other = pool.submit(noise_frame(30, 20, CV_8UC1, 1)).get();
  EXPECT_EQ(other.verdict, Verdict::crashed);
  EXPECT_NE(other.detail.find("protocol"), std::string::npos) << other.detail;
  EXPECT_TRUE(other.image.empty());
  const cv::Mat square = noise_frame(20, 20, CV_8UC1, 2);
  const ImageResult same = pool.submit(square).get();
  ASSERT_EQ(same.verdict, Verdict::ok) << same.detail;
  EXPECT_TRUE(same_pixels(same.image, square.t()));
}

// Without a sandbox nothing is asked.
TEST(OwnPool, CallsThatAPluginNamesAreAllowed) {
  load_faults();
  const cv::Mat asking = noise_frame(110, 10, CV_8UC1, 3);
  for (PoolOptions options : {pool_of(1), forks_of_this(1)}) {
    options.retries = 0;
    Pool named(Plan::parse("asks"), options);
    const ImageResult result = named.submit(asking).get();
    EXPECT_EQ(result.verdict, Verdict::ok) << result.detail;
    Pool unnamed(Plan::parse("asks-unasked"), options);
    const Verdict without = unnamed.submit(asking).get().verdict;
    EXPECT_EQ(without, ipc::kSandboxInThisBuild ? Verdict::crashed : Verdict::ok);
  }
}

}  // namespace
}  // namespace pixmill
