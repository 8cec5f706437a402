#include "cli/kernel_text.hpp"

#include "cli/terminal.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace pixmill::cli {
namespace {

std::string choice_names(const ParamDescriptor& param, std::string_view joint) {
  std::string names;
  for (std::size_t i = 0; i < param.choices.size(); ++i) {
    if (i > 0) names += i + 1 == param.choices.size() ? joint : ", ";
    names += param.choices[i].name;
  }
  return names;
}

std::string written(const ReductionDescriptor& reduction) {
  return std::string(reduction.name) + (reduction.makes_image ? "=FILE" : "");
}

std::string paragraph(std::string_view text, std::size_t width) {
  std::string out;
  for (const std::string& line : wrap(text, width)) out += line + '\n';
  return out;
}

std::string parameter_rows(const KernelDescriptor& kernel, std::size_t width) {
  std::string out;
  bool bare = kernel.has_bare;
  for (const ParamDescriptor& param : kernel.params) {
    std::string text(param.summary);
    text += text.empty() ? "" : "; ";
    text += accepted_values(param);
    if (param.required) {
      text += "; required";
    } else if (!param.default_text.empty()) {
      text += fmt::format("; default {}", param.default_text);
    }
    if (bare) text += "; may stand first without its name";
    bare = false;
    out += two_columns(param.name, text, 2, 16, width);
    for (const Choice& choice : param.choices) out += two_columns(choice.name, choice.summary, 18, 34, width);
  }
  return out;
}

}  // namespace

std::string kernel_syntax(const KernelDescriptor& kernel) {
  std::string text(kernel.name);
  bool first = true;
  for (const ParamDescriptor& param : kernel.params) {
    const bool bare = first && kernel.has_bare;
    std::string argument = std::string(first ? "=" : ":") + std::string(param.name);
    if (!bare) argument += "=...";
    text += param.required ? argument : '[' + argument + ']';
    first = false;
  }
  return text;
}

std::string_view channels_text(const KernelDescriptor& kernel) {
  return kernel.channels == ChannelNeed::one ? "one; gray is put before it where a chain does not"
                                             : "any number, each by itself";
}

std::string_view depth_text(const KernelDescriptor& kernel) {
  switch (kernel.depth) {
    case DepthNeed::eight_bits:
      return "8 bits; a 16-bit image is first brought to 8 as (v + 128) / 257";
    case DepthNeed::depends:
      return "8 and 16 bits, kept, or with some arguments 8 alone, to which a 16-bit image is brought as (v + 128) / "
             "257";
    case DepthNeed::any:
      break;
  }
  return "8 and 16 bits, kept";
}

std::string accepted_values(const ParamDescriptor& param) {
  const std::string_view odd = param.odd ? ", odd" : "";
  switch (param.type) {
    case ParamType::choice:
      return choice_names(param, " or ");
    case ParamType::integer:
      return fmt::format("a whole number from {} to {}{}", param.min, param.max, odd);
    case ParamType::number:
      return fmt::format("a number from {} to {}", param.min, param.max);
    case ParamType::level:
      return "a pixel value, 0 to 255 at 8 bits, 0 to 65535 at 16, or P% of full scale";
    case ParamType::level_or_choice:
      return "a pixel value, 0 to 255 at 8 bits, 0 to 65535 at 16, or P% of full scale, or " +
             choice_names(param, " or ");
    case ParamType::size:
      return "WxH, Wx or xH in pixels, or P% of each side";
    case ParamType::region:
      return "WxH+X+Y in pixels: a size, and the left and upper edge";
    case ParamType::text:
      return "a text without , : and =";
  }
  return "";
}

std::string kernel_list(const std::vector<const KernelDescriptor*>& kernels, std::size_t width) {
  std::string out;
  std::size_t longest = 0;
  for (const KernelDescriptor* kernel : kernels) longest = std::max(longest, kernel->name.size());
  for (const KernelDescriptor* kernel : kernels) {
    out += two_columns(kernel->name, kernel->summary, 0, longest + 2, width);
    if (kernel->params.empty()) continue;
    std::string params;
    for (const ParamDescriptor& param : kernel->params) {
      params += params.empty() ? "" : ", ";
      params += param.name;
      if (!param.default_text.empty()) params += fmt::format(" ({})", param.default_text);
    }
    out += two_columns("", params, 0, longest + 2, width);
  }
  return out;
}

std::string reduction_list(const std::vector<const ReductionDescriptor*>& reductions, std::size_t width) {
  std::string out;
  std::size_t longest = 0;
  for (const ReductionDescriptor* reduction : reductions) longest = std::max(longest, written(*reduction).size());
  for (const ReductionDescriptor* reduction : reductions) {
    out += two_columns(written(*reduction), reduction->summary, 0, longest + 2, width);
  }
  return out;
}

std::string reduction_details(const ReductionDescriptor& reduction, std::size_t width) {
  std::string out =
      two_columns(std::string(reduction.name) + ':', reduction.summary, 0, reduction.name.size() + 3, width);
  out += two_columns("usage", "--reduce " + written(reduction), 0, 10, width);
  return out + '\n' + paragraph(reduction.notes, width);
}

std::string kernel_details(const KernelDescriptor& kernel, std::size_t width) {
  std::string out = two_columns(std::string(kernel.name) + ':', kernel.summary, 0, kernel.name.size() + 3, width);
  out += '\n' + two_columns("syntax", kernel_syntax(kernel), 0, 10, width);
  std::string_view label = "examples";
  for (const std::string_view example : kernel.examples) {
    out += two_columns(label, fmt::format("--ops {}", example), 0, 10, width);
    label = "";
  }
  out += two_columns("channels", channels_text(kernel), 0, 10, width);
  out += two_columns("depth", depth_text(kernel), 0, 10, width);
  out += two_columns("alpha", kernel.keeps_alpha ? "kept" : "dropped before it", 0, 10, width);
  if (!kernel.params.empty()) out += "\nparameters:\n" + parameter_rows(kernel, width);
  if (!kernel.notes.empty()) out += '\n' + paragraph(kernel.notes, width);
  if (!kernel.source.empty()) out += '\n' + paragraph(fmt::format("source: {}", kernel.source), width);
  return out;
}

}  // namespace pixmill::cli
