#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

/// What repeated timings tell, and how sure. All functions are pure; the same seed gives the same answer everywhere.
namespace pixmill::bench {

struct Interval {
  double low = 0;
  double high = 0;
};

/// The value at `share` (0 to 1) of the sorted values, linear between neighbours. At least one value.
[[nodiscard]] double quantile(std::vector<double> values, double share);
[[nodiscard]] double median(std::vector<double> values);

/// Random numbers that are the same with every standard library (SplitMix64).
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  [[nodiscard]] std::uint64_t next();
  /// Below `bound`, which is at least 1.
  [[nodiscard]] std::size_t below(std::size_t bound) { return static_cast<std::size_t>(next() % bound); }
  /// As many of `values`, each drawn from all of them.
  [[nodiscard]] std::vector<double> resample(std::span<const double> values);

 private:
  std::uint64_t state_;
};

/// The least number of timings of which an interval of 95 % can be told: with fewer, even their whole range holds the
/// median less often.
inline constexpr std::size_t kLeastForInterval = 6;

/// The interval of 95 % of the median; of fewer than kLeastForInterval values, their range. Between the two pairs of
/// sorted values that hold the median a little more and a little less often (Hettmansperger and Sheather, 1986): a
/// bootstrap of so few values can only choose among such pairs, and of 7 chooses one that holds it in 87 of 100 cases.
[[nodiscard]] Interval median_interval(std::span<const double> values);
/// From the values of bootstrap draws to the interval of 95 %.
[[nodiscard]] Interval middle_95(std::vector<double> draws);

/// Places of the values farther from the median than 3.5 robust standard deviations (1.4826 times the median absolute
/// deviation; Iglewicz and Hoaglin, 1993). They are to be marked, and kept. None among fewer than kLeastForInterval.
[[nodiscard]] std::vector<std::size_t> outliers(std::span<const double> values);

/// (0.9 quantile - 0.1 quantile) / median: how far apart repetitions of the same thing lie.
[[nodiscard]] double spread(std::span<const double> values);

enum class Relation {
  equal,  ///< No difference beyond the noise.
  faster,
  slower,
  unclear,  ///< Too few timings to tell.
};

/// How long something takes, over how long something else takes.
struct Comparison {
  double ratio = 1;
  Interval interval;  ///< Of 95 %.
  Relation relation = Relation::equal;
};

/// `times` over `base`, from rounds in which both ran: value i of each is of round i. The median of the ratios within a
/// round, so what slows a whole round counts for nothing. Slower or faster only if the interval lies beyond
/// `tolerance`, a share such as 0.02; else equal. Unclear with fewer than kLeastForInterval rounds.
[[nodiscard]] Comparison compare_rounds(std::span<const double> base, std::span<const double> times, double tolerance);
/// As above of timings that have nothing to do with each other: the ratio of the medians.
[[nodiscard]] Comparison compare_series(std::span<const double> base, std::span<const double> times, double tolerance,
                                        std::uint64_t seed);

/// Whether warm-up is over: the last of `totals`, one a round, is within `tolerance` of the one before.
[[nodiscard]] bool settled(std::span<const double> totals, double tolerance);

/// `rounds` orders in which 0 to `count` - 1 take turns, each shuffled (Fisher and Yates).
[[nodiscard]] std::vector<std::vector<std::size_t>> shuffled_rounds(std::size_t count, std::size_t rounds,
                                                                    std::uint64_t seed);

}  // namespace pixmill::bench
