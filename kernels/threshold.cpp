#include "kernels/table.hpp"
#include "kernels/threshold_methods.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

namespace pixmill::kernels {

namespace {

constexpr std::array kTypes{
    Choice{"binary", "max above the threshold, else 0"},   Choice{"binary_inv", "0 above the threshold, else max"},
    Choice{"trunc", "The threshold above it, else v"},     Choice{"tozero", "v above the threshold, else 0"},
    Choice{"tozero_inv", "0 above the threshold, else v"},
};
enum class Type : unsigned char { binary, binary_inv, trunc, tozero, tozero_inv };

constexpr std::array kParams{
    ParamDescriptor{.name = "value",
                    .summary = "The threshold T, or how it is found for each image",
                    .type = ParamType::level_or_choice,
                    .default_text = "",
                    .required = true,
                    .min = 0,
                    .max = 65535,
                    .choices = kThresholdChoices},
    ParamDescriptor{.name = "type",
                    .summary = "What becomes of the levels above T and of the others",
                    .type = ParamType::choice,
                    .default_text = "binary",
                    .choices = kTypes},
    ParamDescriptor{.name = "max",
                    .summary = "The level that binary and binary_inv give; the image's largest where not given",
                    .type = ParamType::level,
                    .default_text = "",
                    .min = 0,
                    .max = 65535},
};

constexpr KernelDescriptor kDescriptor{
    .name = "threshold",
    .summary = "Compares every level with one threshold",
    .notes =
        "v is above T if v > T; T is rounded down and max to the nearest (half to even), as in cv::threshold. A number "
        "beyond the image's largest level fails that image. A method sees the histogram of all 256 or 65536 levels. "
        "otsu and triangle find OpenCV's T (whose triangle knows 8 bits only); li, yen, isodata and minimum find "
        "scikit-image's; median splits the pixels as numpy's does. Of equally good levels the lowest is taken. Of one "
        "level alone, T is that level; but otsu gives 0, triangle may be two levels off, and minimum fails. minimum "
        "takes running means of three levels until two peaks are left; should 9999 of them not do, and the levels span "
        "more than 256, it goes on with levels in fours. A histogram that rises to its end has its second peak there "
        "if it has no other. An image that comes down to one peak, or keeps more than two, fails.",
    .source = kThresholdSources,
    .params = kParams,
    .has_bare = true,
    .channels = ChannelNeed::one,
    .depth = DepthNeed::any,
    .keeps_alpha = false,
    .examples = kThresholdExamples,
};

class Threshold final : public LevelOperation {
 public:
  Threshold(const std::variant<Level, const ThresholdMethod*>& value, Type type, const std::optional<Level>& max)
      : value_(value), type_(type), max_(max) {}

  [[nodiscard]] bool needs_histogram() const override { return std::holds_alternative<const ThresholdMethod*>(value_); }

  void compose(const Histogram* histogram, LevelTable& table) const override {
    const Depth depth = table.depth();
    const int white = max_ ? static_cast<int>(std::nearbyint(max_->at(depth, "threshold's max"))) : max_level(depth);
    const int limit = needs_histogram()
                          ? threshold_of(*std::get<const ThresholdMethod*>(value_), LevelCounts(histogram->counts(0)))
                          : static_cast<int>(std::floor(std::get<Level>(value_).at(depth, "threshold")));
    switch (type_) {
      case Type::binary:
        table.then([=](int level) { return level > limit ? white : 0; });
        break;
      case Type::binary_inv:
        table.then([=](int level) { return level > limit ? 0 : white; });
        break;
      // A limit of -1 (the triangle's) is below every level.
      case Type::trunc:
        table.then([=](int level) { return level > limit ? std::max(limit, 0) : level; });
        break;
      case Type::tozero:
        table.then([=](int level) { return level > limit ? level : 0; });
        break;
      case Type::tozero_inv:
        table.then([=](int level) { return level > limit ? 0 : level; });
        break;
    }
  }

 private:
  std::variant<Level, const ThresholdMethod*> value_;
  Type type_;
  std::optional<Level> max_;
};

Operation bind(const Arguments& arguments) {
  std::variant<Level, const ThresholdMethod*> value;
  if (const auto* choice = std::get_if<ChoiceIndex>(&arguments.at(0))) {
    value = &kThresholdMethods.at(choice->index);
  } else {
    value = std::get<Level>(arguments[0]);
  }
  const auto type = static_cast<Type>(std::get<ChoiceIndex>(arguments.at(1)).index);
  std::optional<Level> max;
  if (const auto* level = std::get_if<Level>(&arguments.at(2))) max = *level;
  return std::make_unique<const Threshold>(value, type, max);
}

}  // namespace

const Kernel kThresholdKernel{&kDescriptor, &bind};

}  // namespace pixmill::kernels
