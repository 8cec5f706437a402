#include "bench/svg_chart.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace pixmill::bench {
namespace {

constexpr double kWidth = 400;
constexpr double kRow = 24;
constexpr double kLetter = 6.8;  // about, of the widest usual font
constexpr double kValues = 336;  // where they end at the latest
constexpr double kMark = 4;

std::string opened(const std::string& title, double height) {
  return fmt::format(
      "<svg viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" aria-label=\"{}\" xmlns=\"http://www.w3.org/2000/svg\">\n",
      kWidth, height, escape_markup(title));
}

std::string text_at(double x, double y, const char* anchor, const std::string& text, const char* kind = "") {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\"{}>{}</text>\n", x, y, anchor,
                     *kind != 0 ? fmt::format(" class=\"{}\"", kind) : "", escape_markup(text));
}

std::string line_at(double x1, double y1, double x2, double y2, const std::string& kind) {
  return fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" class=\"{}\"/>\n", x1, y1, x2, y2,
                     kind);
}

/// A line with a stroke at each end, along x or y.
std::string whisker(double x1, double y1, double x2, double y2) {
  constexpr double kEnd = 3.5;
  const bool flat = y1 == y2;
  const double dx = flat ? 0 : kEnd;
  const double dy = flat ? kEnd : 0;
  return line_at(x1, y1, x2, y2, "whisker") + line_at(x1 - dx, y1 - dy, x1 + dx, y1 + dy, "whisker") +
         line_at(x2 - dx, y2 - dy, x2 + dx, y2 + dy, "whisker");
}

/// Each series has a mark of its own, so that none needs its colour to be told.
std::string mark_at(double x, double y, int series, bool hollow) {
  const std::string kind = fmt::format("mark s{}{}", std::max(series, 0), hollow ? " hollow" : "");
  switch (series % 4) {
    case 1:
      return fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{}\" height=\"{}\" class=\"{}\"/>\n", x - kMark,
                         y - kMark, 2 * kMark, 2 * kMark, kind);
    case 2:
      return fmt::format("<path d=\"M{:.1f} {:.1f}l{} {}h-{}z\" class=\"{}\"/>\n", x, y - kMark - 1, kMark + 1,
                         2 * kMark + 1, 2 * kMark + 2, kind);
    case 3:
      return fmt::format("<path d=\"M{:.1f} {:.1f}l{} {}l-{} {}l-{} -{}z\" class=\"{}\"/>\n", x, y - kMark - 1,
                         kMark + 1, kMark + 1, kMark + 1, kMark + 1, kMark + 1, kMark + 1, kind);
    default:
      return fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{}\" class=\"{}\"/>\n", x, y, kMark, kind);
  }
}

/// Where the rows of a chart begin, so that their labels fit.
template <typename Row>
double room_for_labels(const std::vector<Row>& rows) {
  std::size_t longest = 14;
  for (const Row& row : rows) longest = std::max(longest, row.label.size());
  return std::min(kWidth / 2, kLetter * static_cast<double>(longest) + 10);
}

std::string tick_text(double value) { return fmt::format("{:g}", value); }

/// From values to places on the picture.
struct Scale {
  double most = 1;
  double begin = 0;
  double end = 1;
  [[nodiscard]] double operator()(double value) const { return begin + (end - begin) * value / most; }
};

double highest(double most) { return most > 0 && std::isfinite(most) ? most : 1; }

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

/// A part of a stack: stages have the colours of the series, fainter the second time; then waiting, then idle.
std::string part_at(double x, double y, double width, double height, std::size_t part, std::size_t parts) {
  const std::string kind = part + 1 == parts   ? "idle"
                           : part + 2 == parts ? "waiting"
                                               : fmt::format("s{}{}", part % 6, part >= 6 ? " light" : "");
  return fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.2f}\" height=\"{:.1f}\" class=\"bar {}\"/>\n", x, y,
                     width, height, kind);
}

std::string stack_legend(const std::vector<std::string>& names, double& height) {
  constexpr double kLine = 18;
  std::string out;
  double x = 4;
  double y = 14;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const double width = 18 + kLetter * static_cast<double>(names[i].size());
    if (x + width > kWidth && x > 4) {
      x = 4;
      y += kLine;
    }
    out += part_at(x, y - 10, 12, 12, i, names.size()) + text_at(x + 17, y, "start", names[i]);
    x += width + 12;
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

std::string escape_markup(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::vector<double> round_ticks(double most, int count, double least_step) {
  const double rough = highest(most) / count;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {5.0, 2.0, 1.0}) {
    if (factor * power >= rough * (1 - 1e-9)) step = factor * power;
  }
  step = std::max(step, least_step);
  std::vector<double> ticks = {0};
  while (ticks.back() < highest(most) * (1 - 1e-9)) ticks.push_back(step * static_cast<double>(ticks.size()));
  return ticks;
}

std::string bar_chart(const std::string& title, const std::vector<Bar>& bars) {
  const double labels = room_for_labels(bars);
  double most = 0;
  for (const Bar& bar : bars) most = std::max({most, bar.value, bar.interval ? bar.interval->high : 0});
  const Scale x{highest(most), labels, kValues};
  const double height = kRow * static_cast<double>(bars.size()) + 4;
  std::string out = opened(title, height);
  for (std::size_t i = 0; i < bars.size(); ++i) {
    const Bar& bar = bars[i];
    const double y = kRow * static_cast<double>(i) + 2;
    const double middle = y + kRow / 2;
    out += text_at(labels - 6, middle + 4, "end", bar.label);
    out +=
        fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" rx=\"2\" class=\"bar s{}\"/>\n",
                    labels, y + 3, std::max(0.5, x(bar.value) - labels), kRow - 6, bar.series);
    if (bar.interval) out += whisker(x(bar.interval->low), middle, x(bar.interval->high), middle);
    out += text_at(kWidth, middle + 4, "end", bar.value_text, "value");
  }
  return out + "</svg>\n";
}

