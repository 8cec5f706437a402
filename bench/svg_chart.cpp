#include "bench/svg_chart.hpp"

#include "bench/svg_parts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace pixmill::bench {
namespace {

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

}  // namespace

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
  const Scale x{highest(most), labels, end_before_values(bars)};
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
  const Scale x{highest(most), labels, end_before_values(stacks)};
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
  const double end = end_before_values(strips);
  const Scale x{highest(most), labels, end - 6};
  std::string out = opened(title, kRow * static_cast<double>(strips.size()) + 4);
  out += line_at(labels, 0, labels, kRow * static_cast<double>(strips.size()) + 4, "axis");
  for (std::size_t i = 0; i < strips.size(); ++i) {
    const Strip& strip = strips[i];
    const double middle = kRow * static_cast<double>(i) + 2 + kRow / 2;
    out += text_at(labels - 6, middle + 4, "end", strip.label);
    out += line_at(labels, middle, end, middle, "grid");
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

std::string ratio_chart(const std::string& title, const std::string& x_name, const std::vector<Ratio>& ratios) {
  constexpr double kAxis = 44;
  double least = 1;
  double most = 1;
  for (const Ratio& one : ratios) {
    least = std::min({least, one.ratio, one.interval.low});
    most = std::max({most, one.ratio, one.interval.high});
  }
  const double margin = std::max(0.01, (most - least) / 20);
  const double begin = room_for_labels(ratios);
  const double end = end_before_values(ratios);
  const Scale x{most + margin, begin, end, least - margin};
  const double bottom = kRow * static_cast<double>(ratios.size()) + 4;
  std::string out = opened(title, bottom + kAxis);
  out += line_at(begin, bottom, end, bottom, "grid");
  const double step = round_ticks(x.most - x.least, 4).at(1);
  for (int i = static_cast<int>(std::ceil(x.least / step)); i * step <= x.most; ++i) {
    const double tick = i * step;
    out += line_at(x(tick), bottom, x(tick), bottom + 4, "axis");
    out += text_at(x(tick), bottom + 17, "middle", tick_text(std::round(tick * 1e6) / 1e6));
  }
  out += line_at(x(1), 0, x(1), bottom, "axis");
  out += text_at(end, bottom + 36, "end", x_name, "name");
  for (std::size_t i = 0; i < ratios.size(); ++i) {
    const Ratio& one = ratios[i];
    const double middle = kRow * static_cast<double>(i) + 2 + kRow / 2;
    out += text_at(begin - 6, middle + 4, "end", one.label);
    out += whisker(x(one.interval.low), middle, x(one.interval.high), middle);
    out += mark_at(x(one.ratio), middle, one.series, false);
    out += text_at(kWidth, middle + 4, "end", one.value_text, "value");
  }
  return out + "</svg>\n";
}

std::string distribution_chart(const std::string& title, const std::vector<Distribution>& rows,
                               const std::vector<std::pair<double, std::string>>& ticks) {
  constexpr double kHigh = 34;
  const double begin = room_for_labels(rows);
  const std::size_t places = rows.empty() ? 1 : std::max<std::size_t>(1, rows.front().shares.size());
  const double end = end_before_values(rows);
  const Scale x{static_cast<double>(places), begin, end};
  const double bottom = kHigh * static_cast<double>(rows.size()) + 4;
  std::string out = opened(title, bottom + 22);
  for (const auto& [place, text] : ticks) {
    out += line_at(x(place), 0, x(place), bottom + 4, "grid") + text_at(x(place), bottom + 17, "middle", text);
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Distribution& row = rows[i];
    const double base = kHigh * static_cast<double>(i + 1);
    const double most = highest(row.shares.empty() ? 0 : *std::max_element(row.shares.begin(), row.shares.end()));
    out += line_at(begin, base, end, base, "axis");
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

}  // namespace pixmill::bench
