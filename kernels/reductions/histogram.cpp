#include "kernels/reductions/table.hpp"

namespace pixmill::kernels {
namespace {

constexpr ReductionDescriptor kDescriptor{
    .name = "histogram",
    .summary = "How many pixels have each level",
    .notes = "256 counts at 8 bits, 65536 at 16, for each channel; 64 bits each.",
    .makes_image = false,
};

ReductionValue finish(const ChannelTotals& totals) { return totals.histogram; }

}  // namespace

const Reduction kHistogramReduction{&kDescriptor,
                                    LevelReduction{.needs_histogram = true, .makes_counts = true, .finish = finish}};

}  // namespace pixmill::kernels
