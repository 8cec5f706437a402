#include "pipeline/plan/chain.hpp"

#include "pipeline/own/registry.hpp"
#include "pipeline/plan/arguments.hpp"

#include <pixmill/error.hpp>
#include <pixmill/plan.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace pixmill::pipeline {
namespace {

constexpr std::size_t kMostSteps = 256;

[[noreturn]] void usage(const std::string& message) { throw Error(ErrorCode::usage, message); }

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const auto at = text.find(separator);
    parts.push_back(trimmed(text.substr(0, at)));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

std::string meant(std::string_view word, const std::vector<std::string_view>& names) {
  const std::string near = nearest_name(word, names);
  return near.empty() ? std::string() : fmt::format("; did you mean '{}'?", near);
}

const kernels::Kernel& kernel_named(std::string_view name) {
  if (const kernels::Kernel* kernel = find_any_kernel(name)) return *kernel;
  std::vector<std::string_view> names;
  for (const kernels::Kernel* kernel : every_kernel()) names.push_back(kernel->descriptor->name);
  usage(fmt::format("there is no kernel '{}'{} ('pixmill kernels' lists them)", name, meant(name, names)));
}

std::size_t param_named(const KernelDescriptor& kernel, std::string_view key) {
  for (std::size_t i = 0; i < kernel.params.size(); ++i) {
    if (kernel.params[i].name == key) return i;
  }
  std::vector<std::string_view> names;
  std::string list;
  for (const ParamDescriptor& param : kernel.params) {
    names.push_back(param.name);
    list += (list.empty() ? "" : ", ") + std::string(param.name);
  }
  usage(fmt::format("{}: there is no key '{}'{}{}", kernel.name, key, meant(key, names),
                    list.empty() ? std::string("; it takes no arguments") : fmt::format("; it takes {}", list)));
}

void read_arguments(ChainStep& step, std::string_view text) {
  const KernelDescriptor& kernel = *step.kernel->descriptor;
  bool first = true;
  for (const std::string_view argument : split(text, ':')) {
    const auto equals = argument.find('=');
    std::size_t index = 0;
    std::string_view value = argument;
    if (argument.empty()) {
      usage(
          fmt::format("{}: an argument is empty in '{}={}'; write NAME=ARG:KEY=VALUE", kernel.name, kernel.name, text));
    }
    if (equals != std::string_view::npos) {
      index = param_named(kernel, trimmed(argument.substr(0, equals)));
      value = trimmed(argument.substr(equals + 1));
    } else if (!first) {
      usage(fmt::format("{}: '{}' has no key; only the first argument may be bare, write KEY=VALUE", kernel.name,
                        argument));
    } else if (kernel.params.empty() || !kernel.has_bare) {
      usage(fmt::format("{}: it takes no bare argument, but got '{}'", kernel.name, argument));
    }
    if (!std::holds_alternative<std::monostate>(step.arguments[index])) {
      usage(fmt::format("{}: {} is given twice", kernel.name, kernel.params[index].name));
    }
    step.arguments[index] = parse_argument(kernel, kernel.params[index], value);
    first = false;
  }
}

void fill_defaults(ChainStep& step) {
  const KernelDescriptor& kernel = *step.kernel->descriptor;
  for (std::size_t i = 0; i < kernel.params.size(); ++i) {
    const ParamDescriptor& param = kernel.params[i];
    if (!std::holds_alternative<std::monostate>(step.arguments[i])) continue;
    if (param.required) {
      usage(
          fmt::format("{}: {} must be given: {}{}", kernel.name, param.name, expectation(param),
                      kernel.examples.empty() ? std::string() : fmt::format(", as in '{}'", kernel.examples.front())));
    }
    if (!param.default_text.empty()) step.arguments[i] = parse_argument(kernel, param, param.default_text);
  }
}

ChainStep parse_step(std::string_view text, std::string_view chain) {
  if (text.empty()) {
    usage(fmt::format("a kernel is missing in '{}': there is nothing between two commas, or at an end", chain));
  }
  const auto equals = text.find('=');
  ChainStep step;
  step.kernel = &kernel_named(trimmed(text.substr(0, equals)));
  step.arguments.resize(step.kernel->descriptor->params.size());
  if (equals != std::string_view::npos) read_arguments(step, text.substr(equals + 1));
  fill_defaults(step);
  const kernels::Operation operation = step.kernel->bound(step.arguments);  // throws where arguments do not fit
  if (step.kernel->own != nullptr) {
    step.identity = step.kernel->own->identity(operation);
    step.may_give_colours = std::holds_alternative<std::unique_ptr<const kernels::FrameOperation>>(operation);
  }
  return step;
}

bool gives_one_channel(const ChainStep& step) {
  return step.kernel->descriptor->name == "gray" || step.kernel->descriptor->channels == ChannelNeed::one;
}

}  // namespace

std::string step_text(const ChainStep& step) {
  const KernelDescriptor& kernel = *step.kernel->descriptor;
  std::string text(kernel.name);
  char separator = '=';
  for (std::size_t i = 0; i < kernel.params.size(); ++i) {
    const std::string value = value_text(kernel.params[i], step.arguments[i]);
    if (value.empty()) continue;
    text += separator;
    if (i != 0 || !kernel.has_bare) {
      text += kernel.params[i].name;
      text += '=';
    }
    text += value;
    separator = ':';
  }
  return text;
}

Chain parse_chain(std::string_view text) {
  Chain chain;
  if (trimmed(text).empty()) return chain;
  bool one_channel = false;
  for (const std::string_view part : split(text, ',')) {
    ChainStep step = parse_step(part, text);
    if (step.kernel->descriptor->channels == ChannelNeed::one && !one_channel) {
      ChainStep gray = parse_step("gray", text);
      gray.inserted = true;
      chain.steps.push_back(std::move(gray));
    }
    one_channel = !step.may_give_colours && (one_channel || gives_one_channel(step));
    chain.steps.push_back(std::move(step));
    if (chain.steps.size() > kMostSteps) usage(fmt::format("the chain has more than {} kernels", kMostSteps));
  }
  for (const ChainStep& step : chain.steps) {
    if (!chain.text.empty()) chain.text += ',';
    chain.text += step_text(step);
  }
  return chain;
}

}  // namespace pixmill::pipeline
