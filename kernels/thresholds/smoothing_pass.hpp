#pragma once

#include <span>

/// One smoothing of a histogram, with the vectors of this machine, and plainly.
namespace pixmill::kernels {

/// The sum of a height and its two neighbours. Rounding a sum keeps the order of sums: heights that rise, a <= b <= c
/// <= d, have rising sums, (a + c) + b <= (b + d) + c, so rounding makes no peaks. Written so, it is also the same when
/// read backwards, which keeps mirrored ends true.
[[nodiscard]] inline double sum_of_three(double left, double middle, double right) { return (left + right) + middle; }

/// Replaces the first `count` of `count` + 2 heights by sum_of_three(heights[i], heights[i + 1], heights[i + 2]): so a
/// sum comes to stand one place before its middle, and no height is overwritten before it is read.
void add_neighbours(double* heights, int count);
/// The same, plainly.
void add_neighbours_plain(double* heights, int count);

}  // namespace pixmill::kernels
