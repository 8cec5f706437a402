#include "kernels/reductions/table.hpp"

namespace pixmill::kernels {
namespace {

constexpr ReductionDescriptor kDescriptor{
    .name = "sum",
    .summary = "The sum of all levels, exact",
    .notes = "An integer of up to 128 bits, written with all its digits.",
    .makes_image = false,
};

ReductionValue finish(const ChannelTotals& totals) { return totals.sum; }

}  // namespace

const Reduction kSumReduction{&kDescriptor, LevelReduction{.finish = finish}};

}  // namespace pixmill::kernels
