#pragma once

#include <pixmill/descriptor.hpp>

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
  Choice choice;            ///< Its name in a chain, and one line.
  std::string_view source;  ///< The paper.
  /// The threshold T in [-1, levels - 1]: v is above it if v > T. Called with at least one pixel. Throws KernelFailure
  /// where the method has no answer. Pure; allocates nothing; any thread.
  int (*find)(const LevelCounts& counts);
};

/// Each in kernels/thresholds/ in the file of its name. A new one is a file, a line here and a row below.
int otsu_threshold(const LevelCounts& counts);
int triangle_threshold(const LevelCounts& counts);
int mean_threshold(const LevelCounts& counts);

inline constexpr std::array kThresholdMethods{
    ThresholdMethod{{"otsu", "Otsu's: the largest variance between the two classes"},
                    "N. Otsu, A threshold selection method from gray-level histograms, IEEE Trans. SMC 9 (1979)",
                    &otsu_threshold},
    ThresholdMethod{{"triangle", "The level farthest from the line between the histogram's peak and its far end"},
                    "G. W. Zack et al., Automatic measurement of sister chromatid exchange frequency, J. Histochem. "
                    "Cytochem. 25 (1977)",
                    &triangle_threshold},
    ThresholdMethod{{"mean", "The mean level, rounded down"}, "", &mean_threshold},
};

/// The names and summaries of kThresholdMethods, in its order: what a parameter of that kind may be.
inline constexpr auto kThresholdChoices = [] {
  std::array<Choice, kThresholdMethods.size()> choices;
  for (std::size_t i = 0; i < choices.size(); ++i) choices[i] = kThresholdMethods[i].choice;
  return choices;
}();

/// The threshold T that the method finds: v is above it if v > T. In [-1, levels - 1]; 0 where nothing was counted.
/// Throws KernelFailure where the method has no answer for these counts. Pure; allocates nothing; any thread.
[[nodiscard]] int threshold_of(const ThresholdMethod& method, const LevelCounts& counts);

}  // namespace pixmill::kernels
