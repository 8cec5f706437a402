#include "bench/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace pixmill::bench {
namespace {

constexpr int kDraws = 4000;

Comparison judged(double ratio, const Interval& interval, double tolerance, std::size_t timings) {
  Comparison comparison{ratio, interval, timings < kLeastForInterval ? Relation::unclear : Relation::equal};
  if (timings < kLeastForInterval) return comparison;
  if (interval.low > 1 + tolerance) comparison.relation = Relation::slower;
  // The same distance the other way round, so that swapping the two swaps the answer.
  if (interval.high < 1 / (1 + tolerance)) comparison.relation = Relation::faster;
  return comparison;
}

// How likely `heads` of `tosses` of a coin are.
double half_binomial(std::size_t tosses, std::size_t heads) {
  const auto n = static_cast<double>(tosses);
  const auto k = static_cast<double>(heads);
  return std::exp(std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1) - n * std::log(2.0));
}

}  // namespace

double quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  const double place = share * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (place - static_cast<double>(below)) * (values[above] - values[below]);
}

double median(std::vector<double> values) { return quantile(std::move(values), 0.5); }

std::uint64_t Random::next() {
  std::uint64_t z = state_ += 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31U);
}

std::vector<double> Random::resample(std::span<const double> values) {
  std::vector<double> drawn(values.size());
  for (double& value : drawn) value = values[below(values.size())];
  return drawn;
}

Interval middle_95(std::vector<double> draws) { return {quantile(draws, 0.025), quantile(std::move(draws), 0.975)}; }

Interval median_interval(std::span<const double> values) {
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  const std::size_t count = sorted.size();
  if (count < kLeastForInterval) return {sorted.front(), sorted.back()};
  // How often the values but `out` at either end hold the median: of `count` tosses of a coin, that many or fewer
  // heads.
  constexpr double kWanted = 0.95;
  std::size_t out = 0;
  double held = 1 - 2 * half_binomial(count, 0);
  double next = held - 2 * half_binomial(count, 1);
  while (next >= kWanted) {
    held = next;
    ++out;
    next -= 2 * half_binomial(count, out + 1);
  }
  const double part = (held - kWanted) / (held - next);
  const auto below = static_cast<double>(out + 1);
  const auto above = static_cast<double>(count - out - 1);
  const double inwards = above * part / (below + (above - below) * part);
  return {sorted[out] + inwards * (sorted[out + 1] - sorted[out]),
          sorted[count - 1 - out] - inwards * (sorted[count - 1 - out] - sorted[count - 2 - out])};
}

std::vector<std::size_t> outliers(std::span<const double> values) {
  constexpr double kDeviations = 3.5;
  constexpr double kNormal = 1.4826;
  std::vector<std::size_t> places;
  if (values.size() < kLeastForInterval) return places;
  const double middle = median({values.begin(), values.end()});
  std::vector<double> distances;
  for (const double value : values) distances.push_back(std::abs(value - middle));
  const double limit = kDeviations * kNormal * median(distances);
  for (std::size_t i = 0; limit > 0 && i < values.size(); ++i) {
    if (distances[i] > limit) places.push_back(i);
  }
  return places;
}

double spread(std::span<const double> values) {
  if (values.empty()) return 0;
  const std::vector<double> all(values.begin(), values.end());
  return (quantile(all, 0.9) - quantile(all, 0.1)) / median(all);
}

Comparison compare_rounds(std::span<const double> base, std::span<const double> times, double tolerance) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < std::min(base.size(), times.size()); ++i) ratios.push_back(times[i] / base[i]);
  return judged(median(ratios), median_interval(ratios), tolerance, ratios.size());
}

Comparison compare_series(std::span<const double> base, std::span<const double> times, double tolerance,
                          std::uint64_t seed) {
  const double ratio = median({times.begin(), times.end()}) / median({base.begin(), base.end()});
  const std::size_t fewest = std::min(base.size(), times.size());
  if (fewest < kLeastForInterval) {
    const auto [base_low, base_high] = std::minmax_element(base.begin(), base.end());
    const auto [low, high] = std::minmax_element(times.begin(), times.end());
    return judged(ratio, {*low / *base_high, *high / *base_low}, tolerance, fewest);
  }
  Random random(seed);
  std::vector<double> ratios(kDraws);
  for (double& drawn : ratios) drawn = median(random.resample(times)) / median(random.resample(base));
  return judged(ratio, middle_95(std::move(ratios)), tolerance, fewest);
}

bool settled(std::span<const double> totals, double tolerance) {
  if (totals.size() < 2) return false;
  const double before = totals[totals.size() - 2];
  return std::abs(totals.back() - before) <= tolerance * before;
}

std::vector<std::vector<std::size_t>> shuffled_rounds(std::size_t count, std::size_t rounds, std::uint64_t seed) {
  Random random(seed);
  std::vector<std::vector<std::size_t>> orders(rounds, std::vector<std::size_t>(count));
  for (auto& order : orders) {
    std::iota(order.begin(), order.end(), std::size_t{0});
    for (std::size_t i = count; i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  }
  return orders;
}

}  // namespace pixmill::bench
