#include "kernels/table.hpp"

#include <array>
#include <string_view>

namespace pixmill::kernels {

namespace {

constexpr std::array kExamples{
    std::string_view{"gray,threshold=otsu,invert"},
};

constexpr KernelDescriptor kDescriptor{
    .name = "invert",
    .summary = "Turns bright into dark: the largest level minus v",
    .notes = "255 - v at 8 bits, 65535 - v at 16, for each colour channel. Alpha is kept as it is.",
    .source = "cv::bitwise_not",
    .params = {},
    .has_bare = false,
    .channels = ChannelNeed::any,
    .depth = DepthNeed::any,
    .keeps_alpha = true,
    .examples = kExamples,
};

class Invert final : public LevelOperation {
 public:
  void compose(const Histogram* /*histogram*/, LevelTable& table) const override {
    const int largest = max_level(table.depth());
    table.then([largest](int level) { return largest - level; });
  }
};

Operation bind(const Arguments& /*arguments*/) { return std::make_unique<const Invert>(); }

}  // namespace

const Kernel kInvertKernel{&kDescriptor, &bind};

}  // namespace pixmill::kernels
