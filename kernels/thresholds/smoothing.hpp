#pragma once

#include <array>
#include <cstddef>
#include <span>

/// Smoothing a histogram over and over, and knowing its peaks on the way.
namespace pixmill::kernels {

/// So many passes may be made at once.
inline constexpr int kMaxPassesAtOnce = 16;

/// Indices of heights that go down, up, down, up and down: while they do, there are at least three peaks, and nobody
/// need look at the other heights.
using ThreePeaks = std::array<int, 6>;

/// The peaks of a histogram. One is where heights fall again after they rose; what comes before the first is lower.
struct Peaks {
  int count = 0;
  std::array<int, 2> at = {};  ///< The first two: each the last index of its top.
  bool rises_at_end = false;   ///< Whether the last height is the top of another, which is not counted.
  ThreePeaks witness = {};     ///< The three neighbours that stand out most, where `count` is at least 3.
};

/// Costs a few operations a height.
[[nodiscard]] Peaks find_peaks(std::span<const double> heights);

/// Replaces each height by the sum of itself and its two neighbours, `passes` times (at most kMaxPassesAtOnce); the
/// ends have their own height as a neighbour. Sums are rounded, but never so that what was no peak becomes one.
///
/// `scale`, a power of two, multiplies `from`; what is then below 1e-250 is taken for 0, so that tails do not reach
/// numbers that processors are slow with. `to` has the size of `from` and does not overlap it. Returns the number of
/// passes before the first after which the witness is lost, and `passes` if it lasts.
int smooth(std::span<const double> from, double scale, int passes, const ThreePeaks& witness, std::span<double> to);

}  // namespace pixmill::kernels
