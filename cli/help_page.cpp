#include "cli/help_page.hpp"

#include "cli/terminal.hpp"

#include <unistd.h>

#include <algorithm>

namespace pixmill::cli {
namespace {

constexpr std::size_t kOptionColumn = 30;

/// "-o, --output DIR", long names in one column whether or not there is a short one.
std::string left_of(const HelpOption& option) {
  std::string left = option.names;
  if (const std::size_t comma = left.find(','); comma != std::string::npos) {
    left.insert(comma + 1, " ");
  } else if (left.rfind("--", 0) == 0) {
    left.insert(0, "    ");
  }
  return option.value.empty() ? left : left + ' ' + option.value;
}

std::string paragraph(std::string_view text, std::size_t width) {
  std::string out;
  for (const std::string& line : wrap(text, width)) out += line + '\n';
  return out;
}

}  // namespace

std::string render(const HelpPage& page, std::size_t width) {
  std::string out = "usage: " + page.usage + "\n\n" + paragraph(page.summary, width);
  for (const HelpGroup& group : page.groups) {
    out += '\n' + group.title + ":\n";
    for (const HelpOption& option : group.options) {
      const std::string text =
          option.default_text.empty() ? option.help : option.help + " (default: " + option.default_text + ")";
      out += two_columns(left_of(option), text, 2, kOptionColumn, width);
    }
  }
  for (const HelpTable& table : page.tables) {
    out += '\n' + table.title + ":\n";
    std::size_t longest = 0;
    for (const auto& row : table.rows) longest = std::max(longest, columns(row.first));
    for (const auto& row : table.rows)
      out += two_columns(row.first, row.second, 2, std::min(longest, kOptionColumn) + 4, width);
    if (!table.note.empty()) out += paragraph(table.note, width);
  }
  if (!page.example.empty()) {
    out += "\nexample:\n  " + page.example + '\n';
    for (const std::string& line : wrap(page.example_meaning, width - 4)) out += "    " + line + '\n';
  }
  return out;
}

std::size_t page_width() { return std::clamp<std::size_t>(terminal_width(STDOUT_FILENO, 100), 40, 120); }

}  // namespace pixmill::cli
