#include "sample_images/drawing/lettering.hpp"
#include "sample_images/drawing/samples.hpp"

#include <array>
#include <cmath>

namespace pixmill::samples {
namespace {

struct Bone {
  Point from, to;
  double shaft, head_from, head_to;  ///< Half widths in px: of the middle and of the two ends.
};

/// Palm down, fingers up; little finger on the left.
constexpr std::array kBones = std::to_array<Bone>({
    // Metacarpals, then the rows of phalanges, from the little finger to the thumb.
    {{142, 318}, {106, 246}, 6.5, 8.5, 10.0},
    {{162, 308}, {144, 224}, 6.5, 8.5, 10.5},
    {{184, 304}, {184, 212}, 7.0, 9.5, 11.0},
    {{206, 308}, {224, 218}, 7.0, 10.0, 11.0},
    {{230, 330}, {272, 278}, 7.5, 10.0, 10.5},
    {{101, 230}, {78, 178}, 5.5, 8.5, 7.0},
    {{141, 206}, {128, 138}, 6.0, 9.5, 7.5},
    {{184, 193}, {184, 118}, 6.5, 10.0, 8.0},
    {{228, 200}, {243, 132}, 6.5, 10.0, 8.0},
    {{281, 265}, {310, 220}, 6.5, 9.0, 8.0},
    {{73, 166}, {60, 132}, 4.8, 7.0, 5.8},
    {{125, 125}, {118, 80}, 5.2, 8.0, 6.2},
    {{184, 104}, {184, 54}, 5.6, 8.5, 6.8},
    {{246, 119}, {256, 74}, 5.6, 8.4, 6.6},
    {{56, 121}, {48, 98}, 3.8, 5.8, 4.2},
    {{116, 69}, {112, 43}, 4.2, 6.2, 4.6},
    {{184, 42}, {184, 14}, 4.4, 6.6, 5.0},
    {{259, 63}, {266, 36}, 4.4, 6.4, 4.8},
    {{316, 209}, {335, 180}, 4.8, 7.6, 5.2},
    // Forearm: radius and ulna.
    {{204, 480}, {204, 386}, 13.0, 13.0, 20.0},
    {{146, 480}, {150, 390}, 9.5, 9.5, 12.0},
});

struct Knuckle {
  Point centre;
  double rx, ry, turn;
};
constexpr std::array kCarpals = std::to_array<Knuckle>({
    {{216, 355}, 21, 13, -0.5},
    {{184, 361}, 17, 13, 0.1},
    {{155, 363}, 14, 12, 0.4},
    {{137, 350}, 9, 8, 0.0},
    {{150, 334}, 15, 13, 0.3},
    {{179, 333}, 14, 19, 0.0},
    {{203, 330}, 12, 13, 0.2},
    {{226, 338}, 13, 12, -0.6},
});

/// How far across a bone a point lies (1 at its edge), and its half width there.
double across_bone(const Bone& bone, double x, double y, double& half_width) {
  const double dx = bone.to.x - bone.from.x;
  const double dy = bone.to.y - bone.from.y;
  const double t = clamp01(((x - bone.from.x) * dx + (y - bone.from.y) * dy) / (dx * dx + dy * dy));
  const double ends = mix(bone.head_from, bone.head_to, t);
  const double waist = ramp(0.5, 0.06, t) + ramp(0.5, 0.94, t);
  half_width = mix(bone.shaft, ends, waist * waist);
  const double ex = x - bone.from.x - t * dx;
  const double ey = y - bone.from.y - t * dy;
  return std::sqrt(ex * ex + ey * ey) / half_width;
}

/// Bone absorbs most in its dense rind; inside is a sponge.
double absorption(double across, double half_width) {
  if (across > 1.15) return 0;
  const double body = ramp(1 + 0.7 / half_width, 1 - 0.7 / half_width, across);
  const double rind = decay((across - 0.84) * (across - 0.84) * 40);
  return body * (0.58 + 0.42 * rind);
}

Mask flesh(int width, int height) {
  Mask mask(width, height);
  for (const Bone& bone : kBones) add_stroke(mask, bone.from, bone.to, bone.shaft * 2.5 + 3);
  const std::array<Point, 7> palm{Point{92, 250}, {140, 212}, {230, 208}, {266, 272},
                                  {238, 352},     {222, 380}, {132, 380}};
  add_polygon(mask, palm);
  add_polygon(mask, std::array<Point, 4>{Point{128, 360}, {232, 360}, {240, 480}, {116, 480}});
  blur(mask, 7);
  mask.each([](int, int, double v) { return ramp(0.12, 0.95, v); });
  return mask;
}

}  // namespace

FileBytes hand_xray() {
  Mask plate(370, 470);
  Mask soft = flesh(plate.width, plate.height);
  Mask marker(plate.width, plate.height);
  write_text(marker, "R", {28, 52}, {26, 2.4});
  plate.each([&](int x, int y, double) {
    double dense = 0;
    for (const Bone& bone : kBones) {
      double half_width = 1;
      const double across = across_bone(bone, x, y, half_width);
      dense = std::fmax(dense, absorption(across, half_width));
    }
    double wrist = 0;
    for (const Knuckle& k : kCarpals) {
      const double c = cosine(k.turn);
      const double s = sine(k.turn);
      const double u = ((x - k.centre.x) * c + (y - k.centre.y) * s) / k.rx;
      const double v = ((y - k.centre.y) * c - (x - k.centre.x) * s) / k.ry;
      wrist += 0.8 * absorption(std::sqrt(u * u + v * v), std::fmin(k.rx, k.ry));
    }
    const double sponge = 0.86 + 0.28 * cloud_noise(x / 2.4, y / 4.5, 3, 401);
    const double thick = soft.at(x, y) * (0.17 + 0.06 * cloud_noise(x / 40.0, y / 40.0, 3, 402));
    const double bones = (dense + wrist * (dense > 0 ? 0.6 : 1)) * sponge;
    const double seen = 0.030 + thick + 0.62 * (1 - decay(1.25 * bones)) + 0.75 * marker.at(x, y);
    const double plate_edge = mix(0.75, 1, ramp(0, 60, std::fmin(std::fmin(x, 369 - x), std::fmin(y, 469 - y))));
    return seen * plate_edge + grain(x, y, 403) * 0.0035 * (1 + 2 * seen);
  });
  return png_gray16(plate);
}

}  // namespace pixmill::samples
