#include "bench/page_parts.hpp"

#include "bench/report_words.hpp"
#include "bench/svg_chart.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace pixmill::bench {

std::string table(const Cells& head, const std::vector<Cells>& rows, std::initializer_list<std::size_t> words) {
  std::string out = "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"table\"><table>\n";
  const auto add_row = [&](const Cells& cells, const char* tag, const char* scope) {
    out += "<tr>";
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const bool sentences = std::find(words.begin(), words.end(), i) != words.end();
      out +=
          fmt::format("<{0}{1}{2}>{3}</{0}>", tag, scope, sentences ? " class=\"words\"" : "", escape_markup(cells[i]));
    }
    out += "</tr>\n";
  };
  add_row(head, "th", " scope=\"col\"");
  for (const Cells& row : rows) add_row(row, "td", "");
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
