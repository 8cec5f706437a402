#include "kernels/reductions/records.hpp"
#include "kernels/reductions/table.hpp"

namespace pixmill::kernels {
namespace {

constexpr ReductionDescriptor kDescriptor{
    .name = "mean-image",
    .summary = "The mean level at each pixel, as an image",
    .notes =
        "Always 16 bits, since 8 would lose: an 8-bit level v counts as 257 v. The exact sum divided by the number of "
        "images, rounded half up.",
    .makes_image = true,
};

struct Record {
  std::uint64_t sum = 0;
  void add(std::uint16_t level) { sum += level; }
  [[nodiscard]] std::uint16_t finish(std::uint64_t images) const {
    return static_cast<std::uint16_t>((sum + images / 2) / images);
  }
};

}  // namespace

const Reduction kMeanImageReduction{&kDescriptor, PixelReduction{.record_bytes = sizeof(Record),
                                                                 .begin = begin_records<Record>,
                                                                 .add = add_levels<Record>,
                                                                 .finish = finish_records<Record>,
                                                                 .keeps_levels = false}};

}  // namespace pixmill::kernels
