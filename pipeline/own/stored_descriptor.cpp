#include "pipeline/own/stored_descriptor.hpp"

#include "pipeline/plan/arguments.hpp"

#include <pixmill/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace pixmill::pipeline {
namespace {

constexpr std::size_t kLongestName = 64;

[[noreturn]] void refuse(std::string_view kernel, const std::string& why) {
  throw Error(ErrorCode::usage, fmt::format("own kernel '{}': {}", kernel, why));
}

bool is_name(std::string_view name) {
  const auto letter = [](char c) { return c >= 'a' && c <= 'z'; };
  return !name.empty() && name.size() <= kLongestName && letter(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '_'; });
}

template <typename Items>
bool has_twins(const Items& items) {
  for (std::size_t i = 0; i < items.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (items[i].name == items[j].name) return true;
    }
  }
  return false;
}

bool takes_choices(ParamType type) { return type == ParamType::choice || type == ParamType::level_or_choice; }

void check_param(const KernelDescriptor& kernel, const ParamDescriptor& param) {
  if (!is_name(param.name)) {
    refuse(kernel.name,
           fmt::format("'{}' is no name for a parameter; use lower-case letters, digits, - and _", param.name));
  }
  if (takes_choices(param.type) && (param.choices.empty() || has_twins(param.choices))) {
    refuse(kernel.name, fmt::format("{} needs choices, each of another name", param.name));
  }
  for (const Choice& choice : param.choices) {
    if (!is_name(choice.name))
      refuse(kernel.name, fmt::format("{}: '{}' is no name for a choice", param.name, choice.name));
  }
  const bool ranged = param.type == ParamType::integer || param.type == ParamType::number;
  if (ranged && !(std::isfinite(param.min) && std::isfinite(param.max) && param.min <= param.max)) {
    refuse(kernel.name, fmt::format("{} has no range: min is {} and max is {}", param.name, param.min, param.max));
  }
  if (param.default_text.empty()) return;
  try {
    static_cast<void>(parse_argument(kernel, param, param.default_text));
  } catch (const Error& error) {
    refuse(kernel.name, fmt::format("its own default is refused: {}", error.what()));
  }
}

}  // namespace

StoredKernelDescriptor::StoredKernelDescriptor(const KernelDescriptor& original) : descriptor_(original) {
  for (std::string_view* text : {&descriptor_.name, &descriptor_.summary, &descriptor_.notes, &descriptor_.source}) {
    *text = keep(*text);
  }
  for (const ParamDescriptor& param : original.params) {
    ParamDescriptor& own = params_.emplace_back(param);
    own.name = keep(param.name);
    own.summary = keep(param.summary);
    own.default_text = keep(param.default_text);
    std::vector<Choice>& choices = choices_.emplace_back();
    for (const Choice& choice : param.choices) choices.push_back({keep(choice.name), keep(choice.summary)});
    own.choices = choices;
  }
  for (const std::string_view example : original.examples) examples_.push_back(keep(example));
  descriptor_.params = params_;
  descriptor_.examples = examples_;
}

std::string_view StoredKernelDescriptor::keep(std::string_view text) { return texts_.emplace_back(text); }

void check_own_name(std::string_view what, std::string_view name) {
  if (is_name(name)) return;
  throw Error(ErrorCode::usage,
              fmt::format("own {}: '{}' is no name for it; use lower-case letters, digits, - and _, a letter first, at "
                          "most {} of them",
                          what, name, kLongestName));
}

void check_descriptor(const KernelDescriptor& descriptor) {
  check_own_name("kernel", descriptor.name);
  if (has_twins(descriptor.params)) refuse(descriptor.name, "two of its parameters have one name");
  if (descriptor.depth == DepthNeed::depends) {
    refuse(descriptor.name, "its depth must be any or eight_bits; `depends` is for kernels of pixmill");
  }
  for (const ParamDescriptor& param : descriptor.params) check_param(descriptor, param);
}

}  // namespace pixmill::pipeline
