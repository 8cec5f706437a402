#include "bench/svg_parts.hpp"

#include "bench/svg_chart.hpp"

#include <fmt/format.h>

#include <cmath>

namespace pixmill::bench {
namespace {

constexpr double kMark = 4;

}  // namespace

std::string opened(const std::string& title, double height) {
  return fmt::format(
      "<svg viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" aria-label=\"{}\" xmlns=\"http://www.w3.org/2000/svg\">\n",
      kWidth, height, escape_markup(title));
}

std::string text_at(double x, double y, const char* anchor, const std::string& text, const char* kind) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\"{}>{}</text>\n", x, y, anchor,
                     *kind != 0 ? fmt::format(" class=\"{}\"", kind) : "", escape_markup(text));
}

std::string line_at(double x1, double y1, double x2, double y2, const std::string& kind) {
  return fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" class=\"{}\"/>\n", x1, y1, x2, y2,
                     kind);
}

std::string whisker(double x1, double y1, double x2, double y2) {
  constexpr double kEnd = 3.5;
  const bool flat = y1 == y2;
  const double dx = flat ? 0 : kEnd;
  const double dy = flat ? kEnd : 0;
  return line_at(x1, y1, x2, y2, "whisker") + line_at(x1 - dx, y1 - dy, x1 + dx, y1 + dy, "whisker") +
         line_at(x2 - dx, y2 - dy, x2 + dx, y2 + dy, "whisker");
}

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

std::string tick_text(double value) { return fmt::format("{:g}", value); }

double highest(double most) { return most > 0 && std::isfinite(most) ? most : 1; }

std::size_t letters_in(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

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

}  // namespace pixmill::bench
