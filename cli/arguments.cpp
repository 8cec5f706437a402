#include "cli/arguments.hpp"

#include <pixmill/error.hpp>
#include <pixmill/plan.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <utility>

namespace pixmill::cli {
namespace {

/// The name under which messages speak of an option: the long one if there is one.
std::string spoken(const std::string& names) {
  const std::size_t comma = names.find(',');
  return comma == std::string::npos ? names : names.substr(comma + 1);
}

bool has_name(const std::string& names, std::string_view name) {
  const std::size_t comma = names.find(',');
  return names == name || (comma != std::string::npos && (std::string_view(names).substr(0, comma) == name ||
                                                          std::string_view(names).substr(comma + 1) == name));
}

[[noreturn]] void refuse(const std::string& message) { throw Error(ErrorCode::usage, message); }

}  // namespace

void ArgumentParser::group(std::string title) { page_.groups.push_back({std::move(title), {}}); }

void ArgumentParser::flag(std::string_view names, std::string help, bool& target) {
  page_.groups.back().options.push_back({std::string(names), "", std::move(help), ""});
  entries_.push_back({std::string(names), "", [&target](const std::string&) { target = true; }});
}

void ArgumentParser::option(std::string_view names, std::string_view value, std::string help, Setter set,
                            std::string default_text) {
  page_.groups.back().options.push_back(
      {std::string(names), std::string(value), std::move(help), std::move(default_text)});
  entries_.push_back({std::string(names), std::string(value), std::move(set)});
}

void ArgumentParser::options(std::string_view names, std::string_view value, std::string help, Setter set) {
  option(names, value, std::move(help), std::move(set));
  entries_.back().each = true;
}

void ArgumentParser::hidden_option(std::string_view names, Setter set) {
  entries_.push_back({std::string(names), "VALUE", std::move(set), true});
}

const ArgumentParser::Entry* ArgumentParser::find(std::string_view name) const {
  const auto found =
      std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) { return has_name(entry.names, name); });
  return found == entries_.end() ? nullptr : &*found;
}

void ArgumentParser::refuse_unknown(const std::string& argument) const {
  const std::string name = argument.substr(0, argument.find('='));
  std::vector<std::string> spelled = {"--help"};
  for (const Entry& entry : entries_) {
    if (!entry.hidden) spelled.push_back(spoken(entry.names));
  }
  const std::string near = nearest_name(name, {spelled.begin(), spelled.end()});
  const std::string usage = page_.usage.substr(0, page_.usage.find(' ', page_.usage.find(' ') + 1));
  refuse("unknown option " + name + "; " + (near.empty() ? "" : "did you mean " + near + "? ") + "'" + usage +
         " --help' lists them" + (argument.rfind("--", 0) == 0 ? "" : "; a file of that name is ./" + argument));
}

void ArgumentParser::refuse_missing_value(const Entry& entry, std::string_view follows) const {
  const std::string name = entry.names.substr(0, entry.names.find(','));
  refuse(spoken(entry.names) + " needs a value" +
         (follows.empty() ? "" : ", but " + std::string(follows) + " follows") + "; write " + name + ' ' + entry.value);
}

std::vector<std::string> ArgumentParser::with_split_empty_values(std::span<const std::string> arguments) const {
  // CLI11 takes the next argument for the value of "--ops=", which is how a script passes a variable that may be empty.
  std::vector<std::string> split;
  for (const std::string& argument : arguments) {
    const Entry* entry = argument.size() > 3 && argument.back() == '=' && argument.find('=') == argument.size() - 1
                             ? find(std::string_view(argument).substr(0, argument.size() - 1))
                             : nullptr;
    if (entry != nullptr && !entry->value.empty()) {
      split.push_back(argument.substr(0, argument.size() - 1));
      split.emplace_back();
    } else {
      split.push_back(argument);
    }
  }
  return split;
}

void ArgumentParser::apply(const Entry& entry, const std::string& value) const {
  if (!entry.value.empty() && value.rfind("--", 0) == 0 && find(value) != nullptr) refuse_missing_value(entry, value);
  try {
    entry.set(value);
  } catch (const Error& error) {
    if (entry.hidden) throw;
    throw Error(error.code(), spoken(entry.names) + ' ' + (value.empty() ? "''" : value) + ": " + error.what());
  }
}

bool ArgumentParser::parse(std::span<const std::string> arguments, std::vector<std::string>& positionals) const {
  // What follows "--" is kept from CLI11, which does not tell it apart from unknown options.
  const auto end_of_options = std::find(arguments.begin(), arguments.end(), "--");
  std::vector<std::string> mine =
      with_split_empty_values({arguments.begin(), static_cast<std::size_t>(end_of_options - arguments.begin())});

  CLI::App app;
  app.set_help_flag("");
  app.allow_extras();
  const CLI::Option* help = app.add_flag("-h,--help");
  std::vector<std::pair<const Entry*, const CLI::Option*>> declared;
  for (const Entry& entry : entries_) {
    CLI::Option* option = app.add_option(entry.names);
    if (entry.value.empty()) {
      option->type_size(0)->expected(0)->disable_flag_override()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    } else {
      option->type_size(1)->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    }
    declared.emplace_back(&entry, option);
  }

  const std::string last = mine.empty() ? "" : mine.back();
  try {
    std::vector<std::string> reversed(mine.rbegin(), mine.rend());
    app.parse(std::move(reversed));
  } catch (const CLI::ParseError& error) {
    for (const std::string& argument : mine) {
      const std::size_t equals = argument.find('=');
      const Entry* entry = equals == std::string::npos ? nullptr : find(std::string_view(argument).substr(0, equals));
      if (entry != nullptr && entry->value.empty())
        refuse(argument.substr(0, equals) + " takes no value; leave out '" + argument.substr(equals) + "'");
    }
    // The only other thing that CLI11 can find wrong here is that the arguments end where a value should stand; in
    // "-rj" the last letter is the option.
    const Entry* entry = find(last);
    if (entry == nullptr && last.size() > 1) entry = find(std::string("-") + last.back());
    if (entry != nullptr && !entry->value.empty()) refuse_missing_value(*entry, "");
    const std::string what = error.what();
    refuse(what.substr(0, what.find('\n')));
  }

  if (help->count() > 0) return false;
  for (const std::string& extra : app.remaining()) {
    if (extra.size() > 1 && extra.front() == '-') refuse_unknown(extra);
    positionals.push_back(extra);
  }
  if (end_of_options != arguments.end()) positionals.insert(positionals.end(), end_of_options + 1, arguments.end());
  for (const auto& [entry, option] : declared) {
    if (option->count() == 0) continue;
    if (entry->value.empty()) {
      apply(*entry, {});
    } else if (!entry->each) {
      apply(*entry, option->results().back());
    } else {
      for (const std::string& value : option->results()) apply(*entry, value);
    }
  }
  return true;
}

void expect_word(const std::string& value, const std::vector<std::string_view>& words) {
  if (std::find(words.begin(), words.end(), value) != words.end()) return;
  const std::string near = nearest_name(value, words);
  refuse("expected one of " + list_words(words) + (near.empty() ? "" : "; did you mean " + near + "?"));
}

std::string list_words(const std::vector<std::string_view>& words, std::string_view joint) {
  std::string list;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) list += i + 1 == words.size() ? ' ' + std::string(joint) + ' ' : ", ";
    list += words[i];
  }
  return list;
}

}  // namespace pixmill::cli
