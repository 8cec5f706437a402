#pragma once

#include <cmath>
#include <cstdint>

/// Arithmetic that gives the same bits on every machine: IEEE +, -, *, / and sqrt alone. libm's sine and exponential
/// may differ in their last bit from one processor to the next, and with them the files.
namespace pixmill::samples {

inline constexpr double kPi = 3.14159265358979323846;

/// sin(radians), to about 1e-7.
inline double sine(double radians) {
  double r = radians - std::floor(radians / (2 * kPi) + 0.5) * 2 * kPi;
  if (r > kPi / 2) r = kPi - r;
  if (r < -kPi / 2) r = -kPi - r;
  const double s = r * r;
  return r * (1 - s / 6 * (1 - s / 20 * (1 - s / 42 * (1 - s / 72 * (1 - s / 110)))));
}
inline double cosine(double radians) { return sine(radians + kPi / 2); }

/// exp(-x) for x ≥ 0, to about 1e-5.
inline double decay(double x) {
  if (x > 40) return 0;
  const double u = x / 64;
  double y = 1 / (1 + u * (1 + u / 2 * (1 + u / 3)));
  for (int i = 0; i < 6; ++i) y *= y;
  return y;
}

inline double clamp01(double v) { return v < 0 ? 0 : (v > 1 ? 1 : v); }
inline double mix(double a, double b, double t) { return a + (b - a) * t; }

/// 0 below `from`, 1 above `to`, smooth between; `from` may be the larger.
inline double ramp(double from, double to, double v) {
  const double t = clamp01((v - from) / (to - from));
  return t * t * (3 - 2 * t);
}

/// SplitMix64 (Steele, Lea and Flood, 2014). Draw into named variables: the order in which a compiler evaluates the
/// arguments of a call is its own.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15U;
    return scramble(state_);
  }
  /// In [0, 1).
  double uniform() { return static_cast<double>(next() >> 11U) * (1.0 / 9007199254740992.0); }
  double between(double low, double high) { return low + (high - low) * uniform(); }
  int below(int n) { return static_cast<int>(next() % static_cast<std::uint64_t>(n)); }
  /// Bell-shaped, mean 0, deviation 1, within ±3.5.
  double bell() { return bell_of(next()); }

  static std::uint64_t scramble(std::uint64_t z) {
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
  }
  static double bell_of(std::uint64_t bits) {
    const std::uint64_t sum = (bits & 0xffffU) + ((bits >> 16U) & 0xffffU) + ((bits >> 32U) & 0xffffU) + (bits >> 48U);
    return (static_cast<double>(sum) / 65536.0 - 2.0) * 1.7320508075688772;
  }

 private:
  std::uint64_t state_;
};

inline std::uint64_t hash_at(int x, int y, std::uint64_t seed) {
  const auto cell = (static_cast<std::uint64_t>(static_cast<std::uint32_t>(x)) << 32U) | static_cast<std::uint32_t>(y);
  return Dice::scramble(Dice::scramble(cell + 0x9e3779b97f4a7c15U) ^ seed);
}

/// Camera noise: bell-shaped, deviation 1, independent from pixel to pixel.
inline double grain(int x, int y, std::uint64_t seed) { return Dice::bell_of(hash_at(x, y, seed)); }

/// Smooth noise in [0, 1] whose features are one unit wide.
inline double smooth_noise(double x, double y, std::uint64_t seed) {
  const double fx = std::floor(x);
  const double fy = std::floor(y);
  const int ix = static_cast<int>(fx);
  const int iy = static_cast<int>(fy);
  const double tx = ramp(0, 1, x - fx);
  const double ty = ramp(0, 1, y - fy);
  const auto corner = [&](int dx, int dy) {
    return static_cast<double>(hash_at(ix + dx, iy + dy, seed) >> 11U) * (1.0 / 9007199254740992.0);
  };
  return mix(mix(corner(0, 0), corner(1, 0), tx), mix(corner(0, 1), corner(1, 1), tx), ty);
}

/// Cloud-like noise in [0, 1]: octaves of smooth_noise, each half as wide and half as strong.
inline double cloud_noise(double x, double y, int octaves, std::uint64_t seed) {
  double sum = 0;
  double weight = 0;
  double amplitude = 1;
  for (int i = 0; i < octaves; ++i) {
    sum += amplitude * smooth_noise(x, y, seed + static_cast<std::uint64_t>(i));
    weight += amplitude;
    amplitude *= 0.5;
    x = x * 2 + 17.3;
    y = y * 2 + 9.1;
  }
  return sum / weight;
}

}  // namespace pixmill::samples
