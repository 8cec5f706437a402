#include "kernels/gray_rows.hpp"
#include "kernels/table.hpp"

#include <array>
#include <cstring>

namespace pixmill::kernels {

namespace {

constexpr std::array kWeights{
    Choice{"luma", "The luma that a JPEG stores; bt601 of any other image"},
    Choice{"bt601", "0.299 R + 0.587 G + 0.114 B"},
    Choice{"bt709", "0.2126 R + 0.7152 G + 0.0722 B"},
    Choice{"average", "(R + G + B) / 3"},
    Choice{"lightness", "Halfway between the largest and the smallest of R, G, B"},
    Choice{"max", "The largest of R, G, B"},
    Choice{"min", "The smallest of R, G, B"},
};
constexpr std::array kMeanings{GrayWeights::bt601,     GrayWeights::bt601, GrayWeights::bt709, GrayWeights::average,
                               GrayWeights::lightness, GrayWeights::max,   GrayWeights::min};
static_assert(kWeights.size() == kMeanings.size());

constexpr std::array kParams{
    ParamDescriptor{.name = "weights",
                    .summary = "How R, G and B are weighed",
                    .type = ParamType::choice,
                    .default_text = "luma",
                    .choices = kWeights},
};

constexpr std::array kExamples{
    std::string_view{"gray=bt709"},
};

constexpr KernelDescriptor kDescriptor{
    .name = "gray",
    .summary = "Turns colours into one channel",
    .notes =
        "Integer arithmetic at 8 and 16 bits. bt601 is (9798 R + 19235 G + 3735 B + 16384) >> 15, bit-identical to "
        "cv::cvtColor; bt709 is (6966 R + 23436 G + 2366 B + 16384) >> 15; average rounds to the nearest; "
        "lightness is (max + min + 1) >> 1. luma takes what the decoder of a JPEG gives, which cv::imread with "
        "IMREAD_GRAYSCALE gives too. A gray image stays as it is; alpha is dropped.",
    .source = "cv::cvtColor; ITU-R BT.601 and BT.709",
    .params = kParams,
    .has_bare = true,
    .channels = ChannelNeed::any,
    .depth = DepthNeed::any,
    .keeps_alpha = false,
    .examples = kExamples,
};

class Gray final : public FrameOperation {
 public:
  explicit Gray(std::size_t choice) : weights_(kMeanings.at(choice)), is_luma_(choice == 0) {}

  [[nodiscard]] FrameShape output_shape(const FrameShape& in) const override {
    FrameShape out = in;
    out.channels = 1;
    return out;
  }
  [[nodiscard]] std::uint64_t scratch_bytes(const FrameShape& /*in*/) const override { return 0; }
  // Of black and white pixels bt601, average and the others give gray ones, but for those that pick one of the three.
  [[nodiscard]] bool output_is_two_level(bool input_is_two_level) const override {
    return input_is_two_level && (weights_ == GrayWeights::max || weights_ == GrayWeights::min);
  }
  [[nodiscard]] bool leaves_unchanged(const FrameShape& in) const override { return in.channels == 1; }
  [[nodiscard]] bool is_luma() const override { return is_luma_; }

  void apply(const cv::Mat& in, cv::Mat& out, Workspace& /*workspace*/) const override {
    for (int y = 0; y < in.rows; ++y) {
      if (in.channels() >= 3) {
        gray_row(weights_, depth_of(in), in.channels(), in.ptr(y), in.cols, out.ptr(y));
      } else if (in.channels() == 1) {
        std::memcpy(out.ptr(y), in.ptr(y), static_cast<std::size_t>(in.cols) * in.elemSize());
      } else if (depth_of(in) == Depth::eight) {
        drop_alpha(in.ptr<std::uint8_t>(y), in.cols, out.ptr<std::uint8_t>(y));
      } else {
        drop_alpha(in.ptr<std::uint16_t>(y), in.cols, out.ptr<std::uint16_t>(y));
      }
    }
  }

 private:
  template <typename T>
  static void drop_alpha(const T* in, int width, T* out) {
    for (int x = 0; x < width; ++x) out[x] = in[2 * x];
  }

  GrayWeights weights_;
  bool is_luma_;
};

Operation bind(const Arguments& arguments) {
  return std::make_unique<const Gray>(std::get<ChoiceIndex>(arguments.at(0)).index);
}

}  // namespace

const Kernel kGrayKernel{&kDescriptor, &bind};

}  // namespace pixmill::kernels
