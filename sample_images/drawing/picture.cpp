#include "sample_images/drawing/picture.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace pixmill::samples {
namespace {

struct Bounds {
  int left, top, right, bottom;  // Of the pixels to visit, right and bottom not included.
};

Bounds clipped(double left, double top, double right, double bottom, int width, int height) {
  const auto within = [](double v, int limit) { return static_cast<int>(std::clamp(v, 0.0, 1.0 * limit)); };
  return {within(std::floor(left), width), within(std::floor(top), height), within(std::floor(right) + 2, width),
          within(std::floor(bottom) + 2, height)};
}

/// Calls visit(x, y, coverage) for each pixel that a shape of the given distance (in px, negative inside) touches.
template <class Distance, class Visit>
void scan(Bounds area, Distance distance, Visit visit) {
  for (int y = area.top; y < area.bottom; ++y) {
    for (int x = area.left; x < area.right; ++x) {
      const double coverage = clamp01(0.5 - distance(1.0 * x, 1.0 * y));
      if (coverage > 0) visit(x, y, coverage);
    }
  }
}

double distance_to_segment(double x, double y, Point a, Point b) {
  const double dx = b.x - a.x;
  const double dy = b.y - a.y;
  const double length2 = dx * dx + dy * dy;
  const double t = length2 > 0 ? clamp01(((x - a.x) * dx + (y - a.y) * dy) / length2) : 0;
  const double ex = x - a.x - t * dx;
  const double ey = y - a.y - t * dy;
  return std::sqrt(ex * ex + ey * ey);
}

Bounds bounds_of(std::span<const Point> points, double margin, int width, int height) {
  Point low = points.front();
  Point high = points.front();
  for (const Point p : points) {
    low = {std::min(low.x, p.x), std::min(low.y, p.y)};
    high = {std::max(high.x, p.x), std::max(high.y, p.y)};
  }
  return clipped(low.x - margin, low.y - margin, high.x + margin, high.y + margin, width, height);
}

bool inside(double x, double y, std::span<const Point> corners) {
  bool in = false;
  for (std::size_t i = 0, j = corners.size() - 1; i < corners.size(); j = i++) {
    const Point a = corners[i];
    const Point b = corners[j];
    if ((a.y > y) != (b.y > y) && x < (b.x - a.x) * (y - a.y) / (b.y - a.y) + a.x) in = !in;
  }
  return in;
}

/// Coverage by 4×4 samples a pixel: right for corners and slivers as well.
template <class Visit>
void scan_polygon(std::span<const Point> corners, int width, int height, Visit visit) {
  const Bounds area = bounds_of(corners, 1, width, height);
  for (int y = area.top; y < area.bottom; ++y) {
    for (int x = area.left; x < area.right; ++x) {
      int hits = 0;
      for (int row = 0; row < 4; ++row) {
        for (int column = 0; column < 4; ++column) {
          hits += inside(x - 0.375 + 0.25 * column, y - 0.375 + 0.25 * row, corners);
        }
      }
      if (hits > 0) visit(x, y, hits / 16.0);
    }
  }
}

template <class Visit>
void scan_ellipse(Point c, double rx, double ry, double radians, int width, int height, Visit visit) {
  const double r = std::max(rx, ry);
  const double cs = cosine(radians);
  const double sn = sine(radians);
  scan(
      clipped(c.x - r - 1, c.y - r - 1, c.x + r + 1, c.y + r + 1, width, height),
      [&](double x, double y) {
        const double u = ((x - c.x) * cs + (y - c.y) * sn) / rx;
        const double v = ((y - c.y) * cs - (x - c.x) * sn) / ry;
        return (std::sqrt(u * u + v * v) - 1) * std::min(rx, ry);
      },
      visit);
}

auto keep_larger(Mask& mask, double strength = 1) {
  return [&mask, strength](int x, int y, double coverage) {
    mask.at(x, y) = std::max(mask.at(x, y), coverage * strength);
  };
}

auto paint_over(Picture& picture, Colour colour, double strength) {
  return [&picture, colour, strength](int x, int y, double coverage) {
    picture.at(x, y) = mix(picture.at(x, y), colour, coverage * strength);
  };
}

template <class Sample>
void box_blur_line(Sample* first, std::ptrdiff_t step, int count, int radius, std::vector<Sample>& line) {
  line.resize(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) line[static_cast<std::size_t>(i)] = first[i * step];
  for (int i = 0; i < count; ++i) {
    Sample sum{};
    for (int k = -radius; k <= radius; ++k) {
      sum = sum + line[static_cast<std::size_t>(std::clamp(i + k, 0, count - 1))];
    }
    first[i * step] = sum * (1.0 / (2 * radius + 1));
  }
}

template <class Sample>
void box_blur_twice(Plane<Sample>& plane, int radius) {
  std::vector<Sample> line;
  for (int pass = 0; pass < 2; ++pass) {
    for (int y = 0; y < plane.height; ++y) box_blur_line(&plane.at(0, y), 1, plane.width, radius, line);
    for (int x = 0; x < plane.width; ++x) box_blur_line(&plane.at(x, 0), plane.width, plane.height, radius, line);
  }
}

std::array<Point, 4> box_corners(Point a, Point b) { return {Point{a.x, a.y}, {b.x, a.y}, {b.x, b.y}, {a.x, b.y}}; }

}  // namespace

