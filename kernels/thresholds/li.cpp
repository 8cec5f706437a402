#include "kernels/threshold_methods.hpp"
#include "kernels/thresholds/exact.hpp"

#include <cmath>

namespace pixmill::kernels {

namespace {

/// The means of the levels up to a level and of those above it. All levels are counted from the darkest.
class TwoMeans {
 public:
  explicit TwoMeans(const LevelCounts& counts) : counts_(counts) {
    for (int level = 0; level <= counts.brightest() - counts.darkest(); ++level) sum_ += level * count(level);
  }

  [[nodiscard]] double mean() const { return quotient(sum_, counts_.pixels()); }
  [[nodiscard]] double below() const { return quotient(sum_below_, pixels_below_); }
  [[nodiscard]] double above() const { return quotient(sum_ - sum_below_, counts_.pixels() - pixels_below_); }

  /// Costs the distance from the last split. Neither side may become empty.
  void split_at(int last_below) {
    for (; last_below_ < last_below; ++last_below_) {
      pixels_below_ += count(last_below_ + 1);
      sum_below_ += (last_below_ + 1) * count(last_below_ + 1);
    }
    for (; last_below_ > last_below; --last_below_) {
      pixels_below_ -= count(last_below_);
      sum_below_ -= last_below_ * count(last_below_);
    }
  }

 private:
  [[nodiscard]] std::uint64_t count(std::int64_t level) const {
    return counts_[counts_.darkest() + static_cast<int>(level)];
  }
  static double quotient(std::uint64_t sum, std::uint64_t pixels) {
    return static_cast<double>(sum) / static_cast<double>(pixels);
  }

  const LevelCounts& counts_;
  std::uint64_t sum_ = 0;
  std::int64_t last_below_ = -1;
  std::uint64_t pixels_below_ = 0;
  std::uint64_t sum_below_ = 0;
};

}  // namespace

// The next T never falls as T rises, so the steps all go one way and come to an end; each moves the split on, so that
// all of them together read the counts once.
int li_threshold(const LevelCounts& counts) {
  if (counts.darkest() == counts.brightest()) return counts.darkest();
  TwoMeans means(counts);
  double next = means.mean();
  double last = 0;
  do {
    last = next;
    means.split_at(static_cast<int>(last));
    const double below = means.below();
    const double above = means.above();
    next = below > 0 ? (above - below) / natural_log(above / below) : 0;
  } while (std::abs(next - last) > 0.5);
  return counts.darkest() + static_cast<int>(next);
}

}  // namespace pixmill::kernels
