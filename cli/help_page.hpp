#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pixmill::cli {

/// One option as the help shows it.
struct HelpOption {
  std::string names;  ///< "-o,--output"
  std::string value;  ///< What stands for its value, "DIR"; empty for a flag.
  std::string help;
  std::string default_text;  ///< Empty: nothing is said.
};

/// Options that belong together.
struct HelpGroup {
  std::string title;
  std::vector<HelpOption> options;
};

/// Rows of a name and what it is, such as the kernels.
struct HelpTable {
  std::string title;
  std::vector<std::pair<std::string, std::string>> rows;
  std::string note;  ///< A line below; may be empty.
};

/// All that the help of one command says.
struct HelpPage {
  std::string usage;    ///< "pixmill run INPUT... -o DIR [options]"
  std::string summary;  ///< A sentence or two.
  std::vector<HelpGroup> groups;
  std::vector<HelpTable> tables;
  /// A command to try, and what it does.
  std::string example;
  std::string example_meaning;
};

/// The page as text, lines of at most `width` columns, a newline at the end.
[[nodiscard]] std::string render(const HelpPage& page, std::size_t width);

/// The width to lay text out for: that of the terminal on standard output within reason, else 100.
[[nodiscard]] std::size_t page_width();

}  // namespace pixmill::cli
