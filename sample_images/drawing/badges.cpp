#include "sample_images/drawing/lettering.hpp"
#include "sample_images/drawing/samples.hpp"

#include <array>
#include <cmath>
#include <string_view>

namespace pixmill::samples {
namespace {

void paint_mill(Picture& badge) {
  const std::array<Point, 4> tower{Point{148, 152}, {172, 152}, {190, 246}, {130, 246}};
  fill_polygon(badge, tower, rgb(0xf4ead8));
  const std::array<Point, 4> shade{Point{162, 152}, {172, 152}, {190, 246}, {168, 246}};
  fill_polygon(badge, shade, rgb(0xd8c7ab));
  const std::array<Point, 3> cap{Point{143, 154}, {177, 154}, {160, 130}};
  fill_polygon(badge, cap, rgb(0x8c3b2a));
  fill_box(badge, {153, 222}, {167, 246}, rgb(0x6b4630));
  fill_ellipse(badge, {160, 190}, 6, 7, rgb(0x4b5f73));
  const Point hub{160, 148};
  for (int i = 0; i < 4; ++i) {
    const double angle = 0.42 + i * kPi / 2;
    const Placement sail = Placement::at(hub, 1, angle);
    draw_line(badge, hub, sail({0, -88}), 2.0, rgb(0x5a3d2b));
    fill_polygon(badge, std::array<Point, 4>{sail({2, -84}), sail({22, -84}), sail({22, -22}), sail({2, -22})},
                 rgb(0xfbf5e6));
    for (int bar = 0; bar <= 6; ++bar) {
      draw_line(badge, sail({1, -84 + bar * 10.3}), sail({22, -84 + bar * 10.3}), 0.8, rgb(0x8a6a4c));
    }
    draw_line(badge, sail({12, -84}), sail({12, -22}), 0.7, rgb(0x8a6a4c));
    draw_line(badge, sail({22, -84}), sail({22, -22}), 1.0, rgb(0x8a6a4c));
  }
  fill_ellipse(badge, hub, 5.5, 5.5, rgb(0x3d2a1e));
}

/// Letters along a circle about `centre`, upright at its foot.
void write_on_arc(Picture& picture, std::string_view text, Point centre, double radius, double size, Colour colour) {
  const double gap = 2.6;
  double at = -text_width(text, gap) / 2;
  for (const char c : text) {
    const std::string_view letter(&c, 1);
    const double width = text_width(letter);
    const double a = -(at + width / 2) * size / 6 / radius;
    const Point foot{centre.x - radius * sine(a), centre.y + radius * cosine(a)};
    write_centred(picture, letter, foot, {size, size * 0.085, a}, colour);
    at += width + gap;
  }
}

}  // namespace

FileBytes windmill_badge() {
  const int side = 320;
  Picture badge(side, side, rgb(0x101418));
  Mask disc(side, side);
  Mask shadow(side, side);
  add_disc(disc, {160, 154}, 132);
  add_disc(shadow, {166, 168}, 130);
  blur(shadow, 8);
  Picture face(side, side);
  face.each([](int x, int y, Colour) {
    const Colour sky = mix(rgb(0x4d9bd6), rgb(0xd9eefa), y / 250.0);
    const double sun2 = (x - 92.0) * (x - 92.0) + (y - 88.0) * (y - 88.0);
    return mix(sky, rgb(0xfff1b8), 0.9 * decay(sun2 / 900));
  });
  for (const Point cloud : {Point{226, 96}, {92, 136}}) {
    for (const Point puff : {Point{-20, 4}, {0, -4}, {20, 3}, {8, 6}}) {
      fill_ellipse(face, {cloud.x + puff.x, cloud.y + puff.y}, 17, 10, gray_of(1), 0.85);
    }
  }
  fill_ellipse(face, {100, 320}, 190, 104, rgb(0x7fb552));
  fill_ellipse(face, {240, 330}, 170, 100, rgb(0x5d9a3f));
  paint_mill(face);
  tint(badge, disc, gray_of(1));
  badge.each([&](int x, int y, Colour c) { return mix(c, face.at(x, y), disc.at(x, y)); });
  Mask rim(side, side);
  add_ring(rim, {160, 154}, 128, 5);
  tint(badge, rim, rgb(0x23415c));
  Mask line(side, side);
  add_ring(line, {160, 154}, 120, 1.0);
  tint(badge, line, rgb(0xf4ead8));
  write_on_arc(badge, "PIXMILL", {160, 154}, 112, 17, rgb(0xfdf8ea));
  Mask alpha(side, side);
  alpha.each([&](int x, int y, double) { return std::fmax(disc.at(x, y), 0.55 * shadow.at(x, y)); });
  return png_rgba8(badge, alpha);
}

namespace {

void paint_orange(Picture& sheet, Point c, double radius, bool cut) {
  const int r = static_cast<int>(radius) + 1;
  for (int y = static_cast<int>(c.y) - r; y <= static_cast<int>(c.y) + r; ++y) {
    for (int x = static_cast<int>(c.x) - r; x <= static_cast<int>(c.x) + r; ++x) {
      if (x < 0 || y < 0 || x >= sheet.width || y >= sheet.height) continue;
      const double u = (x - c.x) / radius;
      const double v = (y - c.y) / radius;
      const double d = std::sqrt(u * u + v * v);
      const double inside = clamp01((1 - d) * radius + 0.5);
      if (inside <= 0) continue;
      const double pores = cloud_noise(x / 2.2, y / 2.2, 2, 601) - 0.5;
      const double light = 1.08 - 0.42 * d * d - 0.32 * (u * 0.5 + v * 0.6) + 0.07 * pores;
      const double gleam = decay(((u + 0.38) * (u + 0.38) + (v + 0.42) * (v + 0.42)) * 26);
      Colour skin = mix(Colour{0.97, 0.55, 0.07} * light, gray_of(1), 0.55 * gleam);
      if (cut) {
        const double pulp = cloud_noise(x / 3.0, y / 3.0, 3, 602);
        skin = mix(Colour{0.98, 0.62, 0.12}, Colour{1.0, 0.78, 0.30}, pulp);
        if (d > 0.86) skin = d > 0.93 ? Colour{0.95, 0.52, 0.06} : Colour{1.0, 0.94, 0.80};
      }
      sheet.at(x, y) = mix(sheet.at(x, y), skin, inside);
    }
  }
  if (!cut) {
    fill_ellipse(sheet, {c.x + radius * 0.1, c.y - radius * 0.78}, 4, 2.6, rgb(0x5a6b22));
    return;
  }
  for (int i = 0; i < 10; ++i) {
    const double a = 2 * kPi * i / 10 + 0.2;
    draw_line(sheet, c, {c.x + radius * 0.86 * cosine(a), c.y + radius * 0.86 * sine(a)}, radius * 0.022,
              rgb(0xfff0cc));
  }
  fill_ellipse(sheet, c, radius * 0.08, radius * 0.08, rgb(0xfff0cc));
}

void paint_leaf(Picture& sheet, Point root, double length, double radians) {
  const Placement place = Placement::at(root, length, radians);
  std::vector<Point> upper;
  std::vector<Point> lower;
  for (int i = 0; i <= 20; ++i) {
    const double t = i / 20.0;
    const double half = 0.19 * sine(kPi * t) * (1.15 - 0.4 * t);
    upper.push_back(place({t, -half}));
    lower.push_back(place({t, half}));
  }
  std::vector<Point> outline = upper;
  outline.insert(outline.end(), lower.rbegin(), lower.rend());
  fill_polygon(sheet, outline, rgb(0x3f8a34));
  lower.push_back(place({0, 0}));
  fill_polygon(sheet, lower, rgb(0x2f6f2a));
  draw_line(sheet, place({0, 0}), place({0.97, 0}), 0.9, rgb(0x9cc97a));
}

void paint_printers_marks(Picture& sheet) {
  for (const double x : {40.0, 440.0}) {
    for (const double y : {40.0, 600.0}) {
      const double out_x = x < 200 ? -1 : 1;
      const double out_y = y < 300 ? -1 : 1;
      draw_line(sheet, {x + out_x * 8, y}, {x + out_x * 30, y}, 0.5, gray_of(0));
      draw_line(sheet, {x, y + out_y * 8}, {x, y + out_y * 30}, 0.5, gray_of(0));
    }
  }
  constexpr std::array<unsigned, 8> kBar{0x00aeef, 0xec008c, 0xfff200, 0x050505,
                                         0xee3124, 0x00a651, 0x2e3192, 0x808080};
  for (std::size_t i = 0; i < kBar.size(); ++i) {
    const double x = 150 + 23 * static_cast<double>(i);
    fill_box(sheet, {x, 612}, {x + 21, 630}, rgb(kBar[i]));
  }
  for (const Point p : {Point{240, 20}, {20, 320}, {460, 320}}) {
    Mask mark(sheet.width, sheet.height);
    add_ring(mark, p, 7, 0.5);
    add_stroke(mark, {p.x - 12, p.y}, {p.x + 12, p.y}, 0.5);
    add_stroke(mark, {p.x, p.y - 12}, {p.x, p.y + 12}, 0.5);
    tint(sheet, mark, gray_of(0));
  }
}

}  // namespace

FileBytes market_flyer() {
  Picture sheet(480, 640, gray_of(1));
  for (int y = 40; y < 600; ++y) {
    const Colour ground = mix(rgb(0xfff3d2), rgb(0xf7d489), (y - 40) / 560.0);
    for (int x = 40; x < 440; ++x) sheet.at(x, y) = ground;
  }
  fill_box(sheet, {40, 40}, {440, 176}, rgb(0x1f6b4f));
  for (int i = 0; i < 10; ++i) {
    const double x = 40 + i * 40.0;
    fill_box(sheet, {x, 176}, {x + 40, 196}, i % 2 == 0 ? rgb(0xc93a2b) : rgb(0xfffaf0));
    fill_ellipse(sheet, {x + 20, 196}, 19.5, 13, i % 2 == 0 ? rgb(0xc93a2b) : rgb(0xfffaf0));
  }
  write_centred(sheet, "SUMMER", {240, 102}, {42, 4.4, 0, 2.2}, rgb(0xfff3d2));
  write_centred(sheet, "FRUIT MARKET", {240, 154}, {26, 2.7, 0, 2.0}, rgb(0xf6c945));
  fill_ellipse(sheet, {240, 478}, 176, 20, rgb(0x8a6a30), 0.35);
  paint_leaf(sheet, {178, 322}, 92, -2.55);
  paint_leaf(sheet, {328, 308}, 96, -0.45);
  paint_orange(sheet, {166, 384}, 76, false);
  paint_orange(sheet, {316, 376}, 82, false);
  paint_orange(sheet, {240, 420}, 66, true);
  write_centred(sheet, "Saturday 6 July, 8 to 13 h", {240, 534}, {16, 1.5, 0, 1.9}, rgb(0x1f4a38));
  write_centred(sheet, "on the quay behind the old mill", {240, 566}, {12, 1.0, 0, 1.9}, rgb(0x4a3a1c));
  paint_printers_marks(sheet);
  return jpeg(sheet, {.quality = 84, .cmyk = true});
}

}  // namespace pixmill::samples
