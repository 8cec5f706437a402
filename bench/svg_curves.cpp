#include "bench/svg_chart.hpp"
#include "bench/svg_parts.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace pixmill::bench {
namespace {

std::string legend(const std::vector<Curve>& curves, double& height) {
  constexpr double kLine = 18;
  std::string out;
  double x = 4;
  double y = 14;
  for (const Curve& curve : curves) {
    const double width = 30 + kLetter * static_cast<double>(curve.label.size());
    if (x + width > kWidth && x > 4) {
      x = 4;
      y += kLine;
    }
    const std::string kind = curve.series < 0 ? "faint" : fmt::format("s{}", curve.series);
    out += line_at(x, y - 4, x + 18, y - 4, fmt::format("curve {}{}", kind, curve.measured ? "" : " dashed"));
    if (curve.measured) out += mark_at(x + 9, y - 4, curve.series, false);
    out += text_at(x + 23, y, "start", curve.label);
    x += width + 8;
  }
  height = y + 10;
  return out;
}

/// Where the line from `a`, inside, to `b`, outside, leaves.
CurvePoint edge_between(const CurvePoint& a, const CurvePoint& b, double most_x, double most_y) {
  double share = 1;
  if (b.x > most_x) share = std::min(share, (most_x - a.x) / (b.x - a.x));
  if (b.y > most_y) share = std::min(share, (most_y - a.y) / (b.y - a.y));
  return {a.x + share * (b.x - a.x), a.y + share * (b.y - a.y), {}, false};
}

std::string drawn(const Curve& curve, const Scale& x, const Scale& y) {
  // Beside each other, or the marks of curves that are alike would hide each other.
  const double aside = curve.measured ? (curve.series - 1) * 4.0 : 0;
  const std::string kind = curve.series < 0 ? "faint" : fmt::format("s{}", curve.series);
  std::string places;
  std::string marks;
  const CurvePoint* before = nullptr;
  for (const CurvePoint& point : curve.points) {
    const bool outside = point.x > x.most || point.y > y.most;
    if (outside && before == nullptr) continue;
    const CurvePoint shown = outside ? edge_between(*before, point, x.most, y.most) : point;
    const double at = x(shown.x) + aside;
    places += fmt::format("{}{:.1f} {:.1f}", places.empty() ? "M" : "L", at, y(shown.y));
    if (outside) break;
    before = &point;
    if (!curve.measured) continue;
    if (point.interval) marks += whisker(at, y(point.interval->low), at, y(point.interval->high));
    marks += mark_at(at, y(point.y), curve.series, point.hollow);
  }
  return fmt::format("<path d=\"{}\" class=\"curve {}{}\"/>\n", places, kind, curve.measured ? "" : " dashed") + marks;
}

}  // namespace

std::string curve_chart(const std::string& title, const std::string& x_name, const std::string& y_name,
                        const std::vector<Curve>& curves) {
  constexpr double kPlot = 220;
  constexpr double kLeft = 44;
  double most_x = 0;
  double most_y = 0;
  for (const Curve& curve : curves) {
    for (const CurvePoint& point : curve.points) {
      if (!curve.measured) continue;
      most_x = std::max(most_x, point.x);
      most_y = std::max({most_y, point.y, point.interval ? point.interval->high : 0});
    }
  }
  const auto x_ticks = round_ticks(most_x, 8, 1);
  const auto y_ticks = round_ticks(most_y, 5);
  double top = 0;
  const std::string names = legend(curves, top);
  top += 18;  // the name of the axis
  const double bottom = top + kPlot;
  const Scale x{x_ticks.back(), kLeft, kWidth - 10};
  const Scale y{y_ticks.back(), bottom, top};
  std::string out = opened(title, bottom + 40) + names;
  out += text_at(4, top - 8, "start", y_name, "name");
  out += text_at(kWidth - 10, bottom + 34, "end", x_name, "name");
  for (const double tick : y_ticks) {
    out += line_at(kLeft, y(tick), kWidth - 10, y(tick), tick == 0 ? "axis" : "grid");
    out += text_at(kLeft - 6, y(tick) + 4, "end", tick_text(tick));
  }
  for (const double tick : x_ticks) {
    out += line_at(x(tick), bottom, x(tick), bottom + 4, "axis");
    out += text_at(x(tick), bottom + 17, "middle", tick_text(tick));
  }
  for (const Curve& curve : curves) out += drawn(curve, x, y);
  return out + "</svg>\n";
}

}  // namespace pixmill::bench
