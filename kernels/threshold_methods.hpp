#pragma once

#include <pixmill/descriptor.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

/// The ways to find a threshold from a histogram.
namespace pixmill::kernels {

/// A view of how often each level occurs: in one image (32-bit counts) or in a whole batch (64-bit). The same counts
/// give the same thresholds in either. Together at most 2^48 pixels, so that a sum of 16-bit levels fits in 64 bits.
///
/// Constructing it reads the counts once. They must outlive it.
class LevelCounts {
 public:
  explicit LevelCounts(std::span<const std::uint32_t> counts);
  explicit LevelCounts(std::span<const std::uint64_t> counts);

  /// 256 or 65536; in a test any number from 1 to 65536.
  [[nodiscard]] int levels() const { return levels_; }
  [[nodiscard]] std::uint64_t operator[](int level) const { return narrow_ != nullptr ? narrow_[level] : wide_[level]; }
  [[nodiscard]] std::uint64_t pixels() const { return pixels_; }
  /// The smallest and the largest level that occur; 0 and -1 where none does.
  [[nodiscard]] int darkest() const { return darkest_; }
  [[nodiscard]] int brightest() const { return brightest_; }

 private:
  template <typename Count>
  void survey(std::span<const Count> counts);

  const std::uint32_t* narrow_ = nullptr;
  const std::uint64_t* wide_ = nullptr;
  int levels_ = 0;
  int darkest_ = 0;
  int brightest_ = -1;
  std::uint64_t pixels_ = 0;
};

/// A row of the table of methods. All views refer to static storage.
struct ThresholdMethod {
  Choice choice;             ///< Its name in a chain, and one line.
  std::string_view source;   ///< The paper; empty where there is none.
  std::string_view example;  ///< A chain that shows it.
  /// The threshold T in [-1, levels - 1]: v is above it if v > T. Called with at least one pixel. Throws KernelFailure
  /// where the method has no answer. Pure; any thread.
  int (*find)(const LevelCounts& counts);
};

/// Each in kernels/thresholds/ in the file of its name. A new one is a file, a line here and a row below.
int otsu_threshold(const LevelCounts& counts);
int triangle_threshold(const LevelCounts& counts);
int mean_threshold(const LevelCounts& counts);
int median_threshold(const LevelCounts& counts);
int li_threshold(const LevelCounts& counts);
int yen_threshold(const LevelCounts& counts);
int isodata_threshold(const LevelCounts& counts);
int kapur_threshold(const LevelCounts& counts);
int minimum_threshold(const LevelCounts& counts);

inline constexpr std::array kThresholdMethods{
    ThresholdMethod{.choice = {"otsu", "Otsu's: the largest variance between the two classes"},
                    .source = "N. Otsu, A threshold selection method from gray-level histograms, IEEE Trans. SMC 9 "
                              "(1979)",
                    .example = "gray,threshold=otsu:type=binary_inv",
                    .find = &otsu_threshold},
    ThresholdMethod{
        .choice = {"triangle", "The level farthest from the line between the histogram's peak and its far end"},
        .source = "G. W. Zack et al., Automatic measurement of sister chromatid exchange frequency, J. Histochem. "
                  "Cytochem. 25 (1977)",
        .example = "gray,threshold=triangle",
        .find = &triangle_threshold},
    ThresholdMethod{.choice = {"mean", "The mean level, rounded down"},
                    .source = "",
                    .example = "gray,threshold=mean",
                    .find = &mean_threshold},
    ThresholdMethod{.choice = {"median", "The lowest level that at least half the pixels do not exceed"},
                    .source = "",
                    .example = "gray,threshold=median",
                    .find = &median_threshold},
    ThresholdMethod{.choice = {"li", "Li's: the smallest cross entropy between the image and its two classes' means"},
                    .source = "C. H. Li and P. K. S. Tam, An iterative algorithm for minimum cross entropy "
                              "thresholding, Pattern Recognition Letters 19 (1998)",
                    .example = "gray,threshold=li",
                    .find = &li_threshold},
    ThresholdMethod{.choice = {"yen", "Yen's: the largest sum of the two classes' correlations"},
                    .source = "J. C. Yen, F. J. Chang and S. Chang, A new criterion for automatic multilevel "
                              "thresholding, IEEE Trans. Image Processing 4 (1995)",
                    .example = "gray,threshold=yen",
                    .find = &yen_threshold},
    ThresholdMethod{.choice = {"isodata", "Midway between the means of the two classes: the lowest such level"},
                    .source = "T. W. Ridler and S. Calvard, Picture thresholding using an iterative selection method, "
                              "IEEE Trans. SMC 8 (1978)",
                    .example = "gray,threshold=isodata",
                    .find = &isodata_threshold},
    ThresholdMethod{.choice = {"kapur", "Kapur's: the largest sum of the two classes' entropies"},
                    .source = "J. N. Kapur, P. K. Sahoo and A. K. C. Wong, A new method for gray-level picture "
                              "thresholding using the entropy of the histogram, CVGIP 29 (1985)",
                    .example = "gray,threshold=kapur",
                    .find = &kapur_threshold},
    ThresholdMethod{.choice = {"minimum", "The lowest point between the two peaks of the smoothed histogram"},
                    .source = "J. M. S. Prewitt and M. L. Mendelsohn, The analysis of cell images, Ann. N. Y. Acad. "
                              "Sci. 128 (1966)",
                    .example = "gray,threshold=minimum",
                    .find = &minimum_threshold},
};

/// The names and summaries of kThresholdMethods, in its order: what a parameter of that kind may be.
inline constexpr auto kThresholdChoices = [] {
  std::array<Choice, kThresholdMethods.size()> choices;
  for (std::size_t i = 0; i < choices.size(); ++i) choices[i] = kThresholdMethods[i].choice;
  return choices;
}();

/// Their examples, in the same order.
inline constexpr auto kThresholdExamples = [] {
  std::array<std::string_view, kThresholdMethods.size()> examples;
  for (std::size_t i = 0; i < examples.size(); ++i) examples[i] = kThresholdMethods[i].example;
  return examples;
}();

/// Their sources, in the same order, after OpenCV's function: what the kernel's descriptor names.
inline constexpr auto kThresholdSourceLetters = [] {
  constexpr std::string_view kFirst = "cv::threshold";
  constexpr std::string_view kBetween = "; ";
  constexpr std::size_t kLength = [=] {
    std::size_t length = kFirst.size();
    for (const ThresholdMethod& method : kThresholdMethods) {
      if (!method.source.empty()) length += kBetween.size() + method.source.size();
    }
    return length;
  }();
  std::array<char, kLength> letters;
  char* end = std::copy(kFirst.begin(), kFirst.end(), letters.data());
  for (const ThresholdMethod& method : kThresholdMethods) {
    if (method.source.empty()) continue;
    end = std::copy(kBetween.begin(), kBetween.end(), end);
    end = std::copy(method.source.begin(), method.source.end(), end);
  }
  return letters;
}();
inline constexpr std::string_view kThresholdSources(kThresholdSourceLetters.data(), kThresholdSourceLetters.size());

/// The threshold T that the method finds: v is above it if v > T. In [-1, levels - 1]; 0 where nothing was counted.
/// Throws KernelFailure where the method has no answer for these counts. Pure; any thread. Allocates nothing, but for 1
/// MiB that `minimum` takes for more than 256 levels (std::bad_alloc).
[[nodiscard]] int threshold_of(const ThresholdMethod& method, const LevelCounts& counts);

}  // namespace pixmill::kernels
