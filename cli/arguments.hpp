#pragma once

#include "cli/help_page.hpp"

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pixmill::cli {

/// The options of one command: declared once, they give the parsing and the help page.
///
/// Every complaint is an Error (usage) of one line that names the option, what was expected and the nearest right name.
/// The last of several values of one option counts.
class ArgumentParser {
 public:
  /// Takes the text after an option; may throw Error (usage) saying what it expected, to which the option is added.
  using Setter = std::function<void(const std::string& value)>;

  /// `page` is the help page, still without options.
  explicit ArgumentParser(HelpPage page) : page_(std::move(page)) {}

  /// Options declared from here on stand under this title.
  void group(std::string title);
  /// An option without a value that sets `target`. `names` as in "-r,--recursive".
  void flag(std::string_view names, std::string help, bool& target);
  /// An option with a value, shown as `value` in the help.
  void option(std::string_view names, std::string_view value, std::string help, Setter set,
              std::string default_text = "");
  /// The same for an option that may be given several times, of which each value counts, in order.
  void options(std::string_view names, std::string_view value, std::string help, Setter set);
  /// An option that is recognised but not offered.
  void hidden_option(std::string_view names, Setter set);

  /// Reads the arguments. Gives false if help was asked for, and then sets nothing. What is no option goes to
  /// `positionals`; all that follows "--" does.
  [[nodiscard]] bool parse(std::span<const std::string> arguments, std::vector<std::string>& positionals) const;

  [[nodiscard]] const HelpPage& page() const { return page_; }

 private:
  struct Entry {
    std::string names;
    std::string value;  ///< Empty for a flag.
    Setter set;         ///< Of a flag: called with an empty text.
    bool hidden = false;
    bool each = false;  ///< Every value counts, and not the last alone.
  };

  [[nodiscard]] const Entry* find(std::string_view name) const;
  [[noreturn]] void refuse_unknown(const std::string& argument) const;
  [[noreturn]] void refuse_missing_value(const Entry& entry, std::string_view follows) const;
  [[nodiscard]] std::vector<std::string> with_split_empty_values(std::span<const std::string> arguments) const;
  void apply(const Entry& entry, const std::string& value) const;

  HelpPage page_;
  std::vector<Entry> entries_;
};

/// Throws Error (usage) unless `value` is one of `words`, naming them all and the nearest.
void expect_word(const std::string& value, const std::vector<std::string_view>& words);

/// "a, b and c" with the given last joint.
[[nodiscard]] std::string list_words(const std::vector<std::string_view>& words, std::string_view joint = "or");

}  // namespace pixmill::cli
