#pragma once

#include <cmath>

/// Arithmetic for the threshold methods that comes out the same on every machine.
namespace pixmill::kernels {

__extension__ using Uint128 = unsigned __int128;

/// What was rounded is more than another value only if it is so by more than all roundings together, as a factor or as
/// a difference of nats: of levels that are equally good, the lowest is taken, and not the one that rounding favours.
inline constexpr double kClearlyMore = 1 + 1e-12;
inline constexpr double kClearlyMoreNats = 1e-12;

/// The natural logarithm of a positive normal number, within 4 units in the last place. C libraries differ in the
/// last place, which may decide between two levels; this uses nothing but operations that IEEE 754 rounds in one way.
inline double natural_log(double value) {
  int exponent = 0;
  double mantissa = std::frexp(value, &exponent);
  if (mantissa < 0.70710678118654752) {
    mantissa *= 2;
    --exponent;
  }
  // ln m = 2 artanh t, and |t| < 0.172: eleven terms of its series are enough. Even and odd ones apart, as the sum of a
  // long chain would be waited for.
  const double t = (mantissa - 1) / (mantissa + 1);
  const double s = t * t;
  const double q = s * s;
  const double even = 1.0 + q * (1.0 / 5 + q * (1.0 / 9 + q * (1.0 / 13 + q * (1.0 / 17 + q * (1.0 / 21)))));
  const double odd = 1.0 / 3 + q * (1.0 / 7 + q * (1.0 / 11 + q * (1.0 / 15 + q * (1.0 / 19))));
  constexpr double kLn2High = 0x1.62e42fefa38p-1;  // so short that its multiples by any exponent are exact
  constexpr double kLn2Low = 0x1.ef35793c7673p-45;
  return exponent * kLn2High + (exponent * kLn2Low + 2 * t * (even + s * odd));
}

}  // namespace pixmill::kernels
