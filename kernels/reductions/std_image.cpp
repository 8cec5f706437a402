#include "kernels/reductions/records.hpp"
#include "kernels/reductions/table.hpp"

#include <cmath>

namespace pixmill::kernels {
namespace {

constexpr ReductionDescriptor kDescriptor{
    .name = "std-image",
    .summary = "The standard deviation at each pixel, as an image",
    .notes =
        "Of the population. Always 16 bits, since 8 would lose: an 8-bit level v counts as 257 v, so 257 is a "
        "deviation of one 8-bit level. From exact sums, rounded half up.",
    .makes_image = true,
};

struct Record {
  std::uint64_t sum = 0;
  std::uint64_t sum_of_squares = 0;  // < 2^64 for fewer than 2^32 images
  void add(std::uint16_t level) {
    sum += level;
    sum_of_squares += std::uint64_t{level} * level;
  }
  // The s with (2s - 1)^2 <= 4 * variance < (2s + 1)^2, found near the root in floating point and then exactly: so it
  // is the same on every machine.
  [[nodiscard]] std::uint16_t finish(std::uint64_t images) const {
    const Uint128 count = images;
    const Uint128 squares = count * sum_of_squares - Uint128{sum} * sum;  // images^2 times the variance
    const auto at_least = [&](Uint128 s) { return (2 * s - 1) * (2 * s - 1) * count * count <= 4 * squares; };
    auto root = static_cast<std::uint64_t>(std::sqrt(static_cast<double>(squares)) / static_cast<double>(images));
    while (root > 0 && !at_least(root)) --root;
    while (at_least(root + 1)) ++root;
    return static_cast<std::uint16_t>(root);
  }
};

}  // namespace

const Reduction kStdImageReduction{&kDescriptor, PixelReduction{.record_bytes = sizeof(Record),
                                                                .begin = begin_records<Record>,
                                                                .add = add_levels<Record>,
                                                                .finish = finish_records<Record>,
                                                                .keeps_levels = false}};

}  // namespace pixmill::kernels
