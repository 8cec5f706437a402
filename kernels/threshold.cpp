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

constexpr std::array kScopes{
    Choice{"image", "Each image for itself"},
    Choice{"batch", "One threshold for the whole batch, from the levels of all images that come so far in the chain"},
};
enum class Scope : unsigned char { image, batch };

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
    ParamDescriptor{.name = "scope",
                    .summary = "What a method looks at to find T",
                    .type = ParamType::choice,
                    .default_text = "image",
                    .choices = kScopes},
};

// Each method, and what else there is.
constexpr auto kExamples = [] {
  std::array<std::string_view, kThresholdExamples.size() + 3> examples;
  std::copy(kThresholdExamples.begin(), kThresholdExamples.end(), examples.begin());
  examples[kThresholdExamples.size()] = "gray,threshold=50%";
  examples[kThresholdExamples.size() + 1] = "gray,threshold=120:type=tozero";
  examples[kThresholdExamples.size() + 2] = "gray,threshold=otsu:type=binary_inv:scope=batch";
  return examples;
}();

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
        "if it has no other. An image that comes down to one peak, or keeps more than two, fails. scope=batch reads "
        "all images twice: "
        "first their levels, counted together, an 8-bit level v as 257 v where there are 16-bit images as well; T of "
        "such a batch is rounded down for an 8-bit image.",
    .source = kThresholdSources,
    .params = kParams,
    .has_bare = true,
    .channels = ChannelNeed::one,
    .depth = DepthNeed::any,
    .keeps_alpha = false,
    .examples = kExamples,
};

// What a whole batch decided.
struct BatchThreshold {
  std::string_view method;
  bool found = false;  // otherwise no image came that far
  int limit = 0;
  Depth depth = Depth::eight;
  // The same cut at the depth of one image, where v at 8 bits is 257 v at 16.
  [[nodiscard]] int at(Depth image) const {
    if (image == depth) return limit;
    if (image == Depth::sixteen) return limit * 257 + 128;  // 16-bit levels nearer to an 8-bit level above it
    return static_cast<int>(std::floor(limit / 257.0));
  }
};

using Limit = std::variant<Level, const ThresholdMethod*, BatchThreshold>;

class Threshold final : public LevelOperation {
 public:
  Threshold(const Limit& value, Type type, const std::optional<Level>& max, Scope scope)
      : value_(value), type_(type), max_(max), scope_(scope) {}

  [[nodiscard]] bool needs_histogram() const override { return std::holds_alternative<const ThresholdMethod*>(value_); }
  [[nodiscard]] bool needs_batch() const override { return needs_histogram() && scope_ == Scope::batch; }

  [[nodiscard]] std::unique_ptr<const LevelOperation> decided(const ChannelTotals* batch) const override {
    const ThresholdMethod& method = *std::get<const ThresholdMethod*>(value_);
    BatchThreshold found{method.choice.name};
    if (batch != nullptr) {
      found = {method.choice.name, true, threshold_of(method, LevelCounts(batch->histogram)), batch->depth};
    }
    return std::make_unique<const Threshold>(found, type_, max_, scope_);
  }

  [[nodiscard]] std::string decision() const override {
    const auto* found = std::get_if<BatchThreshold>(&value_);
    if (found == nullptr) return {};
    const std::string name = "threshold=" + std::string(found->method) + ": ";
    if (!found->found) return name + "no image came that far";
    return name + std::to_string(found->limit) + " of " + std::to_string(max_level(found->depth));
  }

  [[nodiscard]] std::vector<std::int64_t> decided_numbers() const override {
    const auto* found = std::get_if<BatchThreshold>(&value_);
    if (found == nullptr) return {};
    return {found->found ? 1 : 0, found->limit, found->depth == Depth::sixteen ? 16 : 8};
  }

  [[nodiscard]] std::unique_ptr<const LevelOperation> decided_as(std::span<const std::int64_t> numbers) const override {
    if (!needs_batch() || numbers.size() != 3) return nullptr;
    const Depth depth = numbers[2] == 16 ? Depth::sixteen : Depth::eight;
    const bool sound = (numbers[0] == 0 || numbers[0] == 1) && (numbers[2] == 8 || numbers[2] == 16);
    if (!sound || numbers[1] < -1 || numbers[1] > max_level(depth)) return nullptr;
    const ThresholdMethod& method = *std::get<const ThresholdMethod*>(value_);
    const BatchThreshold found{method.choice.name, numbers[0] == 1, static_cast<int>(numbers[1]), depth};
    return std::make_unique<const Threshold>(found, type_, max_, scope_);
  }

  void compose(const Histogram* histogram, LevelTable& table) const override {
    const Depth depth = table.depth();
    const int white = max_ ? static_cast<int>(std::nearbyint(max_->at(depth, "threshold's max"))) : max_level(depth);
    const int limit = limit_at(depth, histogram);
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
  [[nodiscard]] int limit_at(Depth depth, const Histogram* histogram) const {
    if (const auto* batch = std::get_if<BatchThreshold>(&value_)) return batch->at(depth);
    if (const auto* level = std::get_if<Level>(&value_))
      return static_cast<int>(std::floor(level->at(depth, "threshold")));
    return threshold_of(*std::get<const ThresholdMethod*>(value_), LevelCounts(histogram->counts(0)));
  }

  Limit value_;
  Type type_;
  std::optional<Level> max_;
  Scope scope_;
};

Operation bind(const Arguments& arguments) {
  Limit value;
  if (const auto* choice = std::get_if<ChoiceIndex>(&arguments.at(0))) {
    value = &kThresholdMethods.at(choice->index);
  } else {
    value = std::get<Level>(arguments[0]);
  }
  const auto type = static_cast<Type>(std::get<ChoiceIndex>(arguments.at(1)).index);
  std::optional<Level> max;
  if (const auto* level = std::get_if<Level>(&arguments.at(2))) max = *level;
  const auto scope = static_cast<Scope>(std::get<ChoiceIndex>(arguments.at(3)).index);
  return std::make_unique<const Threshold>(value, type, max, scope);
}

}  // namespace

const Kernel kThresholdKernel{&kDescriptor, &bind};

}  // namespace pixmill::kernels