std::string stack_chart(const std::string& title, const std::vector<std::string>& names,
                        const std::vector<Stack>& stacks) {
  double top = 0;
  const std::string squares = stack_legend(names, top);
  const double labels = room_for_labels(stacks);
  double most = 0;
  for (const Stack& stack : stacks) most = std::max(most, std::accumulate(stack.parts.begin(), stack.parts.end(), 0.0));
  const Scale x{highest(most), labels, kValues};
  std::string out = opened(title, top + kRow * static_cast<double>(stacks.size()) + 4) + squares;
  for (std::size_t i = 0; i < stacks.size(); ++i) {
    const Stack& stack = stacks[i];
    const double y = top + kRow * static_cast<double>(i);
    out += text_at(labels - 6, y + kRow / 2 + 4, "end", stack.label);
    double from = 0;
    for (std::size_t part = 0; part < stack.parts.size(); ++part) {
      const double to = from + stack.parts[part];
      if (x(to) - x(from) >= 0.05) out += part_at(x(from), y + 3, x(to) - x(from), kRow - 6, part, names.size());
      from = to;
    }
    out += text_at(kWidth, y + kRow / 2 + 4, "end", stack.value_text, "value");
  }
  return out + "</svg>\n";
}

std::string strip_chart(const std::string& title, const std::vector<Strip>& strips) {
  const double labels = room_for_labels(strips);
  double most = 0;
  for (const Strip& strip : strips) {
    for (const double value : strip.values) most = std::max(most, value);
  }
  const Scale x{highest(most), labels, kValues - 6};
  std::string out = opened(title, kRow * static_cast<double>(strips.size()) + 4);
  out += line_at(labels, 0, labels, kRow * static_cast<double>(strips.size()) + 4, "axis");
  for (std::size_t i = 0; i < strips.size(); ++i) {
    const Strip& strip = strips[i];
    const double middle = kRow * static_cast<double>(i) + 2 + kRow / 2;
    out += text_at(labels - 6, middle + 4, "end", strip.label);
    out += line_at(labels, middle, kValues, middle, "grid");
    for (std::size_t k = 0; k < strip.values.size(); ++k) {
      const bool hollow = std::find(strip.hollow.begin(), strip.hollow.end(), k) != strip.hollow.end();
      out += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\" class=\"dot s{}{}\"/>\n", x(strip.values[k]),
                         middle, strip.series, hollow ? " hollow" : "");
    }
    out += line_at(x(strip.middle), middle - 8, x(strip.middle), middle + 8, "whisker");
    out += text_at(kWidth, middle + 4, "end", strip.value_text, "value");
  }
  return out + "</svg>\n";
}

std::string distribution_chart(const std::string& title, const std::vector<Distribution>& rows,
                               const std::vector<std::pair<double, std::string>>& ticks) {
  constexpr double kHigh = 34;
  const double begin = room_for_labels(rows);
  const std::size_t places = rows.empty() ? 1 : std::max<std::size_t>(1, rows.front().shares.size());
  const Scale x{static_cast<double>(places), begin, kValues};
  const double bottom = kHigh * static_cast<double>(rows.size()) + 4;
  std::string out = opened(title, bottom + 22);
  for (const auto& [place, text] : ticks) {
    out += line_at(x(place), 0, x(place), bottom + 4, "grid") + text_at(x(place), bottom + 17, "middle", text);
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Distribution& row = rows[i];
    const double base = kHigh * static_cast<double>(i + 1);
    const double most = highest(row.shares.empty() ? 0 : *std::max_element(row.shares.begin(), row.shares.end()));
    out += line_at(begin, base, kValues, base, "axis");
    out += text_at(begin - 6, base - 4, "end", row.label);
    out += text_at(kWidth, base - 4, "end", row.value_text, "value");
    for (std::size_t place = 0; place < row.shares.size(); ++place) {
      if (row.shares[place] <= 0) continue;
      const double tall = std::max(1.0, (kHigh - 6) * row.shares[place] / most);
      out += fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" class=\"bar s{}\"/>\n",
                         x(static_cast<double>(place)), base - tall, x(1) - x(0), tall, row.series);
    }
  }
  return out + "</svg>\n";
}

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
