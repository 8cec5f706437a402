#include "sample_images/drawing/samples.hpp"

#include <cmath>
#include <vector>

namespace pixmill::samples {
namespace {

struct Cell {
  Point centre;
  double radius;
  double stretch;
  double turn;
};

/// Cells thrown at random that keep `gap` times their radii apart.
std::vector<Cell> scatter(int count, int width, int height, double small, double large, double gap, Dice& dice) {
  std::vector<Cell> cells;
  for (int tries = 0; tries < 20000 && static_cast<int>(cells.size()) < count; ++tries) {
    Cell cell{};
    cell.centre.x = dice.between(-10, width + 10);
    cell.centre.y = dice.between(-10, height + 10);
    cell.radius = dice.between(small, large);
    cell.stretch = dice.between(0.86, 1.0);
    cell.turn = dice.between(0, kPi);
    bool apart = true;
    for (const Cell& other : cells) {
      const double dx = cell.centre.x - other.centre.x;
      const double dy = cell.centre.y - other.centre.y;
      const double reach = gap * (cell.radius + other.radius);
      apart = apart && dx * dx + dy * dy > reach * reach;
    }
    if (apart) cells.push_back(cell);
  }
  return cells;
}

/// Distance from the centre in radii, along the cell's own axes.
double reach_of(const Cell& cell, double x, double y) {
  const double c = cosine(cell.turn);
  const double s = sine(cell.turn);
  const double u = (x - cell.centre.x) * c + (y - cell.centre.y) * s;
  const double v = ((y - cell.centre.y) * c - (x - cell.centre.x) * s) / cell.stretch;
  return std::sqrt(u * u + v * v) / cell.radius;
}

template <class Paint>
void paint_cell(Picture& picture, const Cell& cell, double reach, Paint paint) {
  const int r = static_cast<int>(cell.radius * reach) + 2;
  const int cx = static_cast<int>(cell.centre.x);
  const int cy = static_cast<int>(cell.centre.y);
  for (int y = cy - r < 0 ? 0 : cy - r; y < picture.height && y <= cy + r; ++y) {
    for (int x = cx - r < 0 ? 0 : cx - r; x < picture.width && x <= cx + r; ++x) {
      picture.at(x, y) = paint(x, y, reach_of(cell, x, y), picture.at(x, y));
    }
  }
}

void paint_red_cell(Picture& picture, const Cell& cell) {
  const double edge = 1.2 / cell.radius;
  paint_cell(picture, cell, 1.1, [&](int, int, double d, Colour under) {
    const double body = ramp(1 + edge, 1 - edge, d);
    const double dimple = ramp(0.72, 0.15, d);
    const double rim = decay((d - 0.93) * (d - 0.93) * 180);
    const double density = body * (0.92 - 0.62 * dimple + 0.30 * rim);
    return under * mix(Colour{1, 1, 1}, Colour{0.80, 0.50, 0.52}, density);
  });
}

void paint_white_cell(Picture& picture, const Cell& cell, int lobes) {
  paint_cell(picture, cell, 1.15, [&](int x, int y, double d, Colour under) {
    const double granules = cloud_noise(x / 2.6, y / 2.6, 2, 31);
    const double wobble = 0.05 * cloud_noise(x / 14.0, y / 14.0, 2, 32);
    const double body = ramp(1.04, 0.94, d + wobble);
    return mix(under, Colour{0.80, 0.72, 0.86} * (0.86 + 0.20 * granules), body * 0.92);
  });
  for (int i = 0; i < lobes; ++i) {
    const double a = cell.turn + (i - (lobes - 1) / 2.0) * 1.15;
    const double off = lobes > 1 ? 0.42 : 0.08;
    const Cell lobe{{cell.centre.x + off * cell.radius * cosine(a), cell.centre.y + off * cell.radius * sine(a)},
                    cell.radius * (lobes > 1 ? 0.36 : 0.74),
                    0.9,
                    a};
    paint_cell(picture, lobe, 1.3, [&](int x, int y, double d, Colour under) {
      const double chromatin = cloud_noise(x / 4.0, y / 4.0, 3, 33);
      const double inside = ramp(1.08, 0.92, d + 0.14 * (cloud_noise(x / 7.0, y / 7.0, 2, 34) - 0.5));
      return mix(under, Colour{0.36, 0.20, 0.55} * (0.72 + 0.55 * chromatin), inside);
    });
  }
}

}  // namespace

FileBytes blood_cells() {
  Picture field(520, 400, {0.93, 0.90, 0.87});
  Dice dice(2024);
  std::vector<Cell> cells = scatter(104, field.width, field.height, 18, 22.5, 0.90, dice);
  const std::vector<Cell> white{{{168, 128}, 36, 0.96, 0.6}, {{392, 286}, 33, 0.97, 2.2}};
  for (const Cell& cell : cells) {
    bool clear = true;
    for (const Cell& other : white) clear = clear && reach_of(other, cell.centre.x, cell.centre.y) > 1.5;
    if (clear) paint_red_cell(field, cell);
  }
  paint_white_cell(field, white[0], 3);
  paint_white_cell(field, white[1], 1);
  for (const Cell& platelet : scatter(16, field.width, field.height, 3.2, 5, 6, dice)) {
    paint_cell(field, platelet, 1.4, [](int, int, double d, Colour under) {
      return mix(under, Colour{0.55, 0.40, 0.66}, ramp(1.25, 0.7, d) * 0.85);
    });
  }
  blur(field, 1);
  field.each([&](int x, int y, Colour c) {
    const double dx = (x - 230.0) / 330;
    const double dy = (y - 170.0) / 300;
    const double lamp = 1.06 - 0.30 * (dx * dx + dy * dy);
    return c * Colour{lamp, lamp * (1 - 0.03 * dx), lamp * (1 - 0.06 * dx)};
  });
  add_grain(field, 0.0035, 61);
  return png_rgb8(field);
}

FileBytes fluorescent_cells() {
  Picture field(300, 240);
  Dice dice(99);
  for (const Cell& cell : scatter(19, field.width, field.height, 24, 34, 0.82, dice)) {
    Cell nucleus = cell;
    nucleus.radius *= 0.42;
    nucleus.stretch = 0.78;
    const double brightness = dice.between(0.65, 1.0);
    paint_cell(field, cell, 1.5, [&](int x, int y, double d, Colour under) {
      const double ragged = d + 0.42 * (cloud_noise(x / 13.0, y / 13.0, 3, 51) - 0.5);
      const double along = (x - cell.centre.x) * cosine(cell.turn) + (y - cell.centre.y) * sine(cell.turn);
      const double across = (y - cell.centre.y) * cosine(cell.turn) - (x - cell.centre.x) * sine(cell.turn);
      const double fibres = ramp(0.35, 0.9, cloud_noise(along / 18.0, across / 1.7, 2, 52));
      const double body = ramp(1.15, 0.7, ragged);
      const double rim = decay((ragged - 0.98) * (ragged - 0.98) * 90);
      const double actin = body * (0.10 + 0.55 * fibres) + 0.35 * rim * body;
      return under + Colour{0.04, 0.80, 0.28} * (actin * 1.15 * brightness);
    });
    paint_cell(field, nucleus, 1.3, [&](int x, int y, double d, Colour under) {
      const double texture = 0.62 + 0.55 * cloud_noise(x / 4.0, y / 4.0, 2, 53);
      return under * (1 - 0.6 * ramp(1.1, 0.85, d)) + Colour{0.18, 0.34, 1.0} * (ramp(1.12, 0.80, d) * texture * 0.9);
    });
  }
  blur(field, 1);
  field.each([](int x, int y, Colour c) {
    return c + Colour{0.008, 0.018, 0.026} * (1 + cloud_noise(x / 80.0, y / 80.0, 2, 54));
  });
  add_grain(field, 0.004, 55);
  return png_rgb16(field);
}

}  // namespace pixmill::samples
