#pragma once

#include <pixmill/descriptor.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace pixmill::cli {

/// A row for each kernel: its name, its parameters as a chain has them, what it does.
[[nodiscard]] std::string kernel_list(const std::vector<const KernelDescriptor*>& kernels, std::size_t width);

/// All that a descriptor says, for a person.
[[nodiscard]] std::string kernel_details(const KernelDescriptor& kernel, std::size_t width);

/// A row for each reduction: its name, what it is.
[[nodiscard]] std::string reduction_list(const std::vector<const ReductionDescriptor*>& reductions, std::size_t width);
[[nodiscard]] std::string reduction_details(const ReductionDescriptor& reduction, std::size_t width);

/// How it is written in a chain, in the shape "adaptive[=method][:window=...]".
[[nodiscard]] std::string kernel_syntax(const KernelDescriptor& kernel);
[[nodiscard]] std::string_view channels_text(const KernelDescriptor& kernel);
[[nodiscard]] std::string_view depth_text(const KernelDescriptor& kernel);

/// What a parameter takes: "whole number from 3 to 255, odd".
[[nodiscard]] std::string accepted_values(const ParamDescriptor& param);

}  // namespace pixmill::cli
