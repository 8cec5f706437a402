#pragma once

#include "bench/statistics.hpp"

#include <optional>
#include <vector>

/// How time depends on the number of workers.
namespace pixmill::bench {

/// The timings with so many workers.
struct ScalingPoint {
  int jobs = 1;
  std::vector<double> seconds;
};

/// The share of the work that was done as if by one worker, by the measured speed-up (Karp and Flatt, 1990):
/// (1/S - 1/n) / (1 - 1/n). Nothing for one worker.
[[nodiscard]] std::optional<double> karp_flatt(double speedup, int jobs);

/// What a fit says of more workers than were measured. A guess: nothing of that machine is known.
struct Prediction {
  int jobs = 1;
  double speedup = 1;
  Interval interval;
};

/// T(n) = T(1) (s + (1 - s) / n) (Amdahl, 1967).
struct AmdahlFit {
  double seconds = 0;       ///< T(1).
  double serial_share = 0;  ///< s, 0 to 1.
  Interval serial_interval;
  [[nodiscard]] double seconds_at(double jobs) const { return seconds * (serial_share + (1 - serial_share) / jobs); }
  std::vector<Prediction> predictions;
};

/// T(n) = T(1) (1 + a (n - 1) + b n (n - 1)) / n: the universal scalability law (Gunther, 1993).
struct UslFit {
  double seconds = 0;     ///< T(1).
  double contention = 0;  ///< a, at least 0.
  double coherence = 0;   ///< b, at least 0.
  Interval contention_interval;
  Interval coherence_interval;
  [[nodiscard]] double seconds_at(double jobs) const {
    return seconds * (1 + contention * (jobs - 1) + coherence * jobs * (jobs - 1)) / jobs;
  }
  std::vector<Prediction> predictions;
};

/// Fewer numbers of workers than these are fitted by anything.
inline constexpr std::size_t kLeastForAmdahl = 3;
inline constexpr std::size_t kLeastForUsl = 4;

/// Least squares of the relative errors of the medians, no coefficient below 0; intervals of 95 % by drawing timings
/// anew. Nothing for fewer points than that takes. Points should not be oversubscribed.
[[nodiscard]] std::optional<AmdahlFit> fit_amdahl(const std::vector<ScalingPoint>& points,
                                                  const std::vector<int>& predicted, std::uint64_t seed);
[[nodiscard]] std::optional<UslFit> fit_usl(const std::vector<ScalingPoint>& points, const std::vector<int>& predicted,
                                            std::uint64_t seed);

}  // namespace pixmill::bench
