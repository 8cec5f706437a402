#include "sample_images/drawing/lettering.hpp"
#include "sample_images/drawing/samples.hpp"

#include <array>
#include <cmath>
#include <string_view>

namespace pixmill::samples {
namespace {

constexpr std::array kPageLines = std::to_array<std::string_view>({
    "A page is never lit evenly. The lamp stands on one side, the",
    "hand that holds the camera throws a shadow on the other, and",
    "the paper bends towards its spine. The eye does not mind: it",
    "compares each letter with the paper around it, and reads on.",
    "",
    "A single threshold cannot do so. Whatever level we choose, the",
    "dark corner turns black together with its words, or the bright",
    "one fades to white. Otsu's method finds the best single level,",
    "and on this page the best is not good enough.",
    "",
    "An adaptive threshold asks, for each pixel, what its surround-",
    "ings look like, and takes their mean less a constant. The win-",
    "dow should be wider than a stroke and smaller than the shadow.",
    "For print at this size, 41 pixels do well.",
});

struct Row {
  std::string_view name, first, second, third;
};
constexpr std::array kTable = std::to_array<Row>({
    {"Place on the desk", "morning", "noon", "lamp"},
    {"by the window", "640", "1180", "35"},
    {"in the middle", "310", "520", "140"},
    {"under the shelf", "85", "120", "410"},
    {"on the far side", "60", "95", "55"},
});

constexpr double kPageTilt = -0.012;

void print_table(Mask& ink, const Placement& page, double top) {
  const TextStyle body{12.4, 0.9, kPageTilt, 1.8};
  double y = top;
  for (const Row& row : kTable) {
    write_text(ink, row.name, page({112, y}), body);
    write_text(ink, row.first, page({370, y}), body);
    write_text(ink, row.second, page({490, y}), body);
    write_text(ink, row.third, page({620, y}), body);
    if (y == top) add_stroke(ink, page({100, y + 10}), page({740, y + 10}), 0.7);
    y += y == top ? 34 : 28;
  }
  add_stroke(ink, page({100, top - 26}), page({740, top - 26}), 1.1);
  add_stroke(ink, page({100, y - 14}), page({740, y - 14}), 1.1);
}

/// Handwriting: the alphabet slanted, each letter a little off, the pen heavier on the way down.
void write_by_hand(Mask& ink, std::string_view text, Point start, double size, Dice& dice) {
  double x = start.x;
  Point last{-1, -1};
  for (const char c : text) {
    const double lift = dice.bell() * size * 0.035;
    const double scale = size / 6 * (1 + dice.bell() * 0.04);
    const double slant = 0.34 + dice.bell() * 0.03;
    const std::string_view letter(&c, 1);
    const Placement place{scale, -slant * scale, 0, scale, x, start.y + lift + sine(x / 90) * size * 0.08};
    Point last_of_letter{-1, -9};
    for (const std::vector<Point>& path : text_paths(letter)) {
      Point from = place(path.front());
      if (last.x >= 0 && path.front().y > -5 && path.front().x < 1) {
        // The pen stays on the paper between small letters, where the next one begins at its left.
        const Point dip{(last.x + from.x) / 2, std::fmax(last.y, from.y) + size * 0.02};
        add_stroke(ink, last, dip, size * 0.022, 0.75);
        add_stroke(ink, dip, from, size * 0.022, 0.75);
      }
      for (const Point p : path) {
        const Point to = place(p);
        const double down = clamp01((to.y - from.y) / (size * 0.3));
        add_stroke(ink, from, to, size * (0.038 + 0.050 * down), 0.86 + 0.14 * down);
        from = to;
        last_of_letter = p;
      }
      last = {-1, -1};
    }
    const bool ends_low = c >= 'a' && c <= 'z' && last_of_letter.y > -1.5 && last_of_letter.y < 0.5;
    last = ends_low ? place(last_of_letter) : Point{-1, -1};
    x += (text_width(letter) + (c == ' ' ? 1.6 : 1.5)) * scale;
  }
}

constexpr std::array kLetterLines = std::to_array<std::string_view>({
    "Harbour Cottage, 3 October",
    "",
    "Dear Eleanor,",
    "the gale has blown for two days now and the",
    "boats are all drawn up on the shingle. We sit by",
    "the stove and mend nets, and your brother reads",
    "to us from the almanac. The roof has held.",
    "",
    "I send you the map of the island that you asked",
    "for, with the wells marked in red. Do not lend it",
    "to the surveyor: his last one came back with tea",
    "on every bay. The mill turns again since Monday.",
    "",
    "Write soon, and bring the brass lamp when you",
    "come. The evenings are long already.",
    "",
    "          Yours, Margaret",
});

constexpr std::array kBackLines = std::to_array<std::string_view>({
    "P.S. The hens are well and lay more than we",
    "can eat, so I have traded two dozen for a coil",
    "of rope. Thomas says that the new light on the",
    "point will be finished before the winter, and",
    "that it can be seen for eleven miles. We shall",
    "walk out to it when you are here.",
    "",
    "The bill from the chandler is enclosed. I think",
    "he has counted the tar twice; please ask him",
    "about it when you pass, but kindly.",
    "",
    "Of the seven letters that you sent, five came.",
});

Mask letter_side(std::span<const std::string_view> lines, int width, int height, double top, std::uint64_t seed) {
  Mask ink(width, height);
  Dice dice(seed);
  double y = top;
  for (const std::string_view line : lines) {
    const double indent = 62 + dice.bell() * 4;
    write_by_hand(ink, line, {indent, y}, 17, dice);
    y += line.empty() ? 26 : 46 + dice.bell() * 1.5;
  }
  return ink;
}

}  // namespace

FileBytes scanned_page() {
  Picture page(840, 1080);
  const Placement place = Placement::at({10, 24}, 1, kPageTilt);
  Mask ink(page.width, page.height);
  write_text(ink, "On reading in bad light", place({100, 120}), {26, 2.0, kPageTilt, 2.0});
  write_text(ink, "Notes from the workshop, no. 17", place({100, 160}), {12, 0.7, kPageTilt, 2.2});
  double y = 222;
  for (const std::string_view line : kPageLines) {
    write_text(ink, line, place({100, y}), {12.4, 0.95, kPageTilt, 1.8});
    y += line.empty() ? 16 : 32;
  }
  write_text(ink, "Light on the desk, in lux, as measured in March", place({100, y + 34}), {12, 0.85, kPageTilt, 1.8});
  print_table(ink, place, y + 90);
  write_centred(ink, "- 4 -", place({420, 1020}), {12, 0.8, kPageTilt});
  page.each([&](int px, int py, Colour) {
    const double fibre = cloud_noise(px / 7.0, py / 5.0, 3, 41) - 0.5;
    const double lamp_x = (px - 160.0) / 900;
    const double lamp_y = (py - 120.0) / 1000;
    const double lamp = 1 / (1 + 1.1 * (lamp_x * lamp_x + lamp_y * lamp_y));
    const double edge = px * 0.62 + py - 1010 + 60 * sine(px / 150.0);
    const double shadow = mix(1, 0.42, ramp(-130, 130, edge));
    const double spine = mix(0.62, 1, ramp(-40, 70, px));
    const Colour paper = Colour{0.97, 0.945, 0.89} * (1 + fibre * 0.05);
    const Colour light = Colour{1.0, 0.985, 0.955} * (lamp * shadow * spine);
    return mix(paper, Colour{0.10, 0.10, 0.12}, ink.at(px, py) * 0.93) * light;
  });
  add_grain(page, 0.011, 5);
  return jpeg(page, {.quality = 80});
}

FileBytes old_letter() {
  const int width = 760;
  const int height = 900;
  const Mask front = letter_side(kLetterLines, width, height, 92, 7);
  const Mask back = letter_side(kBackLines, width, height, 118, 8);
  Mask through(width, height);
  through.each([&](int x, int y, double) { return back.at(width - 1 - x, y); });
  blur(through, 2);
  Picture sheet(width, height);
  sheet.each([&](int x, int y, Colour) {
    const double stain = ramp(0.46, 0.62, cloud_noise(x / 260.0, y / 260.0, 4, 77));
    const double fibre = cloud_noise(x / 3.0, y / 9.0, 2, 78) - 0.5;
    const double border = ramp(0, 90, std::fmin(std::fmin(x, width - 1 - x), std::fmin(y, height - 1 - y)));
    const double fold = 1 - 0.10 * decay(std::abs(y - 452 - 2 * sine(x / 60.0)) / 3.0);
    const double paper = (0.87 - 0.17 * stain + 0.05 * fibre) * mix(0.80, 1, border) * fold;
    const double worn = 0.72 + 0.28 * cloud_noise(x / 14.0, y / 14.0, 2, 79);
    const double seen = paper * (1 - 0.40 * through.at(x, y) * (0.6 + 0.4 * stain));
    return gray_of(mix(seen, 0.17, front.at(x, y) * worn * 0.92) + grain(x, y, 80) * 0.012);
  });
  return jpeg(sheet, {.quality = 78, .gray = true});
}

FileBytes rubber_stamp() {
  Mask mark(420, 260);
  const double tilt = -0.16;
  const Placement place = Placement::at({210, 130}, 1, tilt);
  const auto frame = [&](double half_width, double half_height, double radius) {
    const std::array<Point, 5> corners{place({-half_width, -half_height}), place({half_width, -half_height}),
                                       place({half_width, half_height}), place({-half_width, half_height}),
                                       place({-half_width, -half_height})};
    add_path(mark, corners, radius);
  };
  frame(180, 84, 3.6);
  frame(170, 74, 1.4);
  write_centred(mark, "RECEIVED", place({0, 14}), {38, 3.8, tilt, 2.6});
  write_centred(mark, "14 MAR 2024", place({0, 56}), {23, 2.3, tilt, 2.4});
  write_centred(mark, "* REGISTRY OFFICE *", place({0, -42}), {13, 1.5, tilt, 2.8});
  blur(mark, 1);
  Mask gray(mark.width, mark.height);
  Mask alpha(mark.width, mark.height);
  gray.each([&](int x, int y, double) { return 0.22 + 0.12 * cloud_noise(x / 30.0, y / 30.0, 2, 21); });
  alpha.each([&](int x, int y, double) {
    const double speckle = ramp(0.24, 0.44, cloud_noise(x / 3.2, y / 3.2, 2, 22));
    const double pressure = ramp(0.25, 0.6, cloud_noise(x / 90.0, y / 60.0, 2, 23));
    return ramp(0.2, 0.7, mark.at(x, y)) * mix(0.3, 1, speckle) * mix(0.55, 0.95, pressure);
  });
  return png_gray_alpha8(gray, alpha);
}

}  // namespace pixmill::samples
