#include "bench/page_parts.hpp"

#include "bench/report_text.hpp"
#include "bench/svg_chart.hpp"

#include <fmt/format.h>

namespace pixmill::bench {

std::string table(const Cells& head, const std::vector<Cells>& rows) {
  std::string out = "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"table\"><table>\n<tr>";
  for (const std::string& cell : head) out += "<th scope=\"col\">" + escape_markup(cell) + "</th>";
  out += "</tr>\n";
  for (const Cells& row : rows) {
    out += "<tr>";
    for (const std::string& cell : row) out += "<td>" + escape_markup(cell) + "</td>";
    out += "</tr>\n";
  }
  return out + "</table></div>\n";
}

std::string figure(const std::string& title, const std::string& chart, const std::string& caption) {
  return "<figure>\n<h3>" + escape_markup(title) + "</h3>\n" + chart + "<figcaption>" + escape_markup(caption) +
         "</figcaption>\n</figure>\n";
}

std::string optional_text(const std::optional<double>& value) { return value ? fmt::format("{:.2f}", *value) : "–"; }

std::string interval_text(const Interval& interval) {
  return fmt::format("{} – {}", duration_text(interval.low), duration_text(interval.high));
}

}  // namespace pixmill::bench
