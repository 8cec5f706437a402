#include "sample_images/drawing/lettering.hpp"
#include "sample_images/drawing/samples.hpp"

#include <array>
#include <cmath>

namespace pixmill::samples {
namespace {

constexpr int kWidth = 720;
constexpr int kHeight = 480;
constexpr Colour kHaze{0.86, 0.85, 0.84};

/// Metres: x to the right of the camera, y above the road, z ahead of it.
struct Place {
  double x, y, z;
};

Point seen(Place p) {
  const double scale = 430 / p.z;
  return {372 + scale * p.x, 262 + scale * (1.6 - p.y)};
}

Colour through_air(Colour c, double z) { return mix(c, kHaze, 0.88 * (1 - decay(z / 75))); }

void quad(Picture& view, Place a, Place b, Place c, Place d, Colour colour, double strength = 1) {
  const std::array<Point, 4> corners{seen(a), seen(b), seen(c), seen(d)};
  fill_polygon(view, corners, through_air(colour, (a.z + c.z) / 2), strength);
}

/// A rectangle in a wall that runs along the street at x.
void wall_part(Picture& view, double x, double z0, double z1, double y0, double y1, Colour colour) {
  quad(view, {x, y0, z0}, {x, y0, z1}, {x, y1, z1}, {x, y1, z0}, colour);
}

/// A rectangle that faces the camera.
void front_part(Picture& view, double x0, double x1, double y0, double y1, double z, Colour colour) {
  quad(view, {x0, y0, z}, {x1, y0, z}, {x1, y1, z}, {x0, y1, z}, colour);
}

void flat_part(Picture& view, double x0, double x1, double z0, double z1, Colour colour, double strength = 1) {
  quad(view, {x0, 0, z0}, {x1, 0, z0}, {x1, 0, z1}, {x0, 0, z1}, colour, strength);
}

void building(Picture& view, double side, double z0, double z1, double height, Colour wall, Dice& dice) {
  const double x = side * 8.2;
  const double light = side < 0 ? 0.70 : 1.0;  // The sun stands on the left and shines on the right-hand fronts.
  wall_part(view, x, z0, z1, 0, height, wall * light);
  front_part(view, x, side * 40, 0, height, z0, wall * (side < 0 ? 0.92 : 0.55));
  wall_part(view, x, z0, z1, height - 0.45, height, wall * (light * 0.78));
  const int columns = static_cast<int>((z1 - z0) / 2.6);
  const double pitch = (z1 - z0) / columns;
  for (int floor = 1; floor * 3.1 + 2.6 < height; ++floor) {
    for (int i = 0; i < columns; ++i) {
      const double z = z0 + (i + 0.5) * pitch;
      const double y = floor * 3.1 + 0.7;
      const double shine = dice.between(0.14, 0.42);
      const Colour glass = dice.uniform() < 0.12 ? Colour{0.94, 0.82, 0.52} : Colour{0.8, 0.95, 1.15} * shine;
      wall_part(view, x, z - 0.72, z + 0.72, y - 0.18, y + 1.82, wall * (light * 1.18));
      wall_part(view, x, z - 0.56, z + 0.56, y, y + 1.66, glass);
      wall_part(view, x, z - 0.04, z + 0.04, y, y + 1.66, gray_of(0.8 * light));
    }
  }
  const Colour awning = dice.uniform() < 0.5 ? Colour{0.66, 0.16, 0.14} : Colour{0.14, 0.36, 0.30};
  wall_part(view, x, z0 + 0.3, z1 - 0.3, 0.4, 2.7, Colour{0.13, 0.15, 0.17} * light);
  for (int i = 0; i < columns; ++i) {
    const double z = z0 + (i + 0.5) * pitch;
    wall_part(view, x, z - pitch * 0.36, z + pitch * 0.36, 0.6, 2.5, Colour{0.40, 0.38, 0.32} * dice.between(0.6, 1.4));
  }
  const double out = x - side * 1.3;
  quad(view, {x, 3.2, z0 + 0.3}, {x, 3.2, z1 - 0.3}, {out, 2.6, z1 - 0.3}, {out, 2.6, z0 + 0.3}, awning * light);
}

void wheel(Picture& view, double x, double z) {
  const Point c = seen({x, 0.33, z});
  const double r = 430 / z * 0.33;
  fill_ellipse(view, c, r * 0.55, r, through_air(gray_of(0.06), z));
  fill_ellipse(view, c, r * 0.28, r * 0.55, through_air(gray_of(0.55), z));
}

/// A parked car seen from behind; its length runs away from the camera.
void car(Picture& view, double x, double z, Colour paint) {
  const double half = 0.88;
  const double far_z = z + 4.1;
  const double inner = x < 0 ? x + half : x - half;  // The side towards the middle of the street.
  const double shade = x < 0 ? 0.62 : 0.95;
  flat_part(view, x - half - 0.25, x + half + 0.25, z - 0.3, far_z + 0.2, gray_of(0.05), 0.6);
  for (const double wz : {z + 3.3, z + 0.8}) wheel(view, inner, wz);
  wall_part(view, inner, z, far_z, 0.38, 0.95, paint * shade);
  const double cabin = x < 0 ? inner - 0.12 : inner + 0.12;
  quad(view, {inner, 0.95, z + 0.35}, {inner, 0.95, far_z - 1.0}, {cabin, 1.45, far_z - 1.7}, {cabin, 1.45, z + 0.75},
       Colour{0.12, 0.15, 0.19});
  quad(view, {x - half + 0.12, 1.46, z + 0.7}, {x + half - 0.12, 1.46, z + 0.7}, {x + half - 0.12, 1.46, far_z - 1.7},
       {x - half + 0.12, 1.46, far_z - 1.7}, paint * 1.1);
  front_part(view, x - half, x + half, 0.32, 0.98, z, paint * 0.74);
  quad(view, {x - half + 0.06, 0.98, z}, {x + half - 0.06, 0.98, z}, {x + half - 0.16, 1.46, z + 0.6},
       {x - half + 0.16, 1.46, z + 0.6}, Colour{0.20, 0.26, 0.32});
  front_part(view, x - half, x + half, 0.30, 0.46, z, gray_of(0.16));
  front_part(view, x - 0.26, x + 0.26, 0.58, 0.70, z, gray_of(0.92));
  for (const double lamp : {x - half + 0.05, x + half - 0.30}) {
    front_part(view, lamp, lamp + 0.25, 0.70, 0.88, z, {0.80, 0.08, 0.06});
  }
  for (const double wx : {x - half + 0.05, x + half - 0.25})
    front_part(view, wx, wx + 0.2, 0.0, 0.32, z, gray_of(0.05));
}

void tree(Picture& view, double x, double z, std::uint64_t seed) {
  const double scale = 430 / z;
  draw_line(view, seen({x, 0, z}), seen({x, 3.2, z}), scale * 0.13, through_air({0.24, 0.18, 0.13}, z));
  const Point crown = seen({x, 4.6, z});
  Dice dice(seed);
  for (int i = 0; i < 260; ++i) {
    const double a = dice.between(0, 2 * kPi);
    const double r = std::sqrt(dice.uniform()) * 1.75 * scale;
    const double up = sine(a) * r;
    const double across = cosine(a) * r * 0.9;
    const double light = clamp01(0.42 - 0.30 * up / (1.7 * scale) - 0.22 * across / (1.7 * scale) + dice.bell() * 0.13);
    const Colour leaf = mix(Colour{0.09, 0.17, 0.07}, Colour{0.46, 0.56, 0.20}, light);
    const double size = dice.between(0.12, 0.30) * scale;
    fill_ellipse(view, {crown.x + across, crown.y + up}, size, size * 0.8, through_air(leaf, z));
  }
}

void lamp_post(Picture& view, double x, double z) {
  const double scale = 430 / z;
  const Colour iron = through_air(gray_of(0.16), z);
  const double reach = x < 0 ? 1.4 : -1.4;
  draw_line(view, seen({x, 0, z}), seen({x, 5.6, z}), scale * 0.05, iron);
  draw_line(view, seen({x, 5.6, z}), seen({x + reach, 5.9, z}), scale * 0.04, iron);
  draw_line(view, seen({x + reach, 5.88, z}), seen({x + reach * 1.25, 5.84, z}), scale * 0.10, iron);
}

void person(Picture& view, double x, double z, double stride, Colour coat, Colour trousers) {
  const double scale = 430 / z;
  const auto limb = [&](Place a, Place b, double radius, Colour c) {
    draw_line(view, seen(a), seen(b), radius * scale, through_air(c, z));
  };
  const Point foot = seen({x, 0, z});
  fill_ellipse(view, {foot.x + 0.45 * scale, foot.y}, 0.6 * scale, 0.07 * scale, gray_of(0.08), 0.5);
  limb({x, 0.86, z}, {x - stride, 0.06, z}, 0.085, trousers);
  limb({x, 0.86, z}, {x + stride, 0.06, z}, 0.085, trousers * 0.8);
  limb({x, 0.95, z}, {x, 1.36, z}, 0.19, coat);
  limb({x - 0.20, 1.38, z}, {x - 0.27 + stride * 0.5, 0.90, z}, 0.065, coat * 0.85);
  limb({x + 0.20, 1.38, z}, {x + 0.27 - stride * 0.5, 0.90, z}, 0.065, coat * 0.85);
  limb({x, 1.62, z}, {x, 1.68, z}, 0.105, {0.80, 0.62, 0.50});
  limb({x, 1.72, z}, {x, 1.74, z}, 0.10, {0.18, 0.12, 0.09});
}

void paint_ground_and_sky(Picture& view) {
  view.each([](int x, int y, Colour) {
    if (y < 262) {
      const double cloud = ramp(0.46, 0.74, cloud_noise(x / 170.0, y / 60.0, 5, 301));
      return mix(mix(Colour{0.42, 0.61, 0.86}, kHaze, ramp(0, 262, y)), Colour{0.97, 0.96, 0.95}, cloud * 0.85);
    }
    const double z = 430 * 1.6 / (y - 261.0);
    const double metres = (x - 372) * z / 430;
    const double grit = cloud_noise(metres * 5, z * 5, 3, 302) - 0.5;
    const double patch = cloud_noise(metres / 2, z / 5, 2, 303) - 0.5;
    const bool road = metres > -5.4 && metres < 5.4;
    const double slab = std::abs(metres * 1.4 - std::floor(metres * 1.4) - 0.5) > 0.46 ||
                                std::abs(z * 0.9 - std::floor(z * 0.9) - 0.5) > 0.46
                            ? -0.07
                            : 0.0;
    const Colour base = road ? gray_of(0.36 + 0.13 * grit + 0.10 * patch)
                             : Colour{0.62, 0.60, 0.57} * (1 + 0.14 * grit + (z < 22 ? slab : 0));
    const double house_shadow = ramp(-1.0, -1.25, metres + 0.25 * (cloud_noise(z / 3, 0.5, 2, 304) - 0.5));
    return through_air(base * (1 - 0.48 * house_shadow), z);
  });
  for (int i = 0; i < 16; ++i) flat_part(view, -0.08, 0.08, 3.2 + i * 5.0, 5.6 + i * 5.0, gray_of(0.90), 0.9);
  for (const double side : {-1.0, 1.0})
    flat_part(view, side * 5.35, side * 5.6, 2, 90, gray_of(side < 0 ? 0.42 : 0.72));
  for (int i = 0; i < 9; ++i) flat_part(view, -4.9 + i * 1.14, -4.3 + i * 1.14, 13, 15.6, gray_of(0.93), 0.85);
}

}  // namespace

FileBytes street() {
  Picture view(kWidth, kHeight);
  paint_ground_and_sky(view);
  Dice dice(88);
  constexpr std::array kWalls{Colour{0.80, 0.66, 0.50}, Colour{0.66, 0.38, 0.30}, Colour{0.84, 0.80, 0.72},
                              Colour{0.60, 0.64, 0.66}, Colour{0.78, 0.56, 0.40}, Colour{0.72, 0.70, 0.60}};
  front_part(view, -11, 10, 0, 17, 118, {0.70, 0.64, 0.60});
  front_part(view, -2.4, 2.4, 0, 30, 117, {0.62, 0.56, 0.52});
  const std::array<Point, 3> spire{seen({-2.9, 30, 117}), seen({2.9, 30, 117}), seen({0, 44, 117})};
  fill_polygon(view, spire, through_air({0.30, 0.36, 0.40}, 117));
  for (int i = 8; i >= 0; --i) {
    for (const double side : {-1.0, 1.0}) {
      const double z0 = 5.5 + i * 10.4 + (side > 0 ? 3 : 0);
      const double height = 10.5 + 3.1 * dice.below(3);
      building(view, side, z0, z0 + 10.4, height, kWalls[static_cast<std::size_t>(dice.below(6))], dice);
    }
    const double z = 9.0 + i * 10.4;
    tree(view, 6.5, z + 3, 310 + static_cast<std::uint64_t>(i));
    lamp_post(view, -6.1, z + 2);
    constexpr std::array kPaints{Colour{0.68, 0.10, 0.10}, Colour{0.16, 0.30, 0.52}, Colour{0.80, 0.80, 0.82},
                                 Colour{0.14, 0.15, 0.17}, Colour{0.82, 0.66, 0.20}};
    const auto choice = static_cast<std::size_t>(i);
    if (i != 3) car(view, 4.2, z + 0.5, kPaints[choice % 5]);
    if (i % 3 != 1) car(view, -4.2, z + 3.0, kPaints[(choice + 2) % 5]);
  }
  person(view, -1.9, 14.4, 0.24, {0.72, 0.30, 0.16}, {0.14, 0.16, 0.26});
  person(view, 1.4, 13.6, 0.20, {0.16, 0.34, 0.30}, {0.34, 0.30, 0.26});
  person(view, -6.9, 9.0, 0.16, {0.18, 0.20, 0.34}, {0.12, 0.12, 0.14});
  view.each([](int x, int y, Colour c) {
    const double dx = (x - 360.0) / 460;
    const double dy = (y - 240.0) / 340;
    return c * (1.04 - 0.30 * (dx * dx + dy * dy));
  });
  add_grain(view, 0.026, 320);
  return jpeg(view, {.quality = 78});
}

}  // namespace pixmill::samples
