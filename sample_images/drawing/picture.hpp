#pragma once

#include "sample_images/drawing/arithmetic.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace pixmill::samples {

struct Point {
  double x = 0;
  double y = 0;
};

/// Red, green and blue as they will be stored, 0 to 1.
struct Colour {
  double r = 0;
  double g = 0;
  double b = 0;
  friend Colour operator*(Colour c, double k) { return {c.r * k, c.g * k, c.b * k}; }
  friend Colour operator*(Colour p, Colour q) { return {p.r * q.r, p.g * q.g, p.b * q.b}; }
  friend Colour operator+(Colour p, Colour q) { return {p.r + q.r, p.g + q.g, p.b + q.b}; }
};
inline Colour gray_of(double v) { return {v, v, v}; }
inline Colour mix(Colour a, Colour b, double t) { return a * (1 - t) + b * t; }
/// 0xRRGGBB.
inline Colour rgb(unsigned hex) {
  return {((hex >> 16U) & 255U) / 255.0, ((hex >> 8U) & 255U) / 255.0, (hex & 255U) / 255.0};
}

/// Rows of samples, top to bottom.
template <class Sample>
struct Plane {
  Plane(int w, int h, Sample fill = {})
      : width(w), height(h), samples(static_cast<std::size_t>(w) * static_cast<std::size_t>(h), fill) {}
  Sample& at(int x, int y) { return samples[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + x]; }
  const Sample& at(int x, int y) const {
    return samples[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + x];
  }
  /// Replaces every sample by f(x, y, sample).
  template <class F>
  void each(F f) {
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) at(x, y) = f(x, y, at(x, y));
    }
  }
  int width;
  int height;
  std::vector<Sample> samples;
};

using Picture = Plane<Colour>;
/// How much of each pixel is covered, 0 to 1.
using Mask = Plane<double>;

/// A shift, turn, slant and scale of the plane.
struct Placement {
  double xx = 1, xy = 0, yx = 0, yy = 1, dx = 0, dy = 0;
  [[nodiscard]] Point operator()(Point p) const { return {xx * p.x + xy * p.y + dx, yx * p.x + yy * p.y + dy}; }
  /// Turned clockwise about the origin by `radians`, then scaled, then shifted to `to`.
  static Placement at(Point to, double scale = 1, double radians = 0) {
    const double c = cosine(radians) * scale;
    const double s = sine(radians) * scale;
    return {c, -s, s, c, to.x, to.y};
  }
};

/// Adds to a mask; what is covered twice is covered once. Coordinates in pixels, centres at whole numbers.
void add_stroke(Mask& mask, Point from, Point to, double radius_px, double strength = 1);
void add_path(Mask& mask, std::span<const Point> points, double radius_px);
void add_disc(Mask& mask, Point centre, double radius_px);
void add_ellipse(Mask& mask, Point centre, double radius_x, double radius_y, double radians = 0);
void add_ring(Mask& mask, Point centre, double radius_px, double half_width_px);
void add_polygon(Mask& mask, std::span<const Point> corners);
void add_box(Mask& mask, Point top_left, Point bottom_right);

/// Two box blurs, each 2·radius+1 wide.
void blur(Mask& mask, int radius_px);
void blur(Picture& picture, int radius_px);

/// Paints `colour` where the mask covers.
void tint(Picture& picture, const Mask& mask, Colour colour, double strength = 1);
/// The same shapes painted directly.
void fill_polygon(Picture& picture, std::span<const Point> corners, Colour colour, double strength = 1);
void fill_box(Picture& picture, Point top_left, Point bottom_right, Colour colour, double strength = 1);
void fill_ellipse(Picture& picture, Point centre, double radius_x, double radius_y, Colour colour, double strength = 1);
void draw_line(Picture& picture, Point from, Point to, double radius_px, Colour colour, double strength = 1);

/// Camera noise, of deviation `sigma` (full scale 1), the same in all channels but for a share of colour noise.
void add_grain(Picture& picture, double sigma, std::uint64_t seed);

}  // namespace pixmill::samples
