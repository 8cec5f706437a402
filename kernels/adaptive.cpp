#include "kernels/local_gaussian.hpp"
#include "kernels/local_mean.hpp"
#include "kernels/table.hpp"

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <vector>

namespace pixmill::kernels {

namespace {

constexpr std::array kMethods{
    Choice{"mean", "The mean of the window"},
    Choice{"gaussian", "The mean weighted by a Gaussian of sigma 0.3 ((window - 1) / 2 - 1) + 0.8"},
};
enum class Method : unsigned char { mean, gaussian };

constexpr std::array kTypes{
    Choice{"binary", "max above the threshold, else 0"},
    Choice{"binary_inv", "0 above the threshold, else max"},
};

constexpr std::array kParams{
    ParamDescriptor{.name = "method",
                    .summary = "What a pixel is compared with",
                    .type = ParamType::choice,
                    .default_text = "mean",
                    .choices = kMethods},
    ParamDescriptor{.name = "window",
                    .summary = "Side of the window around the pixel",
                    .type = ParamType::integer,
                    .default_text = "11",
                    .min = 3,
                    .max = kMaxMeanWindow,
                    .odd = true},
    ParamDescriptor{.name = "c",
                    .summary = "Subtracted from the mean; may be negative",
                    .type = ParamType::number,
                    .default_text = "2",
                    .min = -65535,
                    .max = 65535},
    ParamDescriptor{.name = "type",
                    .summary = "What becomes of the levels above the threshold and of the others",
                    .type = ParamType::choice,
                    .default_text = "binary",
                    .choices = kTypes},
    ParamDescriptor{.name = "max",
                    .summary = "The level that stands for true; 255 where not given",
                    .type = ParamType::level,
                    .default_text = "",
                    .min = 0,
                    .max = 65535},
};

constexpr std::array kExamples{
    std::string_view{"gray,adaptive=gaussian:window=31:c=5"},
};

constexpr KernelDescriptor kDescriptor{
    .name = "adaptive",
    .summary = "Compares every level with a threshold of its own, from the window around it",
    .notes =
        "v is above if v > mean - c, where the mean is rounded to a whole level and c up (binary) or down "
        "(binary_inv), as in cv::adaptiveThreshold; border pixels are repeated outwards. mean is bit-identical to "
        "OpenCV. gaussian is computed in single precision, the same on every machine; at most 1e-5 of the pixels "
        "differ from OpenCV, whose own result depends on the processor. max is rounded to the nearest (half to "
        "even).",
    .source = "cv::adaptiveThreshold",
    .params = kParams,
    .has_bare = true,
    .channels = ChannelNeed::one,
    .depth = DepthNeed::eight_bits,
    .keeps_alpha = false,
    .examples = kExamples,
};

class Adaptive : public FrameOperation {
 public:
  struct Options {
    int window;
    double c;
    bool inverted;
    std::optional<Level> max;
  };
  explicit Adaptive(const Options& options) : options_(options) {}

  [[nodiscard]] FrameShape output_shape(const FrameShape& in) const override {
    static_cast<void>(largest());
    return in;
  }
  [[nodiscard]] bool output_is_two_level(bool /*input_is_two_level*/) const override {
    return !options_.max || options_.max->value == 0 || options_.max->value == (options_.max->percent ? 100 : 255);
  }

 protected:
  [[nodiscard]] int window() const { return options_.window; }
  [[nodiscard]] LocalTest test() const {
    const double c = std::clamp(options_.c, -256.0, 256.0);
    const auto offset = static_cast<int>(options_.inverted ? std::floor(c) : std::ceil(c));
    const auto level = static_cast<std::uint8_t>(largest());
    return options_.inverted ? LocalTest{offset, 0, level} : LocalTest{offset, level, 0};
  }

 private:
  [[nodiscard]] int largest() const {
    return options_.max ? static_cast<int>(std::nearbyint(options_.max->at(Depth::eight, "adaptive's max"))) : 255;
  }
  Options options_;
};

class AdaptiveMean final : public Adaptive {
 public:
  using Adaptive::Adaptive;
  [[nodiscard]] std::uint64_t scratch_bytes(const FrameShape& in) const override {
    return mean_scratch_bytes(in.width, window());
  }
  void apply(const cv::Mat& in, cv::Mat& out, Workspace& workspace) const override {
    threshold_by_mean(in, window(), test(), workspace.slot(slots::kKernel, mean_scratch_bytes(in.cols, window())), out);
  }
};

std::vector<float> gaussian_weights(int window) {
  const cv::Mat weights = cv::getGaussianKernel(window, 0, CV_32F);
  return {weights.begin<float>(), weights.end<float>()};
}

class AdaptiveGaussian final : public Adaptive {
 public:
  explicit AdaptiveGaussian(const Options& options) : Adaptive(options), weights_(gaussian_weights(options.window)) {}
  [[nodiscard]] std::uint64_t scratch_bytes(const FrameShape& in) const override {
    return gaussian_scratch_bytes(weights_along(in.width).size(), weights_along(in.height).size());
  }
  void apply(const cv::Mat& in, cv::Mat& out, Workspace& workspace) const override {
    const std::span<const float> weights_x = weights_along(in.cols);
    const std::span<const float> weights_y = weights_along(in.rows);
    const std::size_t bytes = gaussian_scratch_bytes(weights_x.size(), weights_y.size());
    threshold_by_gaussian(in, weights_x, weights_y, test(), workspace.slot(slots::kKernel, bytes), out);
  }

 private:
  // OpenCV takes a window of one row or column where the image has no more.
  [[nodiscard]] std::span<const float> weights_along(std::int64_t pixels) const {
    static constexpr std::array<float, 1> kOne{1.0F};
    return pixels == 1 ? std::span<const float>(kOne) : weights_;
  }

  std::vector<float> weights_;
};

Operation bind(const Arguments& arguments) {
  Adaptive::Options options{};
  options.window = static_cast<int>(std::get<std::int64_t>(arguments.at(1)));
  options.c = std::get<double>(arguments.at(2));
  options.inverted = std::get<ChoiceIndex>(arguments.at(3)).index == 1;
  if (const auto* level = std::get_if<Level>(&arguments.at(4))) options.max = *level;
  switch (static_cast<Method>(std::get<ChoiceIndex>(arguments.at(0)).index)) {
    case Method::mean:
      return std::make_unique<const AdaptiveMean>(options);
    case Method::gaussian:
      break;
  }
  return std::make_unique<const AdaptiveGaussian>(options);
}

}  // namespace

const Kernel kAdaptiveKernel{&kDescriptor, &bind};

}  // namespace pixmill::kernels
