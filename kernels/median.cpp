#include "kernels/opencv_call.hpp"
#include "kernels/table.hpp"

#include <opencv2/imgproc.hpp>

#include <array>

namespace pixmill::kernels {

namespace {

// OpenCV counts the pixels of a window in 16 bits.
constexpr int kLargestWindow = 255;
// Beyond it OpenCV counts levels, and knows 8 bits only.
constexpr int kLargestSortedWindow = 5;

constexpr std::array kParams{
    ParamDescriptor{.name = "window",
                    .summary = "Side of the window around the pixel",
                    .type = ParamType::integer,
                    .default_text = "3",
                    .min = 3,
                    .max = kLargestWindow,
                    .odd = true},
};

constexpr std::array kExamples{
    std::string_view{"median=5"},
    std::string_view{"median=15"},
};

constexpr KernelDescriptor kDescriptor{
    .name = "median",
    .summary = "Gives each pixel the median of the window around it: takes specks away, keeps edges",
    .notes =
        "Each channel by itself, alpha too; pixels at the edges are repeated outwards. 16 bits are kept with windows "
        "of 3 and 5; wider ones work on 8 bits, at about the same time for every width.",
    .source =
        "cv::medianBlur; S. Perreault and P. Hebert, Median filtering in constant time, IEEE Trans. Image "
        "Processing 16 (2007)",
    .params = kParams,
    .has_bare = true,
    .channels = ChannelNeed::any,
    .depth = DepthNeed::depends,
    .keeps_alpha = true,
    .examples = kExamples,
};

class Median final : public FrameOperation {
 public:
  explicit Median(int window) : window_(window) {}

  [[nodiscard]] bool needs_eight_bits() const override { return window_ > kLargestSortedWindow; }
  [[nodiscard]] bool output_is_two_level(bool input_is_two_level) const override { return input_is_two_level; }

  // A wide window takes a copy of the frame with its edges repeated, and two tiers of histograms a column of a stripe.
  [[nodiscard]] std::uint64_t scratch_bytes(const FrameShape& in) const override {
    std::uint64_t bytes = std::uint64_t{1} << 14;
    if (in.channels == 2) bytes += 2 * plane_bytes(in);
    if (window_ <= kLargestSortedWindow) return bytes;
    const auto channels = static_cast<std::uint64_t>(in.channels == 2 ? 1 : in.channels);
    const auto margin = static_cast<std::uint64_t>(window_ - 1);
    const auto height = static_cast<std::uint64_t>(in.height);
    bytes += (static_cast<std::uint64_t>(in.width) + margin) * height * channels;
    return bytes + (512 + channels * margin) * (16 + 256) * 2;
  }

  void apply(const cv::Mat& in, cv::Mat& out, Workspace& workspace) const override {
    call_opencv("median", [&] {
      if (in.channels() == 2) {
        apply_by_plane(in, out, workspace);
      } else {
        cv::medianBlur(alone(in), out, window_);
      }
    });
  }

 private:
  [[nodiscard]] static std::uint64_t plane_bytes(const FrameShape& in) {
    return (in.bytes() / static_cast<std::uint64_t>(in.channels) + 63) / 64 * 64;
  }

  // OpenCV's wide windows know 1, 3 and 4 channels.
  void apply_by_plane(const cv::Mat& in, cv::Mat& out, Workspace& workspace) const {
    const std::size_t bytes = plane_bytes(shape_of(in));
    std::byte* memory = workspace.slot(slots::kKernel, 2 * bytes).data();
    cv::Mat plane(in.rows, in.cols, in.depth(), memory);
    cv::Mat filtered(in.rows, in.cols, in.depth(), memory + bytes);
    for (int channel = 0; channel < 2; ++channel) {
      cv::extractChannel(in, plane, channel);
      cv::medianBlur(plane, filtered, window_);
      cv::insertChannel(filtered, out, channel);
    }
  }

  int window_;
};

Operation bind(const Arguments& arguments) {
  return std::make_unique<const Median>(static_cast<int>(std::get<std::int64_t>(arguments.at(0))));
}

}  // namespace

const Kernel kMedianKernel{&kDescriptor, &bind};

}  // namespace pixmill::kernels
