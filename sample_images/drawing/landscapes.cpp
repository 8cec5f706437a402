#include "sample_images/drawing/samples.hpp"

#include <array>
#include <cmath>
#include <vector>

namespace pixmill::samples {
namespace {

double hill_line(double x, double base, double height, double width, std::uint64_t seed) {
  return base - height * cloud_noise(x / width, 0.5, 5, seed);
}

/// A fir, its foot at `foot`.
void add_fir(Mask& mask, Point foot, double height, Dice& dice) {
  add_stroke(mask, foot, {foot.x, foot.y - height}, height * 0.012 + 0.4);
  const int whorls = static_cast<int>(height / 4) + 4;
  for (int i = 0; i < whorls; ++i) {
    const double t = 1.0 * i / whorls;
    const double reach = height * 0.22 * (1 - t) + 1;
    const double y = foot.y - height * (0.12 + 0.86 * t);
    for (const double side : {-1.0, 1.0}) {
      const double length = reach * dice.between(0.75, 1.1);
      const std::array<Point, 3> bough{
          Point{foot.x, y - height * 0.05}, {foot.x + side * length, y + height * 0.045}, {foot.x, y + height * 0.02}};
      add_polygon(mask, bough);
    }
  }
}

void add_star(Picture& sky, Point at, double brightness, Colour colour) {
  const int reach = brightness > 2 ? 14 : 4;
  for (int dy = -reach; dy <= reach; ++dy) {
    for (int dx = -reach; dx <= reach; ++dx) {
      const int x = static_cast<int>(at.x) + dx;
      const int y = static_cast<int>(at.y) + dy;
      if (x < 0 || y < 0 || x >= sky.width || y >= sky.height) continue;
      const double r2 = (x - at.x) * (x - at.x) + (y - at.y) * (y - at.y);
      const double light = brightness * (decay(r2 * 1.3) + 0.03 * decay(std::sqrt(r2) / 2.2));
      sky.at(x, y) = sky.at(x, y) + colour * light;
    }
  }
}

Colour star_colour(Dice& dice) {
  const double warmth = dice.uniform();
  return warmth < 0.3 ? Colour{1.0, 0.84, 0.66} : (warmth < 0.7 ? Colour{1, 1, 1} : Colour{0.76, 0.86, 1.0});
}

/// The Milky Way runs from the lower left to the upper right: how much of it is at a pixel.
double milky_way(double x, double y) {
  const double across = (x * 0.62 + y * 0.78 - 470 + 40 * (cloud_noise(x / 160, y / 160, 2, 11) - 0.5)) / 95;
  const double band = decay(across * across);
  const double clouds = cloud_noise(x / 70, y / 70, 5, 12);
  const double lane =
      decay((across + 0.25) * (across + 0.25) * 9) * ramp(0.40, 0.62, cloud_noise(x / 55, y / 55, 4, 13));
  return band * (0.35 + 1.0 * clouds) * (1 - 0.55 * lane);
}

}  // namespace

FileBytes night_sky() {
  Picture sky(800, 540);
  sky.each([](int x, int y, Colour) {
    const double down = y / 540.0;
    const Colour dark = mix(Colour{0.012, 0.022, 0.060}, Colour{0.075, 0.110, 0.170}, down * down);
    const Colour glow = Colour{0.34, 0.19, 0.07} *
                        (decay((430.0 - y) / 60 > 0 ? (430.0 - y) / 60 : 0) * decay((x - 210.0) * (x - 210.0) / 40000));
    return dark + glow + Colour{0.21, 0.20, 0.24} * milky_way(x, y);
  });
  Dice dice(1572);
  for (int i = 0; i < 5200; ++i) {
    Point at{};
    at.x = dice.between(0, 800);
    at.y = dice.between(0, 520);
    const double luck = dice.uniform();
    const Colour colour = star_colour(dice);
    if (dice.uniform() > 0.22 + 1.1 * milky_way(at.x, at.y)) continue;
    add_star(sky, at, 0.07 + 0.22 * luck * luck + 0.5 * luck * luck * luck * luck * luck * luck, colour);
  }
  for (int i = 0; i < 26; ++i) {
    Point at{};
    at.x = dice.between(10, 790);
    at.y = dice.between(10, 400);
    const double brightness = dice.between(0.9, 2.0);
    add_star(sky, at, brightness, star_colour(dice));
  }
  add_star(sky, {598, 132}, 4.2, {0.86, 0.92, 1.0});
  Mask land(800, 540);
  land.each([](int x, int y, double) { return clamp01(y - hill_line(x, 500, 130, 260, 14) + 0.5); });
  tint(sky, land, {0.035, 0.045, 0.065});
  Mask trees(800, 540);
  trees.each([](int x, int y, double) { return clamp01(y - hill_line(x, 560, 110, 190, 15) + 0.5); });
  for (int i = 0; i < 95; ++i) {
    const double x = dice.between(-5, 805);
    const double height = dice.between(18, 62);
    add_fir(trees, {x, hill_line(x, 560, 110, 190, 15) + 6}, height, dice);
  }
  tint(sky, trees, {0.010, 0.012, 0.018});
  add_grain(sky, 0.012, 16);
  return jpeg(sky, {.quality = 82, .progressive = true});
}

namespace {

void paint_sea_and_sky(Picture& view) {
  const double horizon = 430;
  view.each([&](int x, int y, Colour) {
    if (y < horizon) {
      const double down = y / horizon;
      const Colour blue = mix(Colour{0.30, 0.52, 0.80}, Colour{0.93, 0.86, 0.78}, down * down);
      const double cloud = ramp(0.50, 0.72, cloud_noise(x / 150.0, y / (36.0 + 40 * (1 - down)), 5, 201));
      const double belly = cloud_noise(x / 150.0, (y + 14) / (36.0 + 40 * (1 - down)), 5, 201);
      return mix(blue, Colour{1.0, 0.97, 0.94} * (1.02 - 0.22 * ramp(0.5, 0.8, belly)), cloud * 0.92);
    }
    const double near = (y - horizon) / 210;
    const Colour water = mix(Colour{0.52, 0.66, 0.74}, Colour{0.09, 0.28, 0.40}, std::sqrt(near < 1 ? near : 1));
    const double depth = 3 + near * 40;
    const double waves = cloud_noise(x / (depth * 2.4), y * 3.0 / depth, 3, 202);
    return water * (0.82 + 0.36 * waves) + gray_of(0.55 * ramp(0.70, 0.84, waves));
  });
}

double cliff_top(double x) {
  return 470 + 26 * ramp(250, 60, x) * -1 + ramp(250, 430, x) * 190 - 14 * cloud_noise(x / 40, 0.5, 3, 203);
}

void paint_cliff(Picture& view) {
  Mask land(view.width, view.height);
  land.each([](int x, int y, double) { return clamp01(y - cliff_top(x) + 0.5); });
  Picture ground(view.width, view.height);
  ground.each([](int x, int y, Colour) {
    const double below = y - cliff_top(x);
    const double rock = cloud_noise(x / 22.0 + y / 70.0, y / 30.0, 6, 204);
    const Colour grass = mix(Colour{0.24, 0.42, 0.14}, Colour{0.52, 0.62, 0.24}, cloud_noise(x / 9.0, y / 4.0, 4, 205));
    const Colour stone = mix(Colour{0.25, 0.22, 0.20}, Colour{0.66, 0.60, 0.52}, rock);
    const double face =
        ramp(26, 60, below + 40 * (cloud_noise(x / 30.0, y / 30.0, 3, 206) - 0.5)) * ramp(40, 190, x + 0.2 * below);
    return mix(grass, stone, face);
  });
  view.each([&](int x, int y, Colour c) { return mix(c, ground.at(x, y), land.at(x, y)); });
}

/// A round tower: narrower upwards, banded, lit from the left.
void paint_tower(Picture& view) {
  const double top = 150;
  const double foot = 470;
  for (int y = static_cast<int>(top); y < static_cast<int>(foot); ++y) {
    const double t = (y - top) / (foot - top);
    const double half = mix(27, 43, t);
    const bool red = static_cast<int>(t * 5.999) % 2 == 0;
    for (int x = 90; x < 230; ++x) {
      const double across = (x - 160) / half;
      const double inside = clamp01((1 - std::abs(across)) * half + 0.5);
      if (inside <= 0) continue;
      const double light = 0.50 + 0.54 * ramp(1.15, -0.45, across) - 0.10 * ramp(-0.6, -1.0, across);
      const Colour wall = (red ? Colour{0.80, 0.16, 0.13} : Colour{0.95, 0.94, 0.90}) *
                          (light * (0.95 + 0.1 * cloud_noise(x / 5.0, y / 9.0, 2, 207)));
      view.at(x, y) = mix(view.at(x, y), wall, inside);
    }
  }
  const Colour iron{0.14, 0.15, 0.18};
  fill_box(view, {122, 142}, {198, 151}, iron);
  for (int x = 124; x <= 196; x += 8) draw_line(view, {1.0 * x, 128}, {1.0 * x, 144}, 0.8, iron);
  draw_line(view, {122, 128}, {198, 128}, 1.2, iron);
  fill_box(view, {140, 98}, {180, 142}, {0.98, 0.93, 0.62});
  fill_ellipse(view, {160, 121}, 10, 13, {1.0, 1.0, 0.92});
  for (const double x : {140.0, 153.0, 167.0, 180.0}) draw_line(view, {x, 98}, {x, 142}, 1.1, iron);
  const std::array<Point, 3> roof{Point{132, 99}, {188, 99}, {160, 66}};
  fill_polygon(view, roof, {0.62, 0.12, 0.10});
  draw_line(view, {160, 68}, {160, 46}, 1.1, iron);
  fill_ellipse(view, {160, 64}, 4, 4, iron);
  for (const double y : {220.0, 300.0, 380.0}) fill_box(view, {154, y}, {165, y + 19}, {0.16, 0.19, 0.24});
  fill_box(view, {149, 436}, {171, 474}, {0.28, 0.16, 0.10});
}

void paint_cottage(Picture& view) {
  fill_box(view, {22, 428}, {108, 478}, {0.93, 0.91, 0.86});
  fill_box(view, {84, 384}, {98, 416}, {0.48, 0.26, 0.20});
  const std::array<Point, 4> roof{Point{14, 430}, {116, 430}, {98, 398}, {32, 398}};
  fill_polygon(view, roof, {0.38, 0.30, 0.30});
  for (const double x : {32.0, 82.0}) {
    fill_box(view, {x, 440}, {x + 17, 457}, {0.20, 0.28, 0.36});
    draw_line(view, {x + 8.5, 440}, {x + 8.5, 457}, 0.8, gray_of(0.95));
    draw_line(view, {x, 448.5}, {x + 17, 448.5}, 0.8, gray_of(0.95));
  }
  fill_box(view, {57, 441}, {73, 478}, {0.18, 0.38, 0.52});
}

void paint_boat_and_gulls(Picture& view) {
  const std::array<Point, 4> hull{Point{356, 478}, {424, 478}, {412, 493}, {366, 493}};
  const std::array<Point, 3> main_sail{Point{392, 470}, {392, 402}, {430, 470}};
  const std::array<Point, 3> jib{Point{387, 470}, {387, 414}, {360, 470}};
  fill_polygon(view, main_sail, {0.97, 0.96, 0.92});
  fill_polygon(view, jib, {0.90, 0.88, 0.82});
  draw_line(view, {389.5, 478}, {389.5, 396}, 1.0, {0.35, 0.22, 0.12});
  fill_polygon(view, hull, {0.16, 0.22, 0.38});
  for (const Point gull : {Point{300, 150}, {338, 182}, {272, 210}, {396, 120}, {60, 180}}) {
    draw_line(view, {gull.x - 10, gull.y - 4}, gull, 1.2, gray_of(0.22));
    draw_line(view, gull, {gull.x + 10, gull.y - 5}, 1.2, gray_of(0.22));
  }
}

/// The view turned a quarter to the left, as a camera stores it that was held upright: EXIF orientation 6 undoes it.
Picture stored_on_its_side(const Picture& view) {
  Picture stored(view.height, view.width);
  stored.each([&](int x, int y, Colour) { return view.at(view.width - 1 - y, x); });
  return stored;
}

}  // namespace

FileBytes lighthouse() {
  Picture view(480, 640);
  paint_sea_and_sky(view);
  paint_boat_and_gulls(view);
  paint_cliff(view);
  paint_cottage(view);
  paint_tower(view);
  add_grain(view, 0.009, 208);
  return jpeg(stored_on_its_side(view), {.quality = 82, .orientation = 6});
}

}  // namespace pixmill::samples
