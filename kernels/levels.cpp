#include "kernels/table.hpp"

#include <pixmill/error.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

namespace pixmill::kernels {

namespace {

constexpr std::array kParams{
    ParamDescriptor{.name = "low",
                    .summary = "This level and all below it become black",
                    .type = ParamType::level,
                    .default_text = "0%",
                    .min = 0,
                    .max = 65535},
    ParamDescriptor{.name = "high",
                    .summary = "This level and all above it become white",
                    .type = ParamType::level,
                    .default_text = "100%",
                    .min = 0,
                    .max = 65535},
    ParamDescriptor{.name = "gamma",
                    .summary = "Above 1 brightens what lies between, below 1 darkens it",
                    .type = ParamType::number,
                    .default_text = "1",
                    .min = 0.01,
                    .max = 100},
};

constexpr std::array kExamples{
    std::string_view{"levels=low=10%:high=90%:gamma=1.5"},
    std::string_view{"levels=low=20:high=200"},
};

constexpr KernelDescriptor kDescriptor{
    .name = "levels",
    .summary = "Stretches the levels between two to the full scale, and bends the middle",
    .notes =
        "v becomes L t^(1 / gamma), t = (v - low) / (high - low) held within 0 and 1, L the largest level; rounded "
        "half up. low and high are not rounded; low must be below high. Each colour channel alike; alpha is kept as it "
        "is.",
    .source = "the levels of GIMP and ImageMagick (-level)",
    .params = kParams,
    .has_bare = false,
    .channels = ChannelNeed::any,
    .depth = DepthNeed::any,
    .keeps_alpha = true,
    .examples = kExamples,
};

class Levels final : public LevelOperation {
 public:
  Levels(const Level& low, const Level& high, double gamma) : low_(low), high_(high), exponent_(1.0 / gamma) {}

  void compose(const Histogram* /*histogram*/, LevelTable& table) const override {
    const double low = low_.at(table.depth(), "levels' low");
    const double high = high_.at(table.depth(), "levels' high");
    if (low >= high) {
      throw KernelFailure(std::string("levels: low is not below high on a") +
                          (table.depth() == Depth::eight ? "n 8" : " 16") + "-bit image");
    }
    const double largest = max_level(table.depth());
    // A tie is a tie on every machine, though the last bits of pow differ between them.
    constexpr double kHalf = 0.5 + 1e-9;
    table.then([=, exponent = exponent_](int level) {
      const double share = std::clamp((level - low) / (high - low), 0.0, 1.0);
      const double bent = exponent == 1.0 ? share : std::pow(share, exponent);
      return static_cast<int>(std::floor(largest * bent + kHalf));
    });
  }

 private:
  Level low_;
  Level high_;
  double exponent_;
};

Operation bind(const Arguments& arguments) {
  const Level& low = std::get<Level>(arguments.at(0));
  const Level& high = std::get<Level>(arguments.at(1));
  // A level and a share can only be compared once an image's depth is known, unless one is at an end of the scale.
  const bool never = high.value == 0 || (low.percent && low.value == 100);
  if (never || (low.percent == high.percent && low.value >= high.value)) {
    throw Error(ErrorCode::usage, "levels: low must be below high");
  }
  return std::make_unique<const Levels>(low, high, std::get<double>(arguments.at(2)));
}

}  // namespace

const Kernel kLevelsKernel{&kDescriptor, &bind};

}  // namespace pixmill::kernels
