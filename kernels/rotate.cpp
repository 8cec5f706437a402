#include "kernels/orient_operation.hpp"
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

Operation bind(const Arguments& arguments) {
  return orient_operation(kOrientations.at(std::get<ChoiceIndex>(arguments.at(0)).index));
}

}  // namespace

const Kernel kRotateKernel{&kDescriptor, &bind};

}  // namespace pixmill::kernels
