#include "kernels/reductions/table.hpp"

namespace pixmill::kernels {
namespace {

constexpr ReductionDescriptor kDescriptor{
    .name = "max",
    .summary = "The largest level",
    .notes = "Of each channel, over every pixel of every image.",
    .makes_image = false,
};

ReductionValue finish(const ChannelTotals& totals) { return Uint128{totals.max}; }

}  // namespace

const Reduction kMaxReduction{&kDescriptor, LevelReduction{.finish = finish}};

}  // namespace pixmill::kernels
