#pragma once

#include "bench/statistics.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

/// Charts as inline SVG. Colours are classes (`s0` to `s5` for series, `axis`, `grid`, `faint`), for the page's style
/// to set; sizes are chosen so that a chart is readable on a telephone and beside another one on a desk. All texts are
/// escaped here.
namespace pixmill::bench {

/// For HTML and SVG, in text and in attributes.
[[nodiscard]] std::string escape_markup(const std::string& text);

/// A horizontal bar.
struct Bar {
  std::string label;
  std::string value_text;
  double value = 0;
  std::optional<Interval> interval;  ///< Drawn over its end.
  int series = 0;
};
/// Bars from 0 on, below each other.
[[nodiscard]] std::string bar_chart(const std::string& title, const std::vector<Bar>& bars);

/// All values of one thing, in a row.
struct Strip {
  std::string label;
  std::vector<double> values;
  std::vector<std::size_t> hollow;  ///< Places of those to be marked.
  double middle = 0;                ///< Drawn as a line across.
  std::string value_text;
  int series = 0;
};
[[nodiscard]] std::string strip_chart(const std::string& title, const std::vector<Strip>& strips);

/// A time over another one's.
struct Ratio {
  std::string label;
  std::string value_text;
  double ratio = 1;
  Interval interval;
  int series = 0;
};
/// A mark and its interval in each row, and a line at 1. `x_name` as in "times as long".
[[nodiscard]] std::string ratio_chart(const std::string& title, const std::string& x_name,
                                      const std::vector<Ratio>& ratios);

/// What a row is made of, one after the other.
struct Stack {
  std::string label;
  std::string value_text;
  std::vector<double> parts;  ///< Of each name; none below 0.
};
/// Rows from 0 on, all to one scale, a legend above. The last two names are of what is no work: waiting, idle.
[[nodiscard]] std::string stack_chart(const std::string& title, const std::vector<std::string>& names,
                                      const std::vector<Stack>& stacks);

struct CurvePoint {
  double x = 0;
  double y = 0;
  std::optional<Interval> interval;
  bool hollow = false;
};
struct Curve {
  std::string label;
  std::vector<CurvePoint> points;
  bool measured = true;  ///< Marks at the points; else a dashed line alone.
  int series = 0;        ///< Below 0: faint.
};
/// Curves over one axis from 0 on each, a legend above. Names of the axes as in "workers". The axes are as long as the
/// measured curves need; the others end where they leave them. `x` is counted: its ticks are whole.
[[nodiscard]] std::string curve_chart(const std::string& title, const std::string& x_name, const std::string& y_name,
                                      const std::vector<Curve>& curves);

/// A distribution over an axis of powers, as columns.
struct Distribution {
  std::string label;
  std::string value_text;
  std::vector<double> shares;  ///< Of each place of the axis; all of one length.
  int series = 0;
};
/// One below the other, each scaled to its own highest column. `ticks`: places of the axis, and what stands there.
[[nodiscard]] std::string distribution_chart(const std::string& title, const std::vector<Distribution>& rows,
                                             const std::vector<std::pair<double, std::string>>& ticks);

/// Round values from 0 to at least `most`, at most `count` + 1 of them: steps of 1, 2 or 5 times a power of ten, none
/// below `least_step`.
[[nodiscard]] std::vector<double> round_ticks(double most, int count, double least_step = 0);

}  // namespace pixmill::bench
