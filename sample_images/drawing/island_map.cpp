#include "sample_images/drawing/lettering.hpp"
#include "sample_images/drawing/samples.hpp"

#include <array>
#include <cmath>

namespace pixmill::samples {
namespace {

constexpr int kWidth = 640;
constexpr int kHeight = 480;

/// Indices into the palette.
enum Tint { deep_sea, sea, shallows, shore, lowland = 4, summit = 10, contour, ink, river, road, paper };

const std::vector<Colour>& map_palette() {
  static const std::vector<Colour> palette{rgb(0x6ea3cb), rgb(0x8fbcdd), rgb(0xb5d8ee), rgb(0xf3e7b8),
                                           rgb(0x9fc584), rgb(0xb9d18c), rgb(0xd8dc98), rgb(0xe6cf8b),
                                           rgb(0xd0a86c), rgb(0xb58a62), rgb(0xf7f5f2), rgb(0x8a6a4a),
                                           rgb(0x26282c), rgb(0x3f7fb8), rgb(0xc0392b), rgb(0xfdfbf4)};
  return palette;
}

/// Metres above the sea, below it negative.
double height_at(double x, double y) {
  const double dx = (x - 315) / 268;
  const double dy = (y - 222) / 185;
  const double bay_x = (x - 250) / 95;
  const double bay_y = (y - 400) / 100;
  const double land = 1 - (dx * dx + dy * dy) - 0.95 * decay(bay_x * bay_x + bay_y * bay_y);
  const double rough = cloud_noise(x / 92, y / 92, 6, 501) - 0.5;
  const double ridge = 1 - std::abs(2 * cloud_noise(x / 150, y / 150, 4, 502) - 1);
  return 620 * (land * 0.62 + rough * 0.95) + 300 * ramp(0.15, 0.9, land) * (ridge * ridge * 1.3 - 0.45);
}

int tint_of(double metres) {
  if (metres < -170) return deep_sea;
  if (metres < -60) return sea;
  if (metres < 0) return shallows;
  if (metres < 12) return shore;
  const int step = lowland + static_cast<int>(metres / 95);
  return step < summit ? step : static_cast<int>(summit);
}

void stamp(Plane<int>& map, const Mask& mask, int index) {
  map.each([&](int x, int y, int old) { return mask.at(x, y) >= 0.5 ? index : old; });
}

/// Water runs down the steepest way until it meets the sea.
void trace_river(Mask& rivers, Point p) {
  Point direction{};
  for (int i = 0; i < 900 && height_at(p.x, p.y) > -4; ++i) {
    // The long look and the pull away from the summit carry it past hollows.
    const double gx = height_at(p.x + 9, p.y) - height_at(p.x - 9, p.y) - (p.x - 330) * 0.30;
    const double gy = height_at(p.x, p.y + 9) - height_at(p.x, p.y - 9) - (p.y - 205) * 0.30;
    const double steep = std::sqrt(gx * gx + gy * gy) + 1e-9;
    direction = {direction.x * 0.86 - 0.14 * gx / steep, direction.y * 0.86 - 0.14 * gy / steep};
    const Point next{p.x + direction.x, p.y + direction.y};
    add_stroke(rivers, p, next, 0.6 + i * 0.0016);
    p = next;
  }
}

struct Town {
  Point at;
  std::string_view name;
  Point label;
};
constexpr std::array kTowns = std::to_array<Town>({
    {{246, 342}, "Harbour", {176, 336}},
    {{160, 210}, "Wells", {116, 200}},
    {{420, 300}, "Mill End", {432, 318}},
    {{330, 122}, "North Light", {344, 110}},
});

void letter(Plane<int>& map, std::string_view text, Point at, const TextStyle& style, int index) {
  Mask halo(kWidth, kHeight);
  TextStyle wide = style;
  wide.radius_px += 1.6;
  write_text(halo, text, at, wide);
  if (index == ink) stamp(map, halo, paper);
  Mask mask(kWidth, kHeight);
  write_text(mask, text, at, style);
  stamp(map, mask, index);
}

void draw_margin(Plane<int>& map) {
  Mask lines(kWidth, kHeight);
  const std::array<Point, 5> frame{Point{8, 8}, {631, 8}, {631, 471}, {8, 471}, {8, 8}};
  add_path(lines, frame, 1.2);
  for (int x = 104; x < 631; x += 104) {
    add_stroke(lines, {1.0 * x, 8}, {1.0 * x, 15}, 0.6);
    add_stroke(lines, {1.0 * x, 464}, {1.0 * x, 471}, 0.6);
  }
  for (int y = 104; y < 471; y += 104) {
    add_stroke(lines, {8, 1.0 * y}, {15, 1.0 * y}, 0.6);
    add_stroke(lines, {624, 1.0 * y}, {631, 1.0 * y}, 0.6);
  }
  Mask card(kWidth, kHeight);
  add_box(card, {446, 392}, {622, 462});
  stamp(map, card, paper);
  const std::array<Point, 5> border{Point{446, 392}, {622, 392}, {622, 462}, {446, 462}, {446, 392}};
  add_path(lines, border, 0.6);
  for (int i = 0; i < 4; ++i) {
    const Point a{460.0 + i * 34, 438};
    add_path(lines, std::array<Point, 5>{a, Point{a.x + 34, a.y}, {a.x + 34, a.y + 6}, {a.x, a.y + 6}, a}, 0.5);
    if (i % 2 == 0) add_box(lines, a, {a.x + 34, a.y + 6});
  }
  add_polygon(lines, std::array<Point, 3>{Point{590, 66}, {602, 66}, {596, 34}});
  write_centred(lines, "N", {596, 84}, {11, 1.0});
  stamp(map, lines, ink);
  letter(map, "Isle of Marrow", {458, 412}, {11, 1.0, 0, 2.0}, ink);
  letter(map, "0", {458, 457}, {7, 0.8}, ink);
  letter(map, "2 km", {582, 457}, {7, 0.8}, ink);
  letter(map, "contours 60 m", {458, 430}, {8, 0.8}, ink);
}

}  // namespace

FileBytes island_map() {
  Mask height(kWidth, kHeight);
  height.each([](int x, int y, double) { return height_at(x, y); });
  Plane<int> map(kWidth, kHeight);
  map.each([&](int x, int y, int) { return tint_of(height.at(x, y)); });
  const auto step = [&](int x, int y) { return static_cast<int>(std::floor(height.at(x, y) / 60)); };
  map.each([&](int x, int y, int old) {
    if (x + 1 == kWidth || y + 1 == kHeight || height.at(x, y) < 0) return old;
    const bool crosses = step(x, y) != step(x + 1, y) || step(x, y) != step(x, y + 1);
    return crosses ? static_cast<int>(contour) : old;
  });
  Mask rivers(kWidth, kHeight);
  for (const Point spring : {Point{360, 215}, {220, 160}, {420, 170}}) trace_river(rivers, spring);
  stamp(map, rivers, river);
  Mask roads(kWidth, kHeight);
  for (std::size_t i = 1; i < kTowns.size(); ++i) {
    Point last = kTowns[0].at;
    for (int k = 1; k <= 60; ++k) {
      const double t = k / 60.0;
      const double sway = 34 * sine(kPi * t) * (cloud_noise(t * 3, 1.0 * static_cast<double>(i), 2, 503) - 0.5) * 2;
      const Point p{mix(kTowns[0].at.x, kTowns[i].at.x, t) + sway, mix(kTowns[0].at.y, kTowns[i].at.y, t) + sway};
      add_stroke(roads, last, p, 0.9);
      last = p;
    }
  }
  stamp(map, roads, road);
  for (const Town& town : kTowns) {
    Mask outer(kWidth, kHeight);
    Mask inner(kWidth, kHeight);
    add_disc(outer, town.at, 4.5);
    add_disc(inner, town.at, 2.4);
    stamp(map, outer, ink);
    stamp(map, inner, paper);
    letter(map, town.name, town.label, {9, 0.9, 0, 2.0}, ink);
  }
  draw_margin(map);
  return png_palette4(map, map_palette());
}

}  // namespace pixmill::samples
