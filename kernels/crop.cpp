#include "kernels/table.hpp"

#include <array>
#include <cstring>
#include <string>

namespace pixmill::kernels {

namespace {

constexpr std::array kParams{
    ParamDescriptor{.name = "region",
                    .summary = "What is kept: WxH pixels, X from the left edge and Y from the upper",
                    .type = ParamType::region,
                    .default_text = "",
                    .required = true,
                    .min = 0,
                    .max = 65535},
};

constexpr std::array kExamples{
    std::string_view{"resize=64x48,crop=32x24+8+12"},
};

constexpr KernelDescriptor kDescriptor{
    .name = "crop",
    .summary = "Keeps a rectangle of the image",
    .notes =
        "Counted from the upper left corner of the image as it stands there in the chain, turned upright by its EXIF "
        "orientation. A region that does not lie wholly within the image fails that image: what is written always has "
        "the size that was asked for.",
    .source = "cv::Mat::operator()(cv::Rect)",
    .params = kParams,
    .has_bare = true,
    .channels = ChannelNeed::any,
    .depth = DepthNeed::any,
    .keeps_alpha = true,
    .examples = kExamples,
};

std::string size_text(std::int64_t width, std::int64_t height) {
  return std::to_string(width) + "x" + std::to_string(height);
}

class Crop final : public FrameOperation {
 public:
  explicit Crop(const RegionWish& region) : region_(region) {}

  [[nodiscard]] FrameShape output_shape(const FrameShape& in) const override {
    // Written so that no sum can overflow, whatever the region.
    const bool inside = region_.width <= in.width && region_.x <= in.width - region_.width &&
                        region_.height <= in.height && region_.y <= in.height - region_.height;
    if (!inside) {
      throw KernelFailure("crop: the region " + size_text(region_.width, region_.height) + "+" +
                          std::to_string(region_.x) + "+" + std::to_string(region_.y) + " does not lie within the " +
                          size_text(in.width, in.height) + " pixels of the image");
    }
    FrameShape out = in;
    out.width = region_.width;
    out.height = region_.height;
    return out;
  }

  [[nodiscard]] bool leaves_unchanged(const FrameShape& in) const override {
    return region_.x == 0 && region_.y == 0 && region_.width == in.width && region_.height == in.height;
  }
  [[nodiscard]] bool output_is_two_level(bool input_is_two_level) const override { return input_is_two_level; }
  [[nodiscard]] std::uint64_t scratch_bytes(const FrameShape& /*in*/) const override { return 0; }

  void apply(const cv::Mat& in, cv::Mat& out, Workspace& /*workspace*/) const override {
    const std::size_t pixel = in.elemSize();
    const auto skipped = static_cast<std::size_t>(region_.x) * pixel;
    const auto kept = static_cast<std::size_t>(region_.width) * pixel;
    for (int y = 0; y < out.rows; ++y) {
      std::memcpy(out.ptr(y), in.ptr(y + static_cast<int>(region_.y)) + skipped, kept);
    }
  }

 private:
  RegionWish region_;
};

Operation bind(const Arguments& arguments) {
  return std::make_unique<const Crop>(std::get<RegionWish>(arguments.at(0)));
}

}  // namespace

const Kernel kCropKernel{&kDescriptor, &bind};

}  // namespace pixmill::kernels
