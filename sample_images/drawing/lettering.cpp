#include "sample_images/drawing/lettering.hpp"

#include <algorithm>
#include <array>

namespace pixmill::samples {
namespace {

struct Glyph {
  char letter;
  /// Pen paths separated by '|'; each a list of points "xy" of two digits. Capitals reach from y 0 to the base line at
  /// 6, small letters from 2, descenders to 8. '~' before a path: the points are the corners of a smooth curve.
  std::string_view paths;
};

constexpr std::array kGlyphs = std::to_array<Glyph>({
    {'a', "~42 02 06 46|42 46"},
    {'b', "00 06|~02 42 46 06"},
    {'c', "~43 32 02 06 36 45"},
    {'d', "~42 02 06 46|40 46"},
    {'e', "04 44|~44 42 02 06 36 45"},
    {'f', "~30 10 12 16|02 32"},
    {'g', "~42 02 06 46|~42 44 48 18 07"},
    {'h', "00 06|~04 02 42 44 46"},
    {'i', "02 06|00 00"},
    {'j', "~12 16 18 08|10 10"},
    {'k', "00 06|32 04|14 36"},
    {'l', "00 06"},
    {'m', "02 06|~04 02 32 34 36|~34 32 62 64 66"},
    {'n', "02 06|~04 02 42 44 46"},
    {'o', "~22 02 06 26|~22 42 46 26"},
    {'p', "02 08|~02 42 46 06"},
    {'q', "~42 02 06 46|42 48"},
    {'r', "02 06|~04 02 32"},
    {'s', "~33 32 02 04 34 36 06 05"},
    {'t', "~10 14 16 36|02 32"},
    {'u', "~02 04 06 46 44|42 46"},
    {'v', "02 26 42"},
    {'w', "02 16 32 46 62"},
    {'x', "02 46|42 06"},
    {'y', "02 26|42 26 18 08"},
    {'z', "02 42 06 46"},
    {'A', "06 20 46|14 34"},
    {'B', "00 06|~00 40 43 03|~03 43 46 06|00 10|06 16"},
    {'C', "~41 40 00 03 06 46 45"},
    {'D', "00 06|~00 40 43 46 06"},
    {'E', "40 00 06 46|03 33"},
    {'F', "40 00 06|03 33"},
    {'G', "~41 40 00 03 06 46 44|44 24"},
    {'H', "00 06|40 46|03 43"},
    {'I', "00 06"},
    {'J', "~30 34 36 06 05"},
    {'K', "00 06|40 03|13 46"},
    {'L', "00 06 46"},
    {'M', "06 00 24 40 46"},
    {'N', "06 00 46 40"},
    {'O', "~20 00 03 06 26|~20 40 43 46 26"},
    {'P', "00 06|~00 40 43 03"},
    {'Q', "~20 00 03 06 26|~20 40 43 46 26|24 47"},
    {'R', "00 06|~00 40 43 03|23 46"},
    {'S', "~41 40 00 03 43 46 06 05"},
    {'T', "20 26|00 40"},
    {'U', "~00 04 06 46 44 40"},
    {'V', "00 26 40"},
    {'W', "00 16 32 46 60"},
    {'X', "00 46|40 06"},
    {'Y', "00 23 40|23 26"},
    {'Z', "00 40 06 46"},
    {'0', "~20 00 03 06 26|~20 40 43 46 26"},
    {'1', "01 20 26"},
    {'2', "~01 00 40 42 24 06|06 46"},
    {'3', "~01 00 40 43 13|~13 43 46 06 05"},
    {'4', "36 30 04 44"},
    {'5', "40 00 03|~03 43 46 06 05"},
    {'6', "~40 00 03 06 46 43 03 05"},
    {'7', "00 40 16"},
    {'8', "~20 00 03 23|~20 40 43 23|~23 03 06 26|~23 43 46 26"},
    {'9', "~41 43 03 00 40 43 46 06"},
    {'.', "06 06"},
    {',', "16 07"},
    {':', "03 03|06 06"},
    {';', "13 13|16 07"},
    {'-', "04 24"},
    {'/', "07 30"},
    {'\'', "00 01"},
    {'(', "~20 02 04 27"},
    {')', "~00 22 24 07"},
    {'+', "04 44|22 26"},
    {'=', "03 43|05 45"},
    {'%', "06 40|01 01|45 45"},
    {'!', "00 04|06 06"},
    {'?', "~01 00 40 43 23 24|26 26"},
    {'_', "07 47"},
    {'*', "13 35|33 15|23 25"},
    {'#', "10 06|30 26|02 42|04 44"},
});

/// Chaikin's corner cutting, which keeps the ends.
std::vector<Point> smoothed(const std::vector<Point>& corners) {
  std::vector<Point> path = corners;
  for (int pass = 0; pass < 3 && path.size() > 2; ++pass) {
    std::vector<Point> next{path.front()};
    for (std::size_t i = 0; i + 1 < path.size(); ++i) {
      const Point a = path[i];
      const Point b = path[i + 1];
      if (i > 0) next.push_back({a.x * 0.75 + b.x * 0.25, a.y * 0.75 + b.y * 0.25});
      if (i + 2 < path.size()) next.push_back({a.x * 0.25 + b.x * 0.75, a.y * 0.25 + b.y * 0.75});
    }
    next.push_back(path.back());
    path = next;
  }
  return path;
}

struct Letter {
  std::vector<std::vector<Point>> paths;
  double width = 2;
};

Letter letter_for(char c) {
  Letter letter;
  const auto* const glyph = std::find_if(kGlyphs.begin(), kGlyphs.end(), [c](const Glyph& g) { return g.letter == c; });
  if (glyph == kGlyphs.end()) return letter;
  letter.width = 0;
  std::vector<Point> corners;
  bool smooth = false;
  const auto finish = [&] {
    letter.paths.push_back(smooth ? smoothed(corners) : corners);
    corners.clear();
    smooth = false;
  };
  const std::string_view text = glyph->paths;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '~') smooth = true;
    if (text[i] == '|') finish();
    if (text[i] < '0' || text[i] > '9') continue;
    corners.push_back({1.0 * (text[i] - '0'), 1.0 * (text[i + 1] - '0') - 6});
    letter.width = std::max(letter.width, corners.back().x);
    ++i;
  }
  finish();
  return letter;
}

}  // namespace

