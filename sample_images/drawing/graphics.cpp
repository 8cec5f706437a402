#include "sample_images/drawing/lettering.hpp"
#include "sample_images/drawing/samples.hpp"

#include <array>
#include <cmath>
#include <string>
#include <string_view>

namespace pixmill::samples {
namespace {

/// Surface colours of everyday things, in rows from earth to sky; the last row is neutral.
constexpr std::array<unsigned, 24> kPatches{0x6b4a3a, 0xc69a82, 0x5f7a9c, 0x56693f, 0x8480b0, 0x6ab8a6,
                                            0xd57a2c, 0x4a5aa6, 0xc05561, 0x5a3c68, 0x9ebb42, 0xe2a430,
                                            0x2f4390, 0x47934a, 0xae3238, 0xe8c61f, 0xb85494, 0x1a84a4,
                                            0xf2f2f0, 0xc8c8c8, 0xa0a0a0, 0x7a7a7a, 0x545454, 0x343434};

}  // namespace

FileBytes colour_chart() {
  Picture chart(640, 500, rgb(0x1c1c1e));
  for (int i = 0; i < 24; ++i) {
    const int row = i / 6;
    const double x = 30 + 98 * (i % 6);
    const double y = 30 + 90 * row;
    fill_box(chart, {x, y}, {x + 90, y + 74}, rgb(kPatches[static_cast<std::size_t>(i)]));
    const std::string name{static_cast<char>('A' + row), static_cast<char>('1' + i % 6)};
    write_text(chart, name, {x + 1, y + 84}, {6, 0.6, 0, 2.0}, gray_of(0.85));
  }
  for (int x = 30; x < 610; ++x) {
    const double t = (x - 30) / 579.0;
    fill_box(chart, {x - 0.5, 398}, {x + 0.5, 424}, gray_of(t));
    const auto peak = [&](double at) { return clamp01(1.5 - std::abs((t - at) * 4.5)); };
    fill_box(chart, {x - 0.5, 428}, {x + 0.5, 454}, {clamp01(peak(0.02) + peak(0.98)), peak(0.34), peak(0.66)});
  }
  write_text(chart, "pixmill colour chart", {30, 482}, {10, 0.8, 0, 2.0}, gray_of(0.9));
  for (int i = 0; i < 12; ++i)
    fill_box(chart, {490.0 + i * 10, 468}, {500.0 + i * 10, 484}, gray_of(i % 2 == 0 ? 1 : 0));
  return png_rgb8(chart);
}

namespace {

constexpr std::array<double, 12> kRain{71, 58, 62, 48, 44, 39, 31, 42, 66, 88, 97, 84};
constexpr std::array<double, 12> kWarmth{3.1, 3.6, 6.2, 9.4, 13.0, 16.3, 18.8, 18.4, 15.2, 11.1, 6.8, 4.0};
constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

}  // namespace

FileBytes rainfall_chart() {
  Picture chart(720, 440, gray_of(1));
  const double left = 70;
  const double foot = 372;
  const auto rain_y = [&](double mm) { return foot - mm * 2.6; };
  const Colour ink = rgb(0x2b2f36);
  for (int mm = 0; mm <= 100; mm += 20) {
    draw_line(chart, {left, rain_y(mm)}, {660, rain_y(mm)}, 0.5, rgb(mm == 0 ? 0x2b2f36 : 0xd5d9df));
    const std::string label = std::to_string(mm);
    const TextStyle small{8, 0.6, 0, 1.8};
    write_text(chart, label, {left - 10 - text_width(label) * 8 / 6, rain_y(mm) + 4}, small, ink);
    write_text(chart, std::to_string(mm / 5), {670, rain_y(mm) + 4}, small, rgb(0xb3431f));
  }
  for (std::size_t i = 0; i < kRain.size(); ++i) {
    const double x = left + 14 + 48.5 * static_cast<double>(i);
    fill_box(chart, {x, rain_y(kRain[i])}, {x + 32, foot}, rgb(0x4f86c6));
    write_centred(chart, kMonths[i], {x + 16, foot + 20}, {8, 0.6, 0, 1.8}, ink);
    write_centred(chart, std::to_string(static_cast<int>(kRain[i])), {x + 16, rain_y(kRain[i]) - 5}, {6.5, 0.5, 0, 1.8},
                  rgb(0x2f5c94));
  }
  Point last{};
  for (std::size_t i = 0; i < kWarmth.size(); ++i) {
    const Point p{left + 30 + 48.5 * static_cast<double>(i), rain_y(kWarmth[i] * 5)};
    if (i > 0) draw_line(chart, last, p, 1.4, rgb(0xd9562b));
    last = p;
  }
  for (std::size_t i = 0; i < kWarmth.size(); ++i) {
    const Point p{left + 30 + 48.5 * static_cast<double>(i), rain_y(kWarmth[i] * 5)};
    fill_ellipse(chart, p, 5, 5, gray_of(1));
    fill_ellipse(chart, p, 3.6, 3.6, rgb(0xd9562b));
  }
  write_text(chart, "Rain and warmth at the harbour station", {left, 40}, {14, 1.1, 0, 1.9}, ink);
  write_text(chart, "monthly means over thirty years", {left, 64}, {9, 0.65, 0, 1.9}, rgb(0x6a7078));
  fill_box(chart, {left, 404}, {left + 16, 416}, rgb(0x4f86c6));
  write_text(chart, "rain, mm", {left + 24, 414}, {8, 0.6, 0, 1.8}, ink);
  draw_line(chart, {230, 410}, {254, 410}, 1.4, rgb(0xd9562b));
  write_text(chart, "warmth, degrees", {262, 414}, {8, 0.6, 0, 1.8}, ink);
  return png_rgb8(chart, true);
}

namespace {

/// A plan being drawn: ink on white, in pixels, 80 to a metre.
struct Plan {
  Mask ink{900, 640};
  void wall(Point a, Point b, double half_width = 5) {
    add_box(ink, {a.x - half_width, a.y - half_width}, {b.x + half_width, b.y + half_width});
  }
  void line(Point a, Point b, double radius = 0.6) { add_stroke(ink, a, b, radius); }
  void outline(Point a, Point b) {
    const std::array<Point, 5> path{a, Point{b.x, a.y}, b, Point{a.x, b.y}, a};
    add_path(ink, path, 0.6);
  }
  void clear(Point a, Point b) {
    for (int y = static_cast<int>(a.y); y <= static_cast<int>(b.y); ++y) {
      for (int x = static_cast<int>(a.x); x <= static_cast<int>(b.x); ++x) ink.at(x, y) = 0;
    }
  }
  void window(Point a, Point b) {
    clear({a.x - 5, a.y - 5}, {b.x + 5, b.y + 5});
    outline({a.x - 4, a.y - 4}, {b.x + 4, b.y + 4});
    line(a, b);
  }
  /// An opening of `width` at the hinge, the leaf drawn open and the quarter circle of its swing.
  void door(Point hinge, Point along, Point swing, double width) {
    const Point end{hinge.x + along.x * width, hinge.y + along.y * width};
    clear({std::fmin(hinge.x, end.x) - 5 * std::abs(along.y), std::fmin(hinge.y, end.y) - 5 * std::abs(along.x)},
          {std::fmax(hinge.x, end.x) + 5 * std::abs(along.y), std::fmax(hinge.y, end.y) + 5 * std::abs(along.x)});
    const Point leaf{hinge.x + swing.x * width, hinge.y + swing.y * width};
    line(hinge, leaf, 1.2);
    Point last = leaf;
    for (int i = 1; i <= 24; ++i) {
      const double a = kPi / 2 * i / 24;
      const Point p{hinge.x + width * (swing.x * cosine(a) + along.x * sine(a)),
                    hinge.y + width * (swing.y * cosine(a) + along.y * sine(a))};
      line(last, p);
      last = p;
    }
  }
  void label(std::string_view name, std::string_view area, Point at) {
    write_centred(ink, name, at, {13, 1.2, 0, 2.2});
    write_centred(ink, area, {at.x, at.y + 22}, {10, 1.0, 0, 2.2});
  }
  void distance(Point a, Point b, std::string_view text) {
    line(a, b);
    const bool level = a.y == b.y;
    for (const Point p : {a, b}) line({p.x - 4, p.y + 4}, {p.x + 4, p.y - 4}, 0.9);
    if (level) {
      write_centred(ink, text, {(a.x + b.x) / 2, a.y - 6}, {10, 1.0, 0, 2.2});
    } else {
      write_centred(ink, text, {a.x - 6, (a.y + b.y) / 2}, {10, 1.0, -kPi / 2, 2.2});
    }
  }
};

void build_walls(Plan& plan) {
  plan.wall({100, 80}, {800, 80}, 7);
  plan.wall({100, 540}, {800, 540}, 7);
  plan.wall({100, 80}, {100, 540}, 7);
  plan.wall({800, 80}, {800, 540}, 7);
  plan.wall({440, 80}, {440, 330});
  plan.wall({100, 330}, {800, 330});
  plan.wall({300, 330}, {300, 540});
  plan.wall({560, 330}, {560, 540});
  plan.window({180, 80}, {340, 80});
  plan.window({540, 80}, {700, 80});
  plan.window({800, 150}, {800, 260});
  plan.window({160, 540}, {240, 540});
  plan.window({630, 540}, {740, 540});
  plan.door({360, 330}, {1, 0}, {0, -1}, 64);
  plan.door({530, 330}, {-1, 0}, {0, -1}, 64);
  plan.door({300, 356}, {0, 1}, {-1, 0}, 58);
  plan.door({560, 358}, {0, 1}, {1, 0}, 62);
  plan.door({400, 540}, {1, 0}, {0, -1}, 72);
}

void furnish(Plan& plan) {
  plan.outline({125, 140}, {175, 290});  // Sofa.
  plan.outline({125, 140}, {140, 290});
  plan.line({140, 190}, {175, 190});
  plan.line({140, 240}, {175, 240});
  plan.outline({205, 180}, {265, 250});
  add_ring(plan.ink, {360, 170}, 38, 0.6);
  for (int i = 0; i < 4; ++i) {
    const double a = kPi / 2 * i + kPi / 4;
    add_ring(plan.ink, {360 + 54 * cosine(a), 170 + 54 * sine(a)}, 11, 0.6);
  }
  plan.outline({640, 105}, {785, 240});  // Bed.
  plan.outline({745, 115}, {777, 168});
  plan.outline({745, 177}, {777, 230});
  plan.line({725, 105}, {725, 240});
  plan.outline({455, 95}, {500, 230});
  plan.line({455, 95}, {500, 230});
  plan.outline({112, 490}, {285, 528});  // Bath.
  plan.outline({122, 496}, {275, 522});
  add_ring(plan.ink, {135, 509}, 4, 0.6);
  add_ring(plan.ink, {132, 400}, 14, 0.6);
  plan.outline({112, 382}, {120, 418});
  plan.outline({572, 490}, {788, 530});  // Kitchen counter.
  for (const Point hob : {Point{600, 501}, {622, 501}, {600, 519}, {622, 519}}) add_ring(plan.ink, hob, 7, 0.6);
  plan.outline({680, 498}, {730, 522});
  plan.outline({735, 345}, {788, 400});
  plan.line({735, 345}, {788, 400});
}

}  // namespace

FileBytes floor_plan() {
  Plan plan;
  build_walls(plan);
  furnish(plan);
  plan.label("LIVING ROOM", "13.3 m2", {265, 278});
  plan.label("BEDROOM", "14.1 m2", {640, 278});
  plan.label("BATH", "6.6 m2", {215, 440});
  plan.label("HALL", "8.5 m2", {430, 430});
  plan.label("KITCHEN", "7.9 m2", {675, 440});
  plan.distance({100, 50}, {440, 50}, "4.25");
  plan.distance({440, 50}, {800, 50}, "4.50");
  plan.distance({62, 80}, {62, 330}, "3.13");
  plan.distance({62, 330}, {62, 540}, "2.63");
  write_text(plan.ink, "Flat 7, second floor", {100, 604}, {14, 1.2, 0, 2.0});
  write_text(plan.ink, "scale 1:50   drawn 14.03.", {370, 604}, {10, 1.0, 0, 2.2});
  add_ring(plan.ink, {760, 592}, 20, 0.7);
  add_polygon(plan.ink, std::array<Point, 3>{Point{752, 604}, {768, 604}, {760, 566}});
  write_centred(plan.ink, "N", {760, 562}, {9, 0.9});
  Mask paper(plan.ink.width, plan.ink.height);
  paper.each([&](int x, int y, double) { return 1 - plan.ink.at(x, y); });
  return png_two_level(paper);
}

}  // namespace pixmill::samples
