#include "kernels/orient_operation.hpp"
#include "kernels/table.hpp"

#include <array>

namespace pixmill::kernels {

namespace {

constexpr std::array kDirections{
    Choice{"h", "Left becomes right"},
    Choice{"v", "The top becomes the bottom"},
};
// The EXIF orientation that the same mirror undoes.
constexpr std::array kOrientations{2, 4};
static_assert(kDirections.size() == kOrientations.size());

constexpr std::array kParams{
    ParamDescriptor{.name = "direction",
                    .summary = "Which way it is mirrored",
                    .type = ParamType::choice,
                    .default_text = "",
                    .required = true,
                    .choices = kDirections},
};

constexpr std::array kExamples{
    std::string_view{"flip=h"},
    std::string_view{"flip=v"},
};

constexpr KernelDescriptor kDescriptor{
    .name = "flip",
    .summary = "Mirrors the image",
    .notes = "Pixels are moved, never changed.",
    .source = "cv::flip",
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

const Kernel kFlipKernel{&kDescriptor, &bind};

}  // namespace pixmill::kernels
