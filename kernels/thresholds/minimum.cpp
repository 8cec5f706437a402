#include "kernels/frame.hpp"
#include "kernels/threshold_methods.hpp"
#include "kernels/thresholds/smoothing.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace pixmill::kernels {

namespace {

// scikit-image's limit: it gives up when the last of 10000 passes is needed.
constexpr int kMaxPasses = 9999;
// Beyond this many heights, and when kMaxPasses were not enough, one height may stand for several.
constexpr std::size_t kFewHeights = 256;
constexpr std::size_t kGathered = 4;

/// A histogram that is smoothed until no more than two peaks are left.
class Smoothing {
 public:
  /// Two arrays of the same size; the heights are in the first.
  Smoothing(std::span<double> heights, std::span<double> spare) : heights_(heights), spare_(spare) {}

  /// Makes passes until at most two peaks are left, and says whether so many were enough.
  bool run() {
    int made = 0;
    int wanted = 1;
    // No witness at first: the passes are made one by one.
    peaks_ = {};
    while (made < kMaxPasses) {
      wanted = std::min(wanted, kMaxPasses - made);
      const int lasted = smooth(heights_, scale(made, wanted), wanted, peaks_.witness, spare_);
      if (lasted == wanted) {
        std::swap(heights_, spare_);
        made += wanted;
        wanted = std::min(wanted * 2, kMaxPassesAtOnce);
        continue;
      }
      // Right after the pass that lost the witness, all peaks are looked for again.
      if (lasted + 1 < wanted) smooth(heights_, scale(made, lasted + 1), lasted + 1, peaks_.witness, spare_);
      std::swap(heights_, spare_);
      made += lasted + 1;
      peaks_ = find_peaks(heights_);
      if (peaks_.count < 3) return true;
      wanted = 1;
    }
    return false;
  }

  /// Lets each height stand for kGathered of before.
  void coarsen() {
    const std::size_t size = heights_.size();
    const std::size_t coarse_size = (size + kGathered - 1) / kGathered;
    for (std::size_t i = 0; i < coarse_size; ++i) {
      double sum = 0;
      for (std::size_t part = 0; part < kGathered; ++part) sum += heights_[std::min(kGathered * i + part, size - 1)];
      heights_[i] = sum;
    }
    heights_ = heights_.first(coarse_size);
    spare_ = spare_.first(coarse_size);
  }

  [[nodiscard]] std::size_t size() const { return heights_.size(); }
  [[nodiscard]] const Peaks& peaks() const { return peaks_; }
  /// The index of the first lowest height from one peak to another.
  [[nodiscard]] int lowest_between(int peak, int other) const {
    return static_cast<int>(std::min_element(heights_.begin() + peak, heights_.begin() + other + 1) - heights_.begin());
  }

 private:
  /// What keeps the sums as large as means would be, to a power of two.
  static double scale(int made, int passes) {
    const auto powers_of_two = [](int count) { return static_cast<int>(count * 1.5849625007211562); };
    return std::ldexp(1.0, powers_of_two(made) - powers_of_two(made + passes));
  }

  std::span<double> heights_;
  std::span<double> spare_;
  Peaks peaks_;
};

int minimum_between_peaks(const LevelCounts& counts, std::span<double> heights, std::span<double> spare) {
  for (int i = 0; i < static_cast<int>(heights.size()); ++i) {
    heights[static_cast<std::size_t>(i)] = static_cast<double>(counts[counts.darkest() + i]);
  }
  // What is taken for 0 must not depend on the number of images.
  const int exponent = std::ilogb(*std::max_element(heights.begin(), heights.end()));
  for (double& height : heights) height = std::ldexp(height, -exponent);
  Smoothing smoothing(heights, spare);
  int levels_each = 1;
  while (!smoothing.run()) {
    if (smoothing.size() <= kFewHeights) {
      throw KernelFailure("threshold=minimum: however much it is smoothed, the histogram keeps more than two peaks");
    }
    smoothing.coarsen();
    levels_each *= static_cast<int>(kGathered);
  }
  const Peaks& peaks = smoothing.peaks();
  const int last = static_cast<int>(smoothing.size()) - 1;
  if (peaks.count + (peaks.rises_at_end ? 1 : 0) < 2) {
    throw KernelFailure(
        "threshold=minimum: the histogram, once smooth, has one peak and so no lowest level between two");
  }
  // The last heights may stand for levels beyond the brightest, but the lowest is never the last.
  const int lowest = smoothing.lowest_between(peaks.at[0], peaks.count == 2 ? peaks.at[1] : last);
  return counts.darkest() + lowest * levels_each + (levels_each - 1) / 2;
}

}  // namespace

int minimum_threshold(const LevelCounts& counts) {
  const auto size = static_cast<std::size_t>(counts.brightest() - counts.darkest()) + 1;
  if (size <= kFewHeights) {
    std::array<double, 2 * kFewHeights> heights;
    return minimum_between_peaks(counts, std::span(heights).first(size), std::span(heights).last(size));
  }
  std::vector<double> heights(2 * size);
  return minimum_between_peaks(counts, std::span(heights).first(size), std::span(heights).last(size));
}

}  // namespace pixmill::kernels
