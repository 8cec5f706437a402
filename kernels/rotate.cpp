#include "kernels/orient.hpp"
#include "kernels/table.hpp"

#include <array>

namespace pixmill::kernels {

namespace {

constexpr std::array kAngles{
    Choice{"90", "A quarter turn clockwise: the left edge comes on top"},
    Choice{"180", "Half a turn"},
    Choice{"270", "A quarter turn counter-clockwise: the right edge comes on top"},
};
// The EXIF orientation that the same turn undoes.
constexpr std::array kOrientations{6, 3, 8};
static_assert(kAngles.size() == kOrientations.size());

constexpr std::array kParams{
    ParamDescriptor{.name = "angle",
                    .summary = "Degrees clockwise",
                    .type = ParamType::choice,
                    .default_text = "",
                    .required = true,
                    .choices = kAngles},
};

constexpr std::array kExamples{
    std::string_view{"rotate=90"},
    std::string_view{"rotate=180"},
    std::string_view{"rotate=270"},
};

constexpr KernelDescriptor kDescriptor{
    .name = "rotate",
    .summary = "Turns the image clockwise",
    .notes =
        "Pixels are moved, never changed. 90 and 270 exchange width and height. It comes on top of the turn that an "
        "EXIF orientation asks for.",
    .source = "cv::rotate",
    .params = kParams,
    .has_bare = true,
    .channels = ChannelNeed::any,
    .depth = DepthNeed::any,
    .keeps_alpha = true,
    .examples = kExamples,
};

class Rotate final : public FrameOperation {
 public:
  explicit Rotate(int orientation) : orientation_(orientation) {}

  [[nodiscard]] FrameShape output_shape(const FrameShape& in) const override {
    return oriented_shape(in, orientation_);
  }
  [[nodiscard]] bool output_is_two_level(bool input_is_two_level) const override { return input_is_two_level; }
  [[nodiscard]] bool turns_sideways() const override { return orientation_ > 4; }
  [[nodiscard]] std::uint64_t scratch_bytes(const FrameShape& /*in*/) const override { return 0; }
  void apply(const cv::Mat& in, cv::Mat& out, Workspace& /*workspace*/) const override {
    orient(in, orientation_, out);
  }

 private:
  int orientation_;
};

Operation bind(const Arguments& arguments) {
  return std::make_unique<const Rotate>(kOrientations.at(std::get<ChoiceIndex>(arguments.at(0)).index));
}

}  // namespace

const Kernel kRotateKernel{&kDescriptor, &bind};

}  // namespace pixmill::kernels
