#include "kernels/kernel.hpp"
#include "tests/pipeline/chain_run.hpp"
#include "tests/support/sample_files.hpp"

#include <pixmill/plan.hpp>

#include <gtest/gtest.h>

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include <string>
#include <thread>
#include <vector>

namespace pixmill {
namespace {

using pipeline::testing::every_example;
using tests::noise_frame;
using tests::same_pixels;

cv::Mat padded(const cv::Mat& image) {
  cv::Mat large(image.rows + 3, image.cols + 11, image.type(), cv::Scalar::all(99));
  cv::Mat inside = large(cv::Rect(4, 2, image.cols, image.rows));
  image.copyTo(inside);
  return inside;
}

cv::Mat colours(const cv::Mat& image) {
  if (!kernels::has_alpha(image.channels())) return image;
  std::vector<cv::Mat> planes;
  cv::split(image, planes);
  planes.pop_back();
  cv::Mat merged;
  cv::merge(planes, merged);
  return merged;
}

// Step by step, none of the short cuts.
ImageResult plainly(const std::string& chain, const cv::Mat& image) {
  const auto steps = pipeline::testing::bound_steps(chain);
  ImageResult result;
  try {
    const cv::Mat first = pipeline::testing::keeps_alpha(steps) ? image : colours(image);
    const auto on_frames = [](const kernels::FrameOperation& operation, const cv::Mat& in) {
      const kernels::FrameShape shape = operation.output_shape(kernels::shape_of(in));
      cv::Mat out(static_cast<int>(shape.height), static_cast<int>(shape.width), shape.type());
      kernels::Workspace workspace;
      operation.apply(in, out, workspace);
      return out;
    };
    result.image = pipeline::testing::run_chain(steps, first, on_frames);
    result.verdict = Verdict::ok;
  } catch (const kernels::KernelFailure& failure) {
    result.verdict = Verdict::kernel_failed;
  }
  return result;
}

void expect_as_step_by_step(const Plan& plan, const cv::Mat& image) {
  const cv::Mat before = image.clone();
  const ImageResult want = plainly(plan.text(), image);
  const ImageResult got = plan.apply(image);
  ASSERT_EQ(got.verdict, want.verdict) << got.detail;
  EXPECT_TRUE(same_pixels(image, before)) << "the input was written to";
  if (got) {
    EXPECT_TRUE(same_pixels(got.image, want.image));
  } else {
    EXPECT_TRUE(got.image.empty());
  }
}

TEST(EveryKernelApplied, GivesWhatItGivesStepByStep) {
  for (const std::string& chain : every_example()) {
    SCOPED_TRACE(chain);
    const Plan plan = Plan::parse(chain);
    for (const int type : {CV_8UC1, CV_8UC2, CV_8UC3, CV_8UC4}) {
      SCOPED_TRACE(cv::typeToString(type));
      expect_as_step_by_step(plan, noise_frame(61, 43, type, 5));
    }
    expect_as_step_by_step(plan, padded(noise_frame(30, 17, CV_8UC3, 6)));
    expect_as_step_by_step(plan, noise_frame(1, 1, CV_8UC3, 7));
    // It goes over 65,536 counts thousands of times: a minute with a sanitizer.
    if (chain.find("minimum") != std::string::npos) continue;
    for (const int type : {CV_16UC1, CV_16UC4}) {
      SCOPED_TRACE(cv::typeToString(type));
      expect_as_step_by_step(plan, padded(noise_frame(61, 43, type, 5)));
    }
  }
}

TEST(PlanApply, ChainsOfSeveralKinds) {
  for (const char* chain :
       {"", "invert", "invert,blur=1.5", "blur=1.5,invert,threshold=otsu", "gray,median=3,invert,flip=h,threshold=128",
        "gray,adaptive=sauvola,invert", "rotate=90,invert,gray,levels=low=10:high=200", "crop=5x5+1+1,rotate=180",
        "gray,threshold=otsu:scope=batch", "gray,median=7,invert"}) {
    const Plan plan = Plan::parse(chain);
    for (const int type : {CV_8UC1, CV_8UC3, CV_8UC4, CV_16UC1, CV_16UC3}) {
      SCOPED_TRACE(std::string("'") + chain + "' on " + cv::typeToString(type));
      expect_as_step_by_step(plan, noise_frame(61, 43, type, 8));
    }
  }
}

TEST(PlanApply, TheResultIsTheCallersAlone) {
  const cv::Mat image = noise_frame(20, 10, CV_8UC1, 1);
  const Plan nothing = Plan::parse("");
  const ImageResult copy = nothing.apply(image);
  EXPECT_NE(copy.image.data, image.data);
  const Plan plan = Plan::parse("blur=1");
  const ImageResult first = plan.apply(image);
  const cv::Mat kept = first.image.clone();
  const ImageResult second = plan.apply(255 - image);
  EXPECT_TRUE(same_pixels(first.image, kept));
  EXPECT_NE(first.image.data, second.image.data);
}

TEST(PlanApply, WritesOverAResultThatFits) {
  const cv::Mat image = noise_frame(64, 48, CV_8UC3, 2);
  for (const char* chain : {"gray,threshold=otsu", "blur=1", "invert", "gray,blur=1,invert"}) {
    const Plan plan = Plan::parse(chain);
    ImageResult result;
    plan.apply(image, result);
    const uchar* place = result.image.data;
    const cv::Mat want = result.image.clone();
    plan.apply(image, result);
    EXPECT_EQ(result.image.data, place) << chain;
    EXPECT_TRUE(same_pixels(result.image, want)) << chain;
  }
}

TEST(PlanApply, AResultMayBeTheNextInput) {
  const Plan plan = Plan::parse("blur=1");
  const cv::Mat image = noise_frame(64, 48, CV_8UC1, 3);
  const cv::Mat want = plan.apply(plan.apply(image).image).image;
  ImageResult result;
  plan.apply(image, result);
  plan.apply(result.image, result);
  EXPECT_TRUE(same_pixels(result.image, want));
  // Another header of the same pixels, and a part of them.
  plan.apply(image, result);
  const cv::Mat header = result.image;
  plan.apply(header, result);
  EXPECT_TRUE(same_pixels(result.image, want));
}

TEST(PlanApply, WhatIsNoImageIsUnsupported) {
  const Plan plan = Plan::parse("gray");
  const int sides[] = {4, 4, 4};
  for (const cv::Mat& image : {cv::Mat(), cv::Mat(4, 4, CV_32FC1), cv::Mat(4, 4, CV_8SC1), cv::Mat(4, 4, CV_8UC(5)),
                               cv::Mat(3, sides, CV_8UC1)}) {
    ImageResult result = plan.apply(noise_frame(4, 4, CV_8UC1, 1));
    plan.apply(image, result);
    EXPECT_EQ(result.verdict, Verdict::unsupported);
    EXPECT_FALSE(result.detail.empty());
    EXPECT_TRUE(result.image.empty());
  }
}

TEST(PlanApply, AKernelThatCannotIsAVerdictAndThePlanGoesOn) {
  const Plan plan = Plan::parse("crop=20x20+0+0");
  const ImageResult small = plan.apply(noise_frame(10, 10, CV_8UC1, 1));
  EXPECT_EQ(small.verdict, Verdict::kernel_failed);
  EXPECT_FALSE(small.detail.empty());
  EXPECT_TRUE(plan.apply(noise_frame(30, 30, CV_8UC1, 1)));
}

TEST(PlanApply, ManyThreadsShareAPlan) {
  const Plan plan = Plan::parse("gray,median=3,adaptive=mean");
  std::vector<cv::Mat> images;
  std::vector<cv::Mat> wants;
  for (unsigned i = 0; i < 8; ++i) {
    images.push_back(noise_frame(90 + static_cast<int>(i) * 7, 60, CV_8UC3, i));
    wants.push_back(plainly(plan.text(), images.back()).image);
  }
  std::vector<int> wrong(8);
  std::vector<std::jthread> threads;
  for (std::size_t t = 0; t < 8; ++t) {
    threads.emplace_back([&, t, own = plan] {
      for (std::size_t i = 0; i < 40; ++i) {
        const std::size_t at = (t + i) % images.size();
        if (!same_pixels(own.apply(images[at]).image, wants[at])) ++wrong[t];
      }
    });
  }
  threads.clear();
  EXPECT_EQ(wrong, std::vector<int>(8));
}

}  // namespace
}  // namespace pixmill
