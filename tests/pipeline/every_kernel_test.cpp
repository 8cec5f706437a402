// What holds of every kernel, shown on each example of each descriptor: a new kernel is tested here by its row in the
// table alone.

#include "pipeline/program.hpp"
#include "tests/pipeline/chain_run.hpp"
#include "tests/support/sample_files.hpp"

#include <gtest/gtest.h>

#include <opencv2/core.hpp>

#include <cmath>
#include <cstring>

namespace pixmill::pipeline {
namespace {

using kernels::FrameOperation;
using kernels::FrameShape;
using kernels::KernelFailure;
using kernels::shape_of;
using testing::bound_steps;
using testing::BoundStep;
using testing::every_example;
using testing::run_chain;
using tests::same_pixels;

const cv::Size kOddSize{17, 13};
const std::vector<cv::Size> kSizes{{1, 1}, {1, 7}, {5, 1}, {3, 2}, kOddSize, {64, 48}};

/// A frame inside a larger piece of memory that is filled with one byte, so that it shows who writes beside it.
class Surrounded {
 public:
  Surrounded(const FrameShape& shape, std::uint8_t filling)
      : filling_(filling),
        pixel_(CV_ELEM_SIZE(shape.type())),
        around_(static_cast<int>(shape.height) + 2, (static_cast<int>(shape.width) + 8) * static_cast<int>(pixel_),
                CV_8UC1, cv::Scalar::all(filling)),
        frame_(static_cast<int>(shape.height), static_cast<int>(shape.width), shape.type(), around_.ptr(1) + 3 * pixel_,
               around_.step) {}

  [[nodiscard]] cv::Mat& frame() { return frame_; }
  [[nodiscard]] bool is_intact() const {
    for (int y = 0; y < around_.rows; ++y) {
      for (int x = 0; x < around_.cols; ++x) {
        const auto column = static_cast<std::size_t>(x);
        const bool inside = y > 0 && y + 1 < around_.rows && column >= 3 * pixel_ &&
                            column < (3 + static_cast<std::size_t>(frame_.cols)) * pixel_;
        if (!inside && around_.at<std::uint8_t>(y, x) != filling_) return false;
      }
    }
    return true;
  }

