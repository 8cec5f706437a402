#include "kernels/local_contrast.hpp"
#include "kernels/local_gaussian.hpp"
#include "kernels/local_mean.hpp"
#include "kernels/table.hpp"

#include <pixmill/error.hpp>

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

namespace pixmill::kernels {

namespace {

constexpr std::array kMethods{
    Choice{"mean", "The mean of the window"},
    Choice{"gaussian", "The mean weighted by a Gaussian of sigma 0.3 ((window - 1) / 2 - 1) + 0.8"},
    Choice{"niblack", "m + k s, where m is the mean and s the standard deviation of the window"},
    Choice{"sauvola", "m (1 + k (s / r - 1)): lower where there is little contrast, as on blank paper"},
    Choice{"wolf", "m - k (m - M - s (m - M) / R); M is the darkest level of the image, R its largest s"},
    Choice{"nick", "m + k sqrt(s^2 + q), where q is the mean of the squares of the window; k is mostly below 0"},
};
enum class Method : unsigned char { mean, gaussian, niblack, sauvola, wolf, nick };

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
                    .summary = "Of mean and gaussian: subtracted from the mean; may be negative",
                    .type = ParamType::number,
                    .default_text = "2",
                    .min = -65535,
                    .max = 65535},
    ParamDescriptor{.name = "k",
                    .summary = "Of the other methods: how much contrast counts; may be negative",
                    .type = ParamType::number,
                    .default_text = "0.2",
                    .min = -100,
                    .max = 100},
    ParamDescriptor{.name = "r",
                    .summary = "Of sauvola: the largest standard deviation to be expected",
                    .type = ParamType::number,
                    .default_text = "128",
                    .min = 1,
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
    std::string_view{"gray,adaptive=mean:window=31:c=5"},
    std::string_view{"gray,adaptive=sauvola:window=25:k=0.2"},
    std::string_view{"gray,adaptive=niblack:window=25:k=-0.2"},
    std::string_view{"gray,adaptive=wolf:window=25:k=0.3"},
    std::string_view{"gray,adaptive=nick:window=25:k=-0.1"},
};

constexpr KernelDescriptor kDescriptor{
    .name = "adaptive",
    .summary = "Compares every level with a threshold of its own, from the window around it",
    .notes =
        "Border pixels are repeated outwards. mean and gaussian: v is above if v > mean - c, where the mean is rounded "
        "to a whole level and c up (binary) or down (binary_inv), as in cv::adaptiveThreshold. mean is bit-identical "
        "to OpenCV. gaussian is computed in single precision, the same on every machine; at most 1e-5 of the pixels "
        "differ from OpenCV, whose own result depends on the processor. niblack, sauvola, wolf and nick: v is above if "
        "it is beyond the threshold rounded to a whole level in [0, 255], as in cv::ximgproc::niBlackThreshold: sums "
        "are exact, what follows is in single precision, the same on every machine; at most 1e-4 of the pixels differ "
        "from OpenCV. Here, as there, a flat window's variance may be rounded to below 0, which makes the threshold "
        "0 (so niblack may turn a flat area either way; sauvola and wolf are made for those). Windows beyond 181, "
        "where OpenCV's sums overflow on bright images, are right here. A c, k or r that the method does not use is "
        "refused unless it is the default. max is rounded to the nearest (half to even).",
    .source =
        "cv::adaptiveThreshold; cv::ximgproc::niBlackThreshold; W. Niblack, An Introduction to Digital Image "
        "Processing, 1986; J. Sauvola and M. Pietikainen, Adaptive document image binarization, 2000; C. Wolf and "
        "J.-M. Jolion, Extraction and recognition of artificial text in multimedia documents, 2004; K. Khurshid et "
        "al., Comparison of Niblack inspired binarization methods for ancient documents, 2009",
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
    double k;
    double r;
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
    return {offset, above(), below()};
  }
  [[nodiscard]] ContrastTest contrast_test(ContrastMethod method) const {
    return {method, options_.k, options_.r, above(), below()};
  }

 private:
  [[nodiscard]] std::uint8_t largest() const {
    if (!options_.max) return 255;
    return static_cast<std::uint8_t>(std::nearbyint(options_.max->at(Depth::eight, "adaptive's max")));
  }
  [[nodiscard]] std::uint8_t above() const { return options_.inverted ? std::uint8_t{0} : largest(); }
  [[nodiscard]] std::uint8_t below() const { return options_.inverted ? largest() : std::uint8_t{0}; }

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

class AdaptiveContrast final : public Adaptive {
 public:
  AdaptiveContrast(const Options& options, ContrastMethod method) : Adaptive(options), method_(method) {}
  [[nodiscard]] std::uint64_t scratch_bytes(const FrameShape& in) const override {
    return contrast_scratch_bytes(in.width, window());
  }
  void apply(const cv::Mat& in, cv::Mat& out, Workspace& workspace) const override {
    const std::span<std::byte> scratch = workspace.slot(slots::kKernel, contrast_scratch_bytes(in.cols, window()));
    threshold_by_contrast(in, window(), contrast_test(method_), scratch, out);
  }

 private:
  ContrastMethod method_;
};

// A default may be written out, as the canonical text of a chain does.
void refuse_unused(const Adaptive::Options& options, Method method) {
  const auto refuse = [method](double value, std::string_view name, double default_value, std::string_view users) {
    if (value == default_value) return;
    throw Error(ErrorCode::usage, "adaptive: " + std::string(name) + " does nothing for " +
                                      std::string(kMethods[static_cast<std::size_t>(method)].name) + "; it is for " +
                                      std::string(users));
  };
  if (method == Method::mean || method == Method::gaussian) {
    refuse(options.k, "k", 0.2, "niblack, sauvola, wolf and nick");
  } else {
    refuse(options.c, "c", 2, "mean and gaussian");
  }
  if (method != Method::sauvola) refuse(options.r, "r", 128, "sauvola");
}

Operation bind(const Arguments& arguments) {
  Adaptive::Options options{};
  const auto method = static_cast<Method>(std::get<ChoiceIndex>(arguments.at(0)).index);
  options.window = static_cast<int>(std::get<std::int64_t>(arguments.at(1)));
  options.c = std::get<double>(arguments.at(2));
  options.k = std::get<double>(arguments.at(3));
  options.r = std::get<double>(arguments.at(4));
  options.inverted = std::get<ChoiceIndex>(arguments.at(5)).index == 1;
  if (const auto* level = std::get_if<Level>(&arguments.at(6))) options.max = *level;
  refuse_unused(options, method);
  switch (method) {
    case Method::mean:
      return std::make_unique<const AdaptiveMean>(options);
    case Method::gaussian:
      break;
    case Method::niblack:
      return std::make_unique<const AdaptiveContrast>(options, ContrastMethod::niblack);
    case Method::sauvola:
      return std::make_unique<const AdaptiveContrast>(options, ContrastMethod::sauvola);
    case Method::wolf:
      return std::make_unique<const AdaptiveContrast>(options, ContrastMethod::wolf);
    case Method::nick:
      return std::make_unique<const AdaptiveContrast>(options, ContrastMethod::nick);
  }
  return std::make_unique<const AdaptiveGaussian>(options);
}

}  // namespace

const Kernel kAdaptiveKernel{&kDescriptor, &bind};

}  // namespace pixmill::kernels
