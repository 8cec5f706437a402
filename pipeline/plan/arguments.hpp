#pragma once

#include "kernels/kernel.hpp"

#include <pixmill/descriptor.hpp>

#include <string>
#include <string_view>

namespace pixmill::pipeline {

/// Reads one argument of a kernel. Throws Error (usage) that names kernel, parameter, text and what was expected.
[[nodiscard]] kernels::Value parse_argument(const KernelDescriptor& kernel, const ParamDescriptor& param,
                                            std::string_view text);

/// The one spelling of a value: parse_argument() of it gives the value again.
[[nodiscard]] std::string value_text(const ParamDescriptor& param, const kernels::Value& value);

/// What a parameter takes, in words: "an odd whole number from 3 to 4095".
[[nodiscard]] std::string expectation(const ParamDescriptor& param);

}  // namespace pixmill::pipeline
