#include "kernels/reductions/table.hpp"

namespace pixmill::kernels {
namespace {

constexpr ReductionDescriptor kDescriptor{
    .name = "count",
    .summary = "How many images and pixels there are",
    .notes = "In the report as images and pixels, which are always there.",
    .makes_image = false,
};

}  // namespace

const Reduction kCountReduction{&kDescriptor, LevelReduction{}};

}  // namespace pixmill::kernels