 private:
  std::uint8_t filling_;
  std::size_t pixel_;
  cv::Mat around_;
  cv::Mat frame_;
};

/// A workspace whose first kernel slots are full of what another image left.
void soil(kernels::Workspace& workspace) {
  for (std::size_t i = 0; i < 4; ++i) {
    const auto memory = workspace.slot(kernels::slots::kKernel + i, 300000);
    std::memset(memory.data(), 0xA5, memory.size());
  }
}

cv::Mat applied(const FrameOperation& operation, const cv::Mat& in, std::uint8_t filling) {
  kernels::Workspace workspace;
  if (filling != 0) soil(workspace);
  const FrameShape shape = operation.output_shape(shape_of(in));
  Surrounded source(shape_of(in), filling);
  in.copyTo(source.frame());
  Surrounded out(shape, filling);
  const void* pixels = out.frame().data;
  operation.apply(source.frame(), out.frame(), workspace);
  EXPECT_EQ(out.frame().data, pixels) << "another frame was allocated";
  EXPECT_EQ(shape_of(out.frame()), shape);
  EXPECT_TRUE(out.is_intact()) << "written beside the output";
  EXPECT_TRUE(source.is_intact()) << "written beside the input";
  EXPECT_TRUE(same_pixels(source.frame(), in)) << "the input was changed";
  return out.frame().clone();
}

bool has_two_levels(const cv::Mat& frame) {
  const double largest = kernels::max_level(kernels::depth_of(frame));
  return cv::countNonZero((frame == 0) | (frame == largest)) == static_cast<int>(frame.total());
}

// Compact and padded, in clean memory and in used: the same pixels.
cv::Mat applied_in_every_way(const FrameOperation& operation, const cv::Mat& in) {
  cv::Mat out = applied(operation, in, 0);
  EXPECT_TRUE(same_pixels(applied(operation, in, 0xFF), out)) << "what lay in memory shows";
  const FrameShape shape = operation.output_shape(shape_of(in));
  cv::Mat compact(static_cast<int>(shape.height), static_cast<int>(shape.width), shape.type());
  kernels::Workspace workspace;
  operation.apply(in, compact, workspace);
  EXPECT_TRUE(same_pixels(compact, out)) << "the stride shows";
  if (in.channels() == 1 && out.channels() == 1 && operation.output_is_two_level(has_two_levels(in))) {
    EXPECT_TRUE(has_two_levels(out)) << "more than two levels";
  }
  return out;
}

struct Picture {
  std::string name;
  cv::Mat frame;
};

std::vector<Picture> pictures(cv::Size size, int type) {
  const cv::Mat noise = tests::noise_frame(size.width, size.height, type);
  const double largest = CV_MAT_DEPTH(type) == CV_16U ? 65535 : 255;
  cv::Mat two_levels(size, type);
  for (int y = 0; y < size.height; ++y) {
    for (int x = 0; x < size.width; ++x) {
      two_levels.row(y).col(x).setTo(cv::Scalar::all((x / 3 + y / 2) % 2 == 0 ? 0 : largest));
    }
  }
  const auto constant = [&](double level) { return cv::Mat(size, type, cv::Scalar::all(level)); };
  std::vector<Picture> all{{"noise", noise}, {"two levels", two_levels}, {"gray", constant(std::floor(largest / 3))}};
  if (size == kOddSize) {
    all.push_back({"black", constant(0)});
    all.push_back({"white", constant(largest)});
  }
  return all;
}

// Calls `check(chain, steps, picture)` for every example on pictures of every kind that a program would give it. It
// says whether anything was shown: an example that fails on every picture shows nothing of its kernel.
template <typename Check>
void for_every_example(Check check) {
  for (const std::string& chain : every_example()) {
    const std::vector<BoundStep> steps = bound_steps(chain);
    int shown = 0;
    for (const int depth : {CV_8U, CV_16U}) {
      for (int channels = 1; channels <= 4; ++channels) {
        if (kernels::has_alpha(channels) && !testing::keeps_alpha(steps)) continue;
        for (const cv::Size size : kSizes) {
          for (const Picture& picture : pictures(size, CV_MAKETYPE(depth, channels))) {
            SCOPED_TRACE(::testing::Message() << chain << ", " << size << ", " << channels << " channels, "
                                              << (depth == CV_8U ? 8 : 16) << " bits, " << picture.name);
            shown += check(chain, steps, picture.frame) ? 1 : 0;
            if (::testing::Test::HasFailure()) return;
          }
        }
      }
    }
    EXPECT_GT(shown, 0) << chain;
  }
}

TEST(EveryKernel, DependsOnThePixelsAlone) {
  for_every_example([](const std::string&, const std::vector<BoundStep>& steps, const cv::Mat& frame) {
    try {
      run_chain(steps, frame, applied_in_every_way);
      return true;
    } catch (const KernelFailure& failure) {
      EXPECT_GT(std::strlen(failure.what()), 10U);
      return false;
    }
  });
}

TEST(EveryKernel, KeepsAnOpaquePictureOpaque) {
  for_every_example([](const std::string&, const std::vector<BoundStep>& steps, const cv::Mat& frame) {
    const int channels = frame.channels();
    if (!kernels::has_alpha(channels)) return !testing::keeps_alpha(steps);  // a chain that drops it owes nothing
    cv::Mat opaque = frame.clone();
    cv::insertChannel(cv::Mat(frame.size(), frame.depth(), cv::Scalar::all(kernels::max_level(shape_of(frame).depth))),
                      opaque, channels - 1);
    try {
      const cv::Mat out = run_chain(
          steps, opaque, [](const FrameOperation& operation, const cv::Mat& in) { return applied(operation, in, 0); });
      EXPECT_EQ(out.channels(), channels);
      if (out.channels() != channels) return false;
      cv::Mat alpha;
      cv::extractChannel(out, alpha, channels - 1);
      const double largest = kernels::max_level(kernels::depth_of(out));
      EXPECT_EQ(cv::countNonZero(alpha == largest), static_cast<int>(alpha.total()));
      return true;
    } catch (const KernelFailure&) {
      return false;  // no picture, no alpha
    }
  });
}

// The table of levels that stays pending, the histogram counted while decoding, the memory used again: none may show.
TEST(EveryKernel, GivesInAProgramWhatItsStepsGiveOneByOne) {
  WorkerMemory memory;
  for_every_example([&memory](const std::string& chain, const std::vector<BoundStep>& steps, const cv::Mat& frame) {
    Program::Options options;
    options.write = true;
    options.format = find_codec("png");
    const Program program(Plan::parse(chain), options);
    const std::string file = tests::encoded(frame, "png");
    const ProgramResult result = program.run(std::as_bytes(std::span(file)), {true, false}, memory);
    try {
      cv::Mat wanted = run_chain(
          steps, frame, [](const FrameOperation& operation, const cv::Mat& in) { return applied(operation, in, 0); });
      EXPECT_EQ(result.verdict, Verdict::ok) << result.detail;
      if (result.verdict != Verdict::ok) return false;
      const cv::Mat got = tests::decoded({reinterpret_cast<const char*>(memory.encoded.data()), memory.encoded.size()});
      // Two levels are stored in one bit, whatever their depth was.
      if (got.depth() != wanted.depth()) {
        EXPECT_TRUE(has_two_levels(wanted)) << "written with fewer bits";
        wanted.convertTo(wanted, got.depth(), 1 / 257.0);
      }
      EXPECT_TRUE(same_pixels(got, wanted));
      return true;
    } catch (const KernelFailure& failure) {
      EXPECT_EQ(result.verdict, Verdict::kernel_failed);
      EXPECT_EQ(result.detail, failure.what());
      return false;
    }
  });
}

}  // namespace
}  // namespace pixmill::pipeline
