#include "pipeline/plan/arguments.hpp"

#include <pixmill/error.hpp>
#include <pixmill/plan.hpp>

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <optional>
#include <vector>

namespace pixmill::pipeline {
namespace {

using kernels::ChoiceIndex;
using kernels::Level;
using kernels::RegionWish;
using kernels::SizeWish;
using kernels::Value;

constexpr double kLargestLevel = 65535;
constexpr std::int64_t kLargestSide = 65535;
constexpr double kLargestPercent = 10000;

std::optional<double> number_of(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::optional<std::int64_t> integer_of(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string choice_list(const ParamDescriptor& param) {
  std::string list;
  for (const Choice& choice : param.choices) {
    if (!list.empty()) list += ", ";
    list += choice.name;
  }
  return list;
}

[[noreturn]] void refuse(const KernelDescriptor& kernel, const ParamDescriptor& param, std::string_view text) {
  std::string message =
      fmt::format("{}: {}={} is not right; expected {}", kernel.name, param.name, text, expectation(param));
  std::vector<std::string_view> names;
  for (const Choice& choice : param.choices) names.push_back(choice.name);
  const std::string near = nearest_name(text, names);
  if (!near.empty()) message += fmt::format("; did you mean '{}'?", near);
  throw Error(ErrorCode::usage, message);
}

std::optional<Value> parse_choice(const ParamDescriptor& param, std::string_view text) {
  for (std::size_t i = 0; i < param.choices.size(); ++i) {
    if (param.choices[i].name == text) return ChoiceIndex{i};
  }
  return std::nullopt;
}

std::optional<Value> parse_level(std::string_view text) {
  Level level;
  if (text.ends_with('%')) {
    level.percent = true;
    text.remove_suffix(1);
  }
  const auto number = number_of(text);
  if (!number || *number < 0 || *number > (level.percent ? 100 : kLargestLevel)) return std::nullopt;
  level.value = *number + 0.0;  // -0 becomes 0
  return level;
}

std::optional<Value> parse_number(const ParamDescriptor& param, std::string_view text) {
  const auto number = number_of(text);
  if (!number || *number < param.min || *number > param.max) return std::nullopt;
  return *number + 0.0;
}

std::optional<Value> parse_integer(const ParamDescriptor& param, std::string_view text) {
  const auto number = integer_of(text);
  if (!number || static_cast<double>(*number) < param.min || static_cast<double>(*number) > param.max) {
    return std::nullopt;
  }
  if (param.odd && *number % 2 == 0) return std::nullopt;
  return *number;
}

std::optional<Value> parse_size(std::string_view text) {
  SizeWish wish;
  if (text.ends_with('%')) {
    const auto percent = number_of(text.substr(0, text.size() - 1));
    if (!percent || *percent <= 0 || *percent > kLargestPercent) return std::nullopt;
    wish.percent = *percent;
    return wish;
  }
  const std::size_t cross = text.find('x');
  if (cross == std::string_view::npos || text.size() < 2) return std::nullopt;
  const auto side = [](std::string_view digits) -> std::optional<std::int64_t> {
    if (digits.empty()) return 0;
    const auto value = integer_of(digits);
    if (!value || *value < 1 || *value > kLargestSide) return std::nullopt;
    return value;
  };
  const auto width = side(text.substr(0, cross));
  const auto height = side(text.substr(cross + 1));
  if (!width || !height) return std::nullopt;
  wish.width = *width;
  wish.height = *height;
  return wish;
}

// Digits, then what follows them, which must begin with `end` (0: nothing may follow).
std::optional<std::int64_t> leading_integer(std::string_view& text, char end, std::int64_t least) {
  const std::size_t length = end == 0 ? text.size() : text.find(end);
  if (length == std::string_view::npos || length == 0 || text.front() == '-') return std::nullopt;
  const auto value = integer_of(text.substr(0, length));
  if (!value || *value < least || *value > kLargestSide) return std::nullopt;
  text.remove_prefix(end == 0 ? length : length + 1);
  return value;
}

std::optional<Value> parse_region(std::string_view text) {
  const auto width = leading_integer(text, 'x', 1);
  if (!width) return std::nullopt;
  const auto height = leading_integer(text, '+', 1);
  if (!height) return std::nullopt;
  const auto x = leading_integer(text, '+', 0);
  if (!x) return std::nullopt;
  const auto y = leading_integer(text, 0, 0);
  if (!y) return std::nullopt;
  return RegionWish{*width, *height, *x, *y};
}

std::optional<Value> parse_text(std::string_view text) {
  // It may become part of an argument of a program, which ends at a zero.
  constexpr std::string_view kNever(",:=\0", 4);
  if (text.empty() || text.find_first_of(kNever) != std::string_view::npos) return std::nullopt;
  return kernels::Text{std::string(text)};
}

struct TextOf {
  const ParamDescriptor& param;
  std::string operator()(std::monostate) const { return {}; }
  std::string operator()(ChoiceIndex choice) const { return std::string(param.choices[choice.index].name); }
  std::string operator()(std::int64_t value) const { return fmt::format("{}", value); }
  std::string operator()(double value) const { return fmt::format("{}", value); }
  std::string operator()(const kernels::Text& value) const { return value.text; }
  std::string operator()(const Level& level) const {
    return fmt::format("{}{}", level.value, level.percent ? "%" : "");
  }
  std::string operator()(const SizeWish& wish) const {
    if (wish.percent > 0) return fmt::format("{}%", wish.percent);
    return fmt::format("{}x{}", wish.width > 0 ? std::to_string(wish.width) : "",
                       wish.height > 0 ? std::to_string(wish.height) : "");
  }
  std::string operator()(const RegionWish& wish) const {
    return fmt::format("{}x{}+{}+{}", wish.width, wish.height, wish.x, wish.y);
  }
};

}  // namespace

std::string expectation(const ParamDescriptor& param) {
  switch (param.type) {
    case ParamType::choice:
      return "one of " + choice_list(param);
    case ParamType::integer:
      return fmt::format("{} whole number from {} to {}", param.odd ? "an odd" : "a", param.min, param.max);
    case ParamType::number:
      return fmt::format("a number from {} to {}", param.min, param.max);
    case ParamType::level:
      return "a level from 0 to 65535, or a share of full scale such as 50%";
    case ParamType::level_or_choice:
      return "a level from 0 to 65535, a share of full scale such as 50%, or one of " + choice_list(param);
    case ParamType::size:
      return "a size such as 640x480, 640x, x480 (sides from 1 to 65535) or 50%";
    case ParamType::region:
      return "a region such as 640x480+10+20: width x height + left edge + upper edge (sides from 1, all to 65535)";
    case ParamType::text:
      return "a text without , : and =";
  }
  return {};
}

Value parse_argument(const KernelDescriptor& kernel, const ParamDescriptor& param, std::string_view text) {
  std::optional<Value> value;
  switch (param.type) {
    case ParamType::choice:
      value = parse_choice(param, text);
      break;
    case ParamType::integer:
      value = parse_integer(param, text);
      break;
    case ParamType::number:
      value = parse_number(param, text);
      break;
    case ParamType::level:
      value = parse_level(text);
      break;
    case ParamType::level_or_choice:
      value = parse_choice(param, text);
      if (!value) value = parse_level(text);
      break;
    case ParamType::size:
      value = parse_size(text);
      break;
    case ParamType::region:
      value = parse_region(text);
      break;
    case ParamType::text:
      value = parse_text(text);
      break;
  }
  if (!value) refuse(kernel, param, text);
  return *value;
}

std::string value_text(const ParamDescriptor& param, const Value& value) { return std::visit(TextOf{param}, value); }

}  // namespace pixmill::pipeline
