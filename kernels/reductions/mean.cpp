#include "kernels/reductions/exact_quotient.hpp"
#include "kernels/reductions/table.hpp"

namespace pixmill::kernels {
namespace {

constexpr ReductionDescriptor kDescriptor{
    .name = "mean",
    .summary = "The sum divided by the number of pixels",
    .notes = "Divided once, from the exact sum, to within one unit in the last place of a double.",
    .makes_image = false,
};

ReductionValue finish(const ChannelTotals& totals) { return exact_quotient(totals.sum, totals.pixels); }

}  // namespace

const Reduction kMeanReduction{&kDescriptor, LevelReduction{.finish = finish}};

}  // namespace pixmill::kernels
