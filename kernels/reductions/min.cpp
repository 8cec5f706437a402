#include "kernels/reductions/table.hpp"

namespace pixmill::kernels {
namespace {

constexpr ReductionDescriptor kDescriptor{
    .name = "min",
    .summary = "The smallest level",
    .notes = "Of each channel, over every pixel of every image.",
    .makes_image = false,
};

ReductionValue finish(const ChannelTotals& totals) { return Uint128{totals.min}; }

}  // namespace

const Reduction kMinReduction{&kDescriptor, LevelReduction{.finish = finish}};

}  // namespace pixmill::kernels
