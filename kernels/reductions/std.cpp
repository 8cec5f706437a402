#include "kernels/reductions/exact_quotient.hpp"
#include "kernels/reductions/table.hpp"

#include <algorithm>
#include <cmath>

namespace pixmill::kernels {
namespace {

constexpr ReductionDescriptor kDescriptor{
    .name = "std",
    .summary = "The standard deviation of the population",
    .notes =
        "The root of the mean square deviation from the mean, divided by the number of pixels and not by one less. "
        "From exact sums, so that neither many pixels nor a small deviation costs digits.",
    .makes_image = false,
};

// The deviations are taken from the whole number next to the mean, exactly; what is left of the mean is at most 1/2,
// too small for its square to cancel what it is subtracted from: sum (v-c)^2 >= |sum (v-c)|, as they are integers.
ReductionValue finish(const ChannelTotals& totals) {
  const Uint128 count = totals.pixels;
  const Uint128 centre = (totals.sum + count / 2) / count;
  const auto remainder = static_cast<Int128>(totals.sum) - static_cast<Int128>(centre * count);
  // Modulo 2^128, as all of it is; the result is small again.
  const Uint128 squares = totals.sum_of_squares - 2 * centre * totals.sum + count * centre * centre;
  const double offset = static_cast<double>(remainder) / static_cast<double>(totals.pixels);
  return std::sqrt(std::max(0.0, exact_quotient(squares, count) - offset * offset));
}

}  // namespace

const Reduction kStdReduction{&kDescriptor, LevelReduction{.finish = finish}};

}  // namespace pixmill::kernels
