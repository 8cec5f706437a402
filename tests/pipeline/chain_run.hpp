#pragma once

#include "kernels/depth.hpp"
#include "kernels/kernel.hpp"
#include "pipeline/plan/chain.hpp"

#include <opencv2/core.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

/// A chain run step by step on frames, without any of the program's short cuts.
namespace pixmill::pipeline::testing {

using LevelPointer = std::unique_ptr<const kernels::LevelOperation>;
using FramePointer = std::unique_ptr<const kernels::FrameOperation>;

/// A step with what a program would know of it.
struct BoundStep {
  const KernelDescriptor* descriptor;
  kernels::Operation operation;
};

inline std::vector<BoundStep> bound_steps(std::string_view chain) {
  std::vector<BoundStep> steps;
  for (const ChainStep& step : parse_chain(chain).steps) {
    steps.push_back({step.kernel->descriptor, step.kernel->bound(step.arguments)});
  }
  return steps;
}

inline bool keeps_alpha(const std::vector<BoundStep>& steps) {
  return std::all_of(steps.begin(), steps.end(), [](const BoundStep& step) { return step.descriptor->keeps_alpha; });
}

/// Whether the frame is brought to 8 bits before that step.
inline bool needs_eight_bits(const BoundStep& step) {
  const auto* frame = std::get_if<FramePointer>(&step.operation);
  return step.descriptor->depth == DepthNeed::eight_bits || (frame != nullptr && (*frame)->needs_eight_bits());
}

/// Every kernel's examples.
inline std::vector<std::string> every_example() {
  std::vector<std::string> chains;
  for (const kernels::Kernel& kernel : kernels::all_kernels()) {
    for (const std::string_view example : kernel.descriptor->examples) chains.emplace_back(example);
  }
  return chains;
}

/// What a step of levels makes of a frame.
inline cv::Mat after_levels(const kernels::LevelOperation& operation, const cv::Mat& in) {
  kernels::Histogram histogram;
  histogram.reset(kernels::depth_of(in), in.channels());
  if (operation.needs_histogram()) histogram.add(in);
  kernels::LevelTable table(kernels::depth_of(in));
  operation.compose(operation.needs_histogram() ? &histogram : nullptr, table);
  cv::Mat out;
  kernels::apply_table(table, in, out);
  return out;
}

/// The chain on `in`; calls `on_frames(operation, frame)` for each step that works on frames and does something, and
/// expects its result. Throws KernelFailure.
template <typename OnFrames>
cv::Mat run_chain(const std::vector<BoundStep>& steps, const cv::Mat& in, OnFrames on_frames) {
  cv::Mat frame = in;
  for (const BoundStep& step : steps) {
    if (needs_eight_bits(step) && frame.depth() == CV_16U) {
      cv::Mat eight(frame.size(), CV_MAKETYPE(CV_8U, frame.channels()));
      kernels::reduce_depth(frame, eight);
      frame = eight;
    }
    if (const auto* level = std::get_if<LevelPointer>(&step.operation)) {
      frame = after_levels(**level, frame);
      continue;
    }
    const kernels::FrameOperation& operation = *std::get<FramePointer>(step.operation);
    if (!operation.leaves_unchanged(kernels::shape_of(frame))) frame = on_frames(operation, frame);
  }
  return frame;
}

}  // namespace pixmill::pipeline::testing
