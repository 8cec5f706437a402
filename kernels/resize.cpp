#include "kernels/opencv_call.hpp"
#include "kernels/table.hpp"

#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>

namespace pixmill::kernels {

namespace {

constexpr std::array kFilters{
    Choice{"area", "The mean of the area that a pixel covers; best for making smaller"},
    Choice{"nearest", "The nearest pixel; makes no new levels"},
    Choice{"linear", "Between 2 x 2 pixels"},
    Choice{"cubic", "Between 4 x 4 pixels"},
    Choice{"lanczos", "Between 8 x 8 pixels"},
};
constexpr std::array kInterpolations{cv::INTER_AREA, cv::INTER_NEAREST, cv::INTER_LINEAR, cv::INTER_CUBIC,
                                     cv::INTER_LANCZOS4};
static_assert(kFilters.size() == kInterpolations.size());

constexpr std::array kParams{
    ParamDescriptor{.name = "size",
                    .summary = "WxH or P% of each side; Wx or xH keeps the aspect",
                    .type = ParamType::size,
                    .default_text = "",
                    .required = true,
                    .min = 1,
                    .max = 65535},
    ParamDescriptor{.name = "filter",
                    .summary = "How levels between the pixels are found",
                    .type = ParamType::choice,
                    .default_text = "area",
                    .choices = kFilters},
};

constexpr std::array kExamples{
    std::string_view{"resize=50%:filter=area"},
};

constexpr KernelDescriptor kDescriptor{
    .name = "resize",
    .summary = "Makes the image larger or smaller",
    .notes =
        "P% rounds each side half up, and so does the side that Wx or xH leaves open; none gets below 1. area is "
        "exact when it makes smaller, and linear-like (OpenCV's) when it makes larger. Alpha is resampled as a "
        "channel of its own. A side beyond 65535 pixels fails the image.",
    .source = "cv::resize",
    .params = kParams,
    .has_bare = true,
    .channels = ChannelNeed::any,
    .depth = DepthNeed::any,
    .keeps_alpha = true,
    .examples = kExamples,
};

constexpr std::int64_t kMaxSide = 65535;

// numerator / denominator, rounded half up, at least 1.
std::int64_t scaled(std::int64_t side, std::int64_t numerator, std::int64_t denominator) {
  return std::max<std::int64_t>(1, (2 * side * numerator + denominator) / (2 * denominator));
}

std::int64_t percent_of(double percent, std::int64_t side) {
  const double pixels = std::floor(static_cast<double>(side) * percent / 100.0 + 0.5);
  // Beyond the limit it does not matter by how much.
  return static_cast<std::int64_t>(std::clamp(pixels, 1.0, static_cast<double>(kMaxSide) + 1));
}

class Resize final : public FrameOperation {
 public:
  Resize(const SizeWish& size, std::size_t filter) : size_(size), interpolation_(kInterpolations.at(filter)) {}

  [[nodiscard]] FrameShape output_shape(const FrameShape& in) const override {
    FrameShape out = in;
    if (size_.percent > 0) {
      out.width = percent_of(size_.percent, in.width);
      out.height = percent_of(size_.percent, in.height);
    } else {
      out.width = size_.width > 0 ? size_.width : scaled(in.width, size_.height, in.height);
      out.height = size_.height > 0 ? size_.height : scaled(in.height, size_.width, in.width);
    }
    // OpenCV counts pixels in int in places.
    if (out.width > kMaxSide || out.height > kMaxSide || out.pixels() > std::numeric_limits<int>::max()) {
      throw KernelFailure("resize would make " + std::to_string(in.width) + "x" + std::to_string(in.height) +
                          " pixels larger than " + std::to_string(kMaxSide) + " on a side or 2^31 in all");
    }
    return out;
  }

  // OpenCV's tables and row buffers: per column and row of in and out a few entries of at most 16 bytes, and up to 8
  // rows of 8 bytes a level.
  [[nodiscard]] std::uint64_t scratch_bytes(const FrameShape& in) const override {
    const FrameShape out = output_shape(in);
    const auto sides = static_cast<std::uint64_t>(in.width + in.height + out.width + out.height);
    return (std::uint64_t{1} << 16) + sides * static_cast<std::uint64_t>(in.channels) * 160;
  }

  [[nodiscard]] bool output_is_two_level(bool input_is_two_level) const override {
    return input_is_two_level && interpolation_ == cv::INTER_NEAREST;
  }

  void apply(const cv::Mat& in, cv::Mat& out, Workspace& /*workspace*/) const override {
    call_opencv("resize", [&] { cv::resize(in, out, out.size(), 0, 0, interpolation_); });
  }

 private:
  SizeWish size_;
  int interpolation_;
};

Operation bind(const Arguments& arguments) {
  return std::make_unique<const Resize>(std::get<SizeWish>(arguments.at(0)),
                                        std::get<ChoiceIndex>(arguments.at(1)).index);
}

}  // namespace

const Kernel kResizeKernel{&kDescriptor, &bind};

}  // namespace pixmill::kernels