void add_stroke(Mask& mask, Point from, Point to, double radius_px, double strength) {
  const std::array<Point, 2> ends{from, to};
  scan(
      bounds_of(ends, radius_px + 1, mask.width, mask.height),
      [&](double x, double y) { return distance_to_segment(x, y, from, to) - radius_px; }, keep_larger(mask, strength));
}

void add_path(Mask& mask, std::span<const Point> points, double radius_px) {
  for (std::size_t i = 1; i < points.size(); ++i) add_stroke(mask, points[i - 1], points[i], radius_px);
}

void add_disc(Mask& mask, Point centre, double radius_px) { add_stroke(mask, centre, centre, radius_px); }

void add_ellipse(Mask& mask, Point centre, double radius_x, double radius_y, double radians) {
  scan_ellipse(centre, radius_x, radius_y, radians, mask.width, mask.height, keep_larger(mask));
}

void add_ring(Mask& mask, Point c, double radius_px, double half_width_px) {
  const double r = radius_px + half_width_px + 1;
  scan(
      clipped(c.x - r, c.y - r, c.x + r, c.y + r, mask.width, mask.height),
      [&](double x, double y) { return std::abs(distance_to_segment(x, y, c, c) - radius_px) - half_width_px; },
      keep_larger(mask));
}

void add_polygon(Mask& mask, std::span<const Point> corners) {
  scan_polygon(corners, mask.width, mask.height, keep_larger(mask));
}

void add_box(Mask& mask, Point top_left, Point bottom_right) { add_polygon(mask, box_corners(top_left, bottom_right)); }

void blur(Mask& mask, int radius_px) { box_blur_twice(mask, radius_px); }
void blur(Picture& picture, int radius_px) { box_blur_twice(picture, radius_px); }

void tint(Picture& picture, const Mask& mask, Colour colour, double strength) {
  picture.each([&](int x, int y, Colour c) { return mix(c, colour, mask.at(x, y) * strength); });
}

void fill_polygon(Picture& picture, std::span<const Point> corners, Colour colour, double strength) {
  scan_polygon(corners, picture.width, picture.height, paint_over(picture, colour, strength));
}

void fill_box(Picture& picture, Point top_left, Point bottom_right, Colour colour, double strength) {
  fill_polygon(picture, box_corners(top_left, bottom_right), colour, strength);
}

void fill_ellipse(Picture& picture, Point centre, double radius_x, double radius_y, Colour colour, double strength) {
  scan_ellipse(centre, radius_x, radius_y, 0, picture.width, picture.height, paint_over(picture, colour, strength));
}

void draw_line(Picture& picture, Point from, Point to, double radius_px, Colour colour, double strength) {
  const std::array<Point, 2> ends{from, to};
  scan(
      bounds_of(ends, radius_px + 1, picture.width, picture.height),
      [&](double x, double y) { return distance_to_segment(x, y, from, to) - radius_px; },
      paint_over(picture, colour, strength));
}

void add_grain(Picture& picture, double sigma, std::uint64_t seed) {
  picture.each([&](int x, int y, Colour c) {
    const double light = grain(x, y, seed) * sigma;
    const double tinge = sigma * 0.5;
    return c + Colour{light + grain(x, y, seed + 1) * tinge, light + grain(x, y, seed + 2) * tinge,
                      light + grain(x, y, seed + 3) * tinge};
  });
}

}  // namespace pixmill::samples
