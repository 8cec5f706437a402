#pragma once

#include "kernels/accumulator.hpp"

namespace pixmill::kernels {

/// numerator / denominator as a double, within one unit in the last place where the whole part has up to 53 bits.
[[nodiscard]] inline double exact_quotient(Uint128 numerator, Uint128 denominator) {
  const Uint128 whole = numerator / denominator;
  return static_cast<double>(whole) + static_cast<double>(numerator % denominator) / static_cast<double>(denominator);
}

}  // namespace pixmill::kernels
