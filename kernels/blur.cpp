#include "kernels/fixed_blur.hpp"
#include "kernels/opencv_call.hpp"
#include "kernels/table.hpp"

#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <array>

namespace pixmill::kernels {

namespace {

constexpr double kLeastSigma = 0.1;
constexpr double kMostSigma = 200;

constexpr std::array kParams{
    ParamDescriptor{.name = "sigma",
                    .summary = "Standard deviation of the Gaussian in pixels",
                    .type = ParamType::number,
                    .default_text = "",
                    .required = true,
                    .min = kLeastSigma,
                    .max = kMostSigma},
};

constexpr std::array kExamples{
    std::string_view{"blur=2"},
    std::string_view{"blur=12.5"},
};

constexpr KernelDescriptor kDescriptor{
    .name = "blur",
    .summary = "Smooths by a Gaussian",
    .notes =
        "Two passes of fixed-point weights, 8 bits of fraction at 8 bits and 16 at 16, rounded half up once at the "
        "end: bit-identical to cv::GaussianBlur with a window chosen by it (3 sigma to each side at 8 bits, 4 at 16) "
        "and pixels mirrored at the edges without repeating the last. Time grows with sigma: 12 megapixels of 8-bit "
        "gray take about 10 ms with a sigma of 1, 70 ms with 20 and 0.2 s with 100, 16 bits 20 ms, 0.2 s and 1.3 s. "
        "Alpha is blurred as a channel of its own.",
    .source = "cv::GaussianBlur",
    .params = kParams,
    .has_bare = true,
    .channels = ChannelNeed::any,
    .depth = DepthNeed::any,
    .keeps_alpha = true,
    .examples = kExamples,
};

class Blur final : public FrameOperation {
 public:
  explicit Blur(double sigma) : sigma_(sigma) {
    if (is_wide(Depth::eight)) eight_ = fixed_gaussian(sigma, Depth::eight);
    if (is_wide(Depth::sixteen)) sixteen_ = fixed_gaussian(sigma, Depth::sixteen);
  }

  [[nodiscard]] std::uint64_t scratch_bytes(const FrameShape& in) const override {
    if (is_ours(in)) return fixed_blur_scratch_bytes(gaussian(in.depth), in);
    // OpenCV's ring of as many rows as the window has, 2 or 4 bytes a level, and the weights.
    const bool eight = in.depth == Depth::eight;
    const auto window = static_cast<std::uint64_t>(sigma_ * (eight ? 6 : 8)) + 4;
    const auto row = static_cast<std::uint64_t>(in.width) * static_cast<std::uint64_t>(in.channels) * (eight ? 2U : 4U);
    return (std::uint64_t{1} << 14) + window * (row + 128);
  }

  [[nodiscard]] bool output_is_two_level(bool /*input_is_two_level*/) const override { return false; }

  void apply(const cv::Mat& in, cv::Mat& out, Workspace& workspace) const override {
    if (is_ours(shape_of(in))) {
      const FixedGaussian& window = gaussian(depth_of(in));
      fixed_blur(in, window, workspace.slot(slots::kKernel, fixed_blur_scratch_bytes(window, shape_of(in))), out);
    } else {
      call_opencv("blur", [&] { cv::GaussianBlur(alone(in), out, cv::Size(), sigma_); });
    }
  }

 private:
  // OpenCV has code of its own for narrow windows of bytes, and does as well.
  [[nodiscard]] bool is_wide(Depth depth) const { return sigma_ >= (depth == Depth::eight ? 3 : kLeastFixedSigma); }
  // It takes a window of one row or column where the image has no more.
  [[nodiscard]] bool is_ours(const FrameShape& in) const { return is_wide(in.depth) && in.width > 1 && in.height > 1; }
  [[nodiscard]] const FixedGaussian& gaussian(Depth depth) const { return depth == Depth::eight ? eight_ : sixteen_; }

  double sigma_;
  FixedGaussian eight_;
  FixedGaussian sixteen_;
};

Operation bind(const Arguments& arguments) { return std::make_unique<const Blur>(std::get<double>(arguments.at(0))); }

}  // namespace

const Kernel kBlurKernel{&kDescriptor, &bind};

}  // namespace pixmill::kernels
