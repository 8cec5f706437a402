#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <optional>
#include <vector>

/// The threshold methods written down from their definitions, without a thought to speed: what
/// kernels/threshold_methods.hpp is tested against.
namespace pixmill::kernels::testing {

using Counts = std::vector<std::uint64_t>;
using Real = long double;

/// The pixels of the levels [begin, end), and their mean.
inline Real pixels_in(const Counts& counts, std::size_t begin, std::size_t end) {
  Real pixels = 0;
  for (std::size_t level = begin; level < end; ++level) pixels += static_cast<Real>(counts[level]);
  return pixels;
}
inline Real mean_in(const Counts& counts, std::size_t begin, std::size_t end) {
  Real sum = 0;
  for (std::size_t level = begin; level < end; ++level) {
    sum += static_cast<Real>(level) * static_cast<Real>(counts[level]);
  }
  return sum / pixels_in(counts, begin, end);
}

inline std::size_t darkest_of(const Counts& counts) {
  return static_cast<std::size_t>(std::find_if(counts.begin(), counts.end(), [](auto c) { return c > 0; }) -
                                  counts.begin());
}
inline std::size_t brightest_of(const Counts& counts) {
  return static_cast<std::size_t>(counts.rend() -
                                  std::find_if(counts.rbegin(), counts.rend(), [](auto c) { return c > 0; })) -
         1;
}

/// What each level is worth as a threshold to a method that takes the best one: the levels from the darkest to the last
/// that has one above it.
struct Worth {
  std::size_t first = 0;
  std::vector<Real> of;
};

/// Sums of `term` up to each level, and above each level, added up from the far ends.
struct Sums {
  std::vector<Real> below;
  std::vector<Real> above;
  template <typename Term>
  Sums(const Counts& counts, Term term) : below(counts.size()), above(counts.size()) {
    Real sum = 0;
    for (std::size_t level = 0; level < counts.size(); ++level) below[level] = sum += term(level);
    sum = 0;
    for (std::size_t level = counts.size(); level-- > 0; sum += term(level)) above[level] = sum;
  }
};

template <typename Formula>
Worth worth_of_each(const Counts& counts, Formula formula) {
  Worth worth{darkest_of(counts), {}};
  for (std::size_t level = worth.first; level < brightest_of(counts); ++level) worth.of.push_back(formula(level));
  return worth;
}

/// The variance between the classes: w1 w2 (m1 - m2)^2.
inline Worth otsu_worth(const Counts& counts) {
  const Sums pixels(counts, [&](std::size_t level) { return static_cast<Real>(counts[level]); });
  const Sums sums(counts,
                  [&](std::size_t level) { return static_cast<Real>(level) * static_cast<Real>(counts[level]); });
  const Real all = pixels.below.back();
  return worth_of_each(counts, [&, all](std::size_t level) {
    const Real step = sums.below[level] / pixels.below[level] - sums.above[level] / pixels.above[level];
    return pixels.below[level] / all * (pixels.above[level] / all) * step * step;
  });
}

/// -ln(sum of p^2 below * sum of p^2 above) + 2 ln(P (1 - P)).
inline Worth yen_worth(const Counts& counts) {
  const Real all = pixels_in(counts, 0, counts.size());
  const auto share = [&, all](std::size_t level) { return static_cast<Real>(counts[level]) / all; };
  const Sums shares(counts, share);
  const Sums squares(counts, [&](std::size_t level) { return share(level) * share(level); });
  return worth_of_each(counts, [&](std::size_t level) {
    return -std::log(squares.below[level] * squares.above[level]) +
           2 * std::log(shares.below[level] * shares.above[level]);
  });
}

/// The entropies of the two classes: with H the sum of -p ln p, ln(P (1 - P)) + H below / P + H above / (1 - P).
inline Worth kapur_worth(const Counts& counts) {
  const Real all = pixels_in(counts, 0, counts.size());
  const auto share = [&, all](std::size_t level) { return static_cast<Real>(counts[level]) / all; };
  const Sums shares(counts, share);
  const Sums entropies(
      counts, [&](std::size_t level) { return counts[level] == 0 ? Real{0} : -share(level) * std::log(share(level)); });
  return worth_of_each(counts, [&](std::size_t level) {
    return std::log(shares.below[level] * shares.above[level]) + entropies.below[level] / shares.below[level] +
           entropies.above[level] / shares.above[level];
  });
}

/// The middle one of all pixels in order; of an even number, the lower middle.
inline int plain_median(const Counts& counts) {
  const std::uint64_t all = std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
  std::size_t level = 0;
  for (std::uint64_t seen = counts[0]; seen < (all + 1) / 2; seen += counts[level]) ++level;
  return static_cast<int>(level);
}

/// Ridler and Calvard's steps from the darkest level: to the midpoint of the means, again and again. As the midpoint
/// never falls when T rises, they end at the lowest fixed point.
inline int plain_isodata(const Counts& counts) {
  __extension__ using Wide = unsigned __int128;
  std::size_t threshold = darkest_of(counts);
  while (threshold < brightest_of(counts)) {
    Wide pixels[2] = {};
    Wide sums[2] = {};
    for (std::size_t level = 0; level < counts.size(); ++level) {
      pixels[level > threshold] += counts[level];
      sums[level > threshold] += Wide{level} * counts[level];
    }
    const auto next =
        static_cast<std::size_t>((sums[0] * pixels[1] + sums[1] * pixels[0]) / (2 * pixels[0] * pixels[1]));
    if (next == threshold) break;
    threshold = next;
  }
  return static_cast<int>(threshold);
}

/// Li and Tam's steps from the mean, on levels counted from the darkest, until one is no longer than half a level.
inline int plain_li(const Counts& counts) {
  const std::size_t darkest = darkest_of(counts);
  const std::size_t end = brightest_of(counts) + 1;
  if (darkest + 1 == end) return static_cast<int>(darkest);
  Real next = mean_in(counts, darkest, end) - static_cast<Real>(darkest);
  Real last = 0;
  do {
    last = next;
    const std::size_t split = darkest + static_cast<std::size_t>(last) + 1;
    const Real below = mean_in(counts, darkest, split) - static_cast<Real>(darkest);
    const Real above = mean_in(counts, split, end) - static_cast<Real>(darkest);
    next = below == 0 ? Real{0} : (below - above) / (std::log(below) - std::log(above));
  } while (std::abs(next - last) > Real{0.5});
  return static_cast<int>(darkest) + static_cast<int>(next);
}

/// Indices where heights fall after they rose (or stand at the beginning): the last of each top.
inline std::vector<std::size_t> plain_peaks(const std::vector<double>& heights) {
  std::vector<std::size_t> peaks;
  bool rising = true;
  for (std::size_t i = 0; i + 1 < heights.size(); ++i) {
    if (rising && heights[i + 1] < heights[i]) peaks.push_back(i);
    if (heights[i + 1] != heights[i]) rising = heights[i + 1] > heights[i];
  }
  return peaks;
}

inline void plain_smooth(std::vector<double>& heights) {
  const std::vector<double> old = heights;
  const std::size_t last = heights.size() - 1;
  for (std::size_t i = 0; i <= last; ++i) heights[i] = (old[i > 0 ? i - 1 : 0] + old[std::min(i + 1, last)]) + old[i];
  int exponent = 0;
  std::frexp(*std::max_element(heights.begin(), heights.end()), &exponent);
  for (double& height : heights) height = std::ldexp(height, -exponent);
}

/// scikit-image's steps, with what pixmill adds: an end that rises is a peak where there is one other; and where 9999
/// means are not enough, more than 256 heights are gathered in fours. Nothing where it gives up.
inline std::optional<int> plain_minimum(const Counts& counts) {
  const std::size_t darkest = darkest_of(counts);
  std::vector<double> heights(counts.begin() + static_cast<std::ptrdiff_t>(darkest),
                              counts.begin() + static_cast<std::ptrdiff_t>(brightest_of(counts)) + 1);
  for (int each = 1;; each *= 4) {
    std::vector<std::size_t> peaks;
    for (int passes = 0; passes < 9999 && (passes == 0 || peaks.size() > 2); ++passes) {
      plain_smooth(heights);
      peaks = plain_peaks(heights);
    }
    if (peaks.size() == 1) {
      const auto lowest = std::min_element(heights.begin() + static_cast<std::ptrdiff_t>(peaks[0]), heights.end());
      if (*lowest < heights.back()) peaks.push_back(heights.size() - 1);
    }
    if (peaks.size() == 2) {
      const auto lowest = std::min_element(heights.begin() + static_cast<std::ptrdiff_t>(peaks[0]),
                                           heights.begin() + static_cast<std::ptrdiff_t>(peaks[1]) + 1);
      return static_cast<int>(darkest) + static_cast<int>(lowest - heights.begin()) * each + (each - 1) / 2;
    }
    if (peaks.size() < 2 || heights.size() <= 256) return std::nullopt;
    std::vector<double> gathered;
    for (std::size_t i = 0; i < heights.size(); i += 4) {
      const auto part = [&](std::size_t index) { return heights[std::min(index, heights.size() - 1)]; };
      gathered.push_back(((part(i) + part(i + 1)) + part(i + 2)) + part(i + 3));
    }
    heights = gathered;
  }
}

}  // namespace pixmill::kernels::testing