std::vector<std::vector<Point>> text_paths(std::string_view text, double letter_gap) {
  std::vector<std::vector<Point>> paths;
  double x = 0;
  for (const char c : text) {
    const Letter letter = letter_for(c);
    for (std::vector<Point> path : letter.paths) {
      for (Point& p : path) p.x += x;
      paths.push_back(std::move(path));
    }
    x += letter.width + letter_gap;
  }
  return paths;
}

double text_width(std::string_view text, double letter_gap) {
  double x = 0;
  for (const char c : text) x += letter_for(c).width + letter_gap;
  return x - letter_gap;
}

void write_text(Mask& mask, std::string_view text, Point start, const TextStyle& style) {
  const Placement place = Placement::at(start, style.size_px / 6, style.radians);
  for (std::vector<Point>& path : text_paths(text, style.letter_gap)) {
    for (Point& p : path) p = place(p);
    add_path(mask, path, style.radius_px);
  }
}

void write_centred(Mask& mask, std::string_view text, Point middle, const TextStyle& style) {
  const double half = text_width(text, style.letter_gap) / 2;
  write_text(mask, text, Placement::at(middle, style.size_px / 6, style.radians)({-half, 0}), style);
}

void write_text(Picture& picture, std::string_view text, Point start, const TextStyle& style, Colour colour) {
  Mask mask(picture.width, picture.height);
  write_text(mask, text, start, style);
  tint(picture, mask, colour);
}

void write_centred(Picture& picture, std::string_view text, Point middle, const TextStyle& style, Colour colour) {
  Mask mask(picture.width, picture.height);
  write_centred(mask, text, middle, style);
  tint(picture, mask, colour);
}

}  // namespace pixmill::samples
