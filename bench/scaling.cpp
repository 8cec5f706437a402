#include "bench/scaling.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace pixmill::bench {
namespace {

constexpr int kDraws = 1000;
constexpr std::size_t kMostTerms = 3;

using Coefficients = std::array<double, kMostTerms>;

/// One equation: the sum of coefficient times term should be 1, for times are measured relatively.
using Equation = std::array<double, kMostTerms>;

/// The normal equations of the terms in `chosen` (a bit each), by Gaussian elimination. Nothing if they do not
/// determine the coefficients.
std::optional<Coefficients> solve(const std::vector<Equation>& equations, unsigned chosen) {
  std::array<std::array<double, kMostTerms + 1>, kMostTerms> rows{};
  for (std::size_t i = 0; i < kMostTerms; ++i) {
    const bool used = (chosen >> i & 1U) != 0;
    if (!used) rows[i][i] = 1;
    for (const Equation& equation : equations) {
      if (!used) break;
      for (std::size_t k = 0; k < kMostTerms; ++k) {
        if ((chosen >> k & 1U) != 0) rows[i][k] += equation[i] * equation[k];
      }
      rows[i][kMostTerms] += equation[i];
    }
  }
  for (std::size_t i = 0; i < kMostTerms; ++i) {
    const double diagonal = rows[i][i];
    std::size_t pivot = i;
    for (std::size_t k = i + 1; k < kMostTerms; ++k) {
      if (std::abs(rows[k][i]) > std::abs(rows[pivot][i])) pivot = k;
    }
    std::swap(rows[i], rows[pivot]);
    if (std::abs(rows[i][i]) <= 1e-12 * std::abs(diagonal) || rows[i][i] == 0) return std::nullopt;
    for (std::size_t k = 0; k < kMostTerms; ++k) {
      if (k == i) continue;
      const double factor = rows[k][i] / rows[i][i];
      for (std::size_t column = i; column <= kMostTerms; ++column) rows[k][column] -= factor * rows[i][column];
    }
  }
  Coefficients solution{};
  for (std::size_t i = 0; i < kMostTerms; ++i) solution[i] = rows[i][kMostTerms] / rows[i][i];
  return solution;
}

double squared_error(const std::vector<Equation>& equations, const Coefficients& coefficients) {
  double sum = 0;
  for (const Equation& equation : equations) {
    double value = -1;
    for (std::size_t i = 0; i < kMostTerms; ++i) value += coefficients[i] * equation[i];
    sum += value * value;
  }
  return sum;
}

/// The best coefficients of which none is below 0: of three terms every subset can be tried.
Coefficients fit_positive(const std::vector<Equation>& equations) {
  Coefficients best{};
  double best_error = squared_error(equations, best);
  for (unsigned chosen = 1; chosen < (1U << kMostTerms); ++chosen) {
    const auto solution = solve(equations, chosen);
    if (!solution || *std::min_element(solution->begin(), solution->end()) < 0) continue;
    const double error = squared_error(equations, *solution);
    if (error >= best_error) continue;
    best = *solution;
    best_error = error;
  }
  return best;
}

std::vector<double> medians(const std::vector<ScalingPoint>& points) {
  std::vector<double> times;
  times.reserve(points.size());
  for (const ScalingPoint& point : points) times.push_back(median(point.seconds));
  return times;
}

std::vector<double> drawn_medians(const std::vector<ScalingPoint>& points, Random& random) {
  std::vector<double> times;
  times.reserve(points.size());
  for (const ScalingPoint& point : points) times.push_back(median(random.resample(point.seconds)));
  return times;
}

AmdahlFit amdahl_through(const std::vector<ScalingPoint>& points, const std::vector<double>& times) {
  std::vector<Equation> equations;
  for (std::size_t i = 0; i < points.size(); ++i) {
    equations.push_back({1 / times[i], 1 / (times[i] * points[i].jobs), 0});
  }
  const Coefficients terms = fit_positive(equations);
  AmdahlFit fit;
  fit.seconds = terms[0] + terms[1];
  fit.serial_share = terms[0] / fit.seconds;
  return fit;
}

UslFit usl_through(const std::vector<ScalingPoint>& points, const std::vector<double>& times) {
  std::vector<Equation> equations;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const double jobs = points[i].jobs;
    const double work = times[i] * jobs;
    equations.push_back({1 / work, (jobs - 1) / work, jobs * (jobs - 1) / work});
  }
  const Coefficients terms = fit_positive(equations);
  UslFit fit;
  fit.seconds = terms[0];
  fit.contention = terms[1] / fit.seconds;
  fit.coherence = terms[2] / fit.seconds;
  return fit;
}

template <typename Fit, typename Through>
std::vector<Fit> drawn_fits(const std::vector<ScalingPoint>& points, std::uint64_t seed, Through through) {
  Random random(seed);
  std::vector<Fit> fits;
  for (int i = 0; i < kDraws; ++i) {
    Fit fit = through(points, drawn_medians(points, random));
    if (fit.seconds > 0) fits.push_back(std::move(fit));
  }
  return fits;
}

template <typename Fit, typename Value>
Interval interval_of(const std::vector<Fit>& fits, Value value) {
  std::vector<double> values;
  values.reserve(fits.size());
  for (const Fit& fit : fits) values.push_back(value(fit));
  return middle_95(std::move(values));
}

template <typename Fit>
void predict(Fit& fit, const std::vector<Fit>& fits, const std::vector<int>& jobs) {
  for (const int n : jobs) {
    const auto speedup = [n](const Fit& of) { return of.seconds / of.seconds_at(n); };
    fit.predictions.push_back({n, speedup(fit), interval_of(fits, speedup)});
  }
}

}  // namespace

std::optional<double> karp_flatt(double speedup, int jobs) {
  if (jobs < 2 || speedup <= 0) return std::nullopt;
  const double share = 1.0 / jobs;
  return (1 / speedup - share) / (1 - share);
}

std::optional<AmdahlFit> fit_amdahl(const std::vector<ScalingPoint>& points, const std::vector<int>& predicted,
                                    std::uint64_t seed) {
  if (points.size() < kLeastForAmdahl) return std::nullopt;
  AmdahlFit fit = amdahl_through(points, medians(points));
  const auto fits = drawn_fits<AmdahlFit>(points, seed, amdahl_through);
  if (!(fit.seconds > 0) || fits.empty()) return std::nullopt;
  fit.serial_interval = interval_of(fits, [](const AmdahlFit& of) { return of.serial_share; });
  predict(fit, fits, predicted);
  return fit;
}

std::optional<UslFit> fit_usl(const std::vector<ScalingPoint>& points, const std::vector<int>& predicted,
                              std::uint64_t seed) {
  if (points.size() < kLeastForUsl) return std::nullopt;
  UslFit fit = usl_through(points, medians(points));
  const auto fits = drawn_fits<UslFit>(points, seed, usl_through);
  if (!(fit.seconds > 0) || fits.empty()) return std::nullopt;
  fit.contention_interval = interval_of(fits, [](const UslFit& of) { return of.contention; });
  fit.coherence_interval = interval_of(fits, [](const UslFit& of) { return of.coherence; });
  predict(fit, fits, predicted);
  return fit;
}

}  // namespace pixmill::bench
