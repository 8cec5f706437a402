// Every example of every kernel, and every reduction, on 12 megapixels in memory, one thread: milliseconds and
// megapixels a second, median of several runs. `gray` at the beginning of a chain is done before, unless it is what is
// measured. A new kernel or reduction appears here by itself.
//
//   every_kernel_bench [RUNS] [NAME]      RUNS each (default 5); only rows whose text contains NAME

#include "bench/scene.hpp"
#include "kernels/kernel.hpp"
#include "kernels/pixel_accumulator.hpp"
#include "kernels/reduction.hpp"
#include "kernels/simd.hpp"
#include "pipeline/plan/chain.hpp"

#include <opencv2/core.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace pixmill;
using namespace pixmill::kernels;

class Rows {
 public:
  Rows(int runs, std::string_view wanted) : runs_(runs), wanted_(wanted) {}

  void measure(const std::string& text, const cv::Mat& image, const std::function<void()>& run) const {
    if (text.find(wanted_) == std::string::npos) return;
    std::vector<double> times;
    for (int i = 0; i <= runs_; ++i) {
      const auto begin = std::chrono::steady_clock::now();
      run();
      times.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
    }
    times.erase(times.begin());  // it warmed the memory up
    const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
    std::nth_element(times.begin(), middle, times.end());
    std::printf("%-52s %d x %2d bits %10.2f ms %9.0f MP/s\n", text.c_str(), image.channels(),
                static_cast<int>(depth_of(image)), *middle, static_cast<double>(image.total()) / 1e3 / *middle);
    std::fflush(stdout);
  }

 private:
  int runs_;
  std::string_view wanted_;
};

/// The steps of a chain, bound, on a frame in memory.
class Steps {
 public:
  Steps(const std::string& chain, bool without_gray) : chain_(pipeline::parse_chain(chain)) {
    for (const pipeline::ChainStep& step : chain_.steps) {
      if (without_gray && operations_.empty() && step.kernel->descriptor->name == "gray") continue;
      operations_.push_back(step.kernel->bind(step.arguments));
    }
  }

  [[nodiscard]] bool eight_bits() const {
    return std::any_of(operations_.begin(), operations_.end(), [](const Operation& operation) {
      const auto* frame = std::get_if<std::unique_ptr<const FrameOperation>>(&operation);
      return frame != nullptr && (*frame)->needs_eight_bits();
    });
  }

  void operator()(const cv::Mat& image) {
    cv::Mat now = image;
    int turn = 0;
    for (const Operation& operation : operations_) {
      cv::Mat& next = frames_[turn ^= 1];
      if (const auto* frame = std::get_if<std::unique_ptr<const FrameOperation>>(&operation)) {
        const FrameShape shape = (*frame)->output_shape(shape_of(now));
        next.create(static_cast<int>(shape.height), static_cast<int>(shape.width), shape.type());
        (*frame)->apply(now, next, workspace_);
      } else {
        level(*std::get<std::unique_ptr<const LevelOperation>>(operation), now, next);
      }
      now = next;
    }
  }

 private:
  void level(const LevelOperation& operation, const cv::Mat& in, cv::Mat& out) {
    LevelTable table(depth_of(in));
    if (operation.needs_histogram()) {
      histogram_.reset(depth_of(in), in.channels());
      histogram_.add(in);
    }
    operation.compose(operation.needs_histogram() ? &histogram_ : nullptr, table);
    apply_table(table, in, out);
  }

  pipeline::Chain chain_;
  std::vector<Operation> operations_;
  Histogram histogram_;
  Workspace workspace_;
  cv::Mat frames_[2];
};

void measure_kernel(const Rows& rows, const KernelDescriptor& kernel, const std::vector<cv::Mat>& images) {
  for (const std::string_view example : kernel.examples) {
    Steps steps(std::string(example), kernel.name != "gray");
    for (const cv::Mat& image : images) {
      if (kernel.channels == ChannelNeed::one && image.channels() > 1) continue;
      if (kernel.name == "gray" && image.channels() == 1) continue;
      const bool eight_bits = kernel.depth == DepthNeed::eight_bits || steps.eight_bits();
      if (eight_bits && image.depth() == CV_16U) continue;
      try {
        rows.measure(std::string(example), image, [&] { steps(image); });
      } catch (const KernelFailure& failure) {
        std::printf("%-52s %s\n", std::string(example).c_str(), failure.what());
      }
    }
  }
}

void measure_reductions(const Rows& rows, const std::vector<cv::Mat>& images) {
  for (const cv::Mat& image : images) {
    rows.measure("all level reductions together", image, [&] {
      Histogram histogram;
      histogram.reset(depth_of(image), image.channels());
      histogram.add(image);
      Accumulator accumulator;
      accumulator.add(make_partial(histogram, true));
    });
    for (const Reduction& reduction : all_reductions()) {
      const auto* pixels = std::get_if<PixelReduction>(&reduction.operation);
      if (pixels == nullptr) continue;
      PixelAccumulator state({pixels}, image.cols, image.rows, image.channels());
      rows.measure("--reduce " + std::string(reduction.descriptor->name), image, [&] { state.add(image); });
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  cv::setNumThreads(1);
  const Rows rows(argc > 1 ? std::max(1, std::atoi(argv[1])) : 5, argc > 2 ? argv[2] : "");
  std::printf("12 megapixels, 1 thread, %.*s\n", static_cast<int>(simd_target().size()), simd_target().data());
  const cv::Mat colour = bench::scene(3000, 4000);
  cv::Mat gray;
  cv::extractChannel(colour, gray, 1);
  cv::Mat deep;
  gray.convertTo(deep, CV_16U, 257);
  cv::Mat deep_colour;
  colour.convertTo(deep_colour, CV_16U, 257);
  const std::vector<cv::Mat> images{gray, colour, deep, deep_colour};
  for (const Kernel& kernel : all_kernels()) measure_kernel(rows, *kernel.descriptor, images);
  measure_reductions(rows, images);
  return 0;
}
