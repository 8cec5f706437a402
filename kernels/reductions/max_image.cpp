#include "kernels/reductions/records.hpp"
#include "kernels/reductions/table.hpp"

#include <algorithm>

namespace pixmill::kernels {
namespace {

constexpr ReductionDescriptor kDescriptor{
    .name = "max-image",
    .summary = "The largest level at each pixel, as an image",
    .notes = "8 bits where all images have 8 bits, else 16, with an 8-bit level v as 257 v.",
    .makes_image = true,
};

struct Record {
  std::uint16_t largest = 0;
  void add(std::uint16_t level) { largest = std::max(largest, level); }
  [[nodiscard]] std::uint16_t finish(std::uint64_t /*images*/) const { return largest; }
};

}  // namespace

const Reduction kMaxImageReduction{&kDescriptor, PixelReduction{.record_bytes = sizeof(Record),
                                                                .begin = begin_records<Record>,
                                                                .add = add_levels<Record>,
                                                                .finish = finish_records<Record>,
                                                                .keeps_levels = true}};

}  // namespace pixmill::kernels
