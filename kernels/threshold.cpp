#include "kernels/table.hpp"

#include <algorithm>
#include <array>
#include <cfloat>
#include <cmath>
#include <optional>

namespace pixmill::kernels {

namespace {

constexpr std::array kMethods{
    Choice{"otsu", "Otsu's: the largest variance between the two classes"},
    Choice{"triangle", "The level farthest from the line between the histogram's peak and its far end"},
    Choice{"mean", "The mean level, rounded down"},
};
enum class Method : unsigned char { otsu, triangle, mean };

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
                    .choices = kMethods},
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

constexpr std::array kExamples{
    std::string_view{"gray,threshold=otsu:type=binary_inv"},
};

constexpr KernelDescriptor kDescriptor{
    .name = "threshold",
    .summary = "Compares every level with one threshold",
    .notes =
        "v is above T if v > T; T is rounded down and max to the nearest (half to even), as in cv::threshold. otsu "
        "and triangle find the same T as OpenCV, from the histogram of 256 or 65536 levels (OpenCV's triangle "
        "knows 8 bits only). mean is the exact mean of all pixels, rounded down. A number beyond the image's "
        "largest level fails that image.",
    .source =
        "cv::threshold; N. Otsu, A threshold selection method from gray-level histograms, IEEE Trans. SMC 9 "
        "(1979); G. W. Zack et al., Automatic measurement of sister chromatid exchange frequency, J. Histochem. "
        "Cytochem. 25 (1977)",
    .params = kParams,
    .has_bare = true,
    .channels = ChannelNeed::one,
    .depth = DepthNeed::any,
    .keeps_alpha = false,
    .examples = kExamples,
};

// The same operations in the same order as OpenCV 4.6 does them in double precision, so that ties fall the same way.
int otsu(std::span<const std::uint32_t> counts, std::uint64_t pixels) {
  const double scale = 1.0 / static_cast<double>(pixels);
  double mean = 0;
  for (std::size_t level = 0; level < counts.size(); ++level) {
    mean += static_cast<double>(level) * static_cast<double>(counts[level]);
  }
  mean *= scale;
  double mean_below = 0;
  double share_below = 0;
  double best_variance = 0;
  std::size_t best = 0;
  for (std::size_t level = 0; level < counts.size(); ++level) {
    const double share = counts[level] * scale;
    mean_below *= share_below;
    share_below += share;
    const double share_above = 1.0 - share_below;
    if (std::min(share_below, share_above) < FLT_EPSILON || std::max(share_below, share_above) > 1.0 - FLT_EPSILON) {
      continue;
    }
    mean_below = (mean_below + static_cast<double>(level) * share) / share_below;
    const double mean_above = (mean - share_below * mean_below) / share_above;
    const double variance = share_below * share_above * (mean_below - mean_above) * (mean_below - mean_above);
    if (variance > best_variance) {
      best_variance = variance;
      best = level;
    }
  }
  return static_cast<int>(best);
}

// OpenCV's, for any number of levels. The longer flank is searched; `at` sees the histogram so that it is the left one.
int triangle(std::span<const std::uint32_t> counts) {
  const int levels = static_cast<int>(counts.size());
  const auto counted = [](std::uint32_t count) { return count != 0; };
  const auto first = std::find_if(counts.begin(), counts.end(), counted);
  if (first == counts.end()) return 0;
  int left = static_cast<int>(first - counts.begin());
  int right = static_cast<int>(std::find_if(counts.rbegin(), counts.rend(), counted).base() - counts.begin()) - 1;
  left = std::max(left - 1, 0);
  right = std::min(right + 1, levels - 1);
  int peak = static_cast<int>(std::max_element(counts.begin(), counts.end()) - counts.begin());
  const double peak_count = counts[static_cast<std::size_t>(peak)];

  const bool flipped = peak - left < right - peak;
  if (flipped) {
    left = levels - 1 - right;
    peak = levels - 1 - peak;
  }
  const auto at = [&](int level) {
    return static_cast<double>(counts[static_cast<std::size_t>(flipped ? levels - 1 - level : level)]);
  };
  int best = left;
  double best_distance = 0;
  for (int level = left + 1; level <= peak; ++level) {
    const double distance = peak_count * level + (left - peak) * at(level);
    if (distance > best_distance) {
      best_distance = distance;
      best = level;
    }
  }
  --best;
  return flipped ? levels - 1 - best : best;
}

int mean(std::span<const std::uint32_t> counts, std::uint64_t pixels) {
  std::uint64_t sum = 0;
  for (std::size_t level = 0; level < counts.size(); ++level) sum += level * counts[level];
  return static_cast<int>(sum / pixels);
}

int find_threshold(Method method, const Histogram& histogram) {
  if (histogram.pixels() == 0) return 0;
  const std::span<const std::uint32_t> counts = histogram.counts(0);
  switch (method) {
    case Method::otsu:
      return otsu(counts, histogram.pixels());
    case Method::triangle:
      return triangle(counts);
    case Method::mean:
      break;
  }
  return mean(counts, histogram.pixels());
}

class Threshold final : public LevelOperation {
 public:
  Threshold(const std::variant<Level, Method>& value, Type type, const std::optional<Level>& max)
      : value_(value), type_(type), max_(max) {}

  [[nodiscard]] bool needs_histogram() const override { return std::holds_alternative<Method>(value_); }

  void compose(const Histogram* histogram, LevelTable& table) const override {
    const Depth depth = table.depth();
    const int white = max_ ? static_cast<int>(std::nearbyint(max_->at(depth, "threshold's max"))) : max_level(depth);
    const int limit = needs_histogram() ? find_threshold(std::get<Method>(value_), *histogram)
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
  std::variant<Level, Method> value_;
  Type type_;
  std::optional<Level> max_;
};

Operation bind(const Arguments& arguments) {
  std::variant<Level, Method> value;
  if (const auto* choice = std::get_if<ChoiceIndex>(&arguments.at(0))) {
    value = static_cast<Method>(choice->index);
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
