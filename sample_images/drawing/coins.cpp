#include "sample_images/drawing/lettering.hpp"
#include "sample_images/drawing/samples.hpp"

#include <array>
#include <cmath>
#include <string_view>

namespace pixmill::samples {
namespace {

struct Coin {
  Point centre;
  double radius;
  std::string_view value;
  double tone;  ///< How bright its metal is.
  double turn;
};

constexpr std::array kCoins = std::to_array<Coin>({
    {{88, 92}, 58, "10", 0.74, -0.3},
    {{226, 78}, 44, "5", 0.62, 0.5},
    {{352, 96}, 66, "50", 0.80, 0.15},
    {{492, 74}, 40, "2", 0.55, -0.7},
    {{586, 142}, 50, "20", 0.70, 0.9},
    {{70, 238}, 42, "2", 0.58, 1.3},
    {{186, 208}, 62, "50", 0.78, -0.9},
    {{318, 238}, 46, "5", 0.64, 2.4},
    {{450, 216}, 60, "10", 0.72, -0.2},
    {{100, 372}, 64, "50", 0.79, 0.4},
    {{232, 350}, 48, "20", 0.69, -1.6},
    {{350, 384}, 56, "10", 0.73, 0.8},
    {{474, 360}, 44, "5", 0.60, -0.4},
    {{580, 300}, 58, "10", 0.75, 0.1},
    {{572, 418}, 38, "2", 0.56, 1.9},
});

/// What the die has raised: a beaded rim, the value, a wreath.
void emboss(Mask& relief, const Coin& coin) {
  add_ring(relief, coin.centre, coin.radius - 2.6, 2.0);
  const int beads = static_cast<int>(coin.radius);
  for (int i = 0; i < beads; ++i) {
    const double a = 2 * kPi * i / beads;
    const double r = coin.radius - 8;
    add_disc(relief, {coin.centre.x + r * cosine(a), coin.centre.y + r * sine(a)}, 1.1);
  }
  const double size = coin.radius * (coin.value.size() > 1 ? 0.68 : 0.78);
  const Placement place = Placement::at(coin.centre, 1, coin.turn);
  write_centred(relief, coin.value, place({0, size * 0.42}), {size, coin.radius * 0.075, coin.turn, 2.4});
  for (int i = 0; i < 9; ++i) {
    for (const double side : {-1.0, 1.0}) {
      const double a = kPi / 2 + side * (0.30 + i * 0.17);
      const double r = coin.radius * 0.70;
      const Point leaf = place({r * cosine(a), r * sine(a)});
      add_ellipse(relief, leaf, coin.radius * 0.075, coin.radius * 0.032, coin.turn + a + kPi / 2 - side * 0.5);
    }
  }
}

}  // namespace

FileBytes coins() {
  const int width = 640;
  const int height = 480;
  Mask relief(width, height);
  Mask metal(width, height);
  Mask shadow(width, height);
  Mask tone(width, height);
  for (const Coin& coin : kCoins) {
    emboss(relief, coin);
    add_disc(metal, coin.centre, coin.radius);
    add_disc(shadow, {coin.centre.x + 5, coin.centre.y + 6}, coin.radius + 1);
    add_stroke(tone, coin.centre, coin.centre, coin.radius + 2, coin.tone);
  }
  blur(relief, 1);
  blur(shadow, 3);
  Mask picture(width, height);
  picture.each([&](int x, int y, double) {
    const double light = 1.10 - 0.46 * (0.75 * x / width + 0.45 * y / height);
    const double weave = 0.5 + 0.25 * sine(x * 1.9 + 0.4 * sine(y * 0.8)) + 0.25 * sine(y * 2.1);
    const double cloth =
        (0.27 + 0.045 * weave + 0.05 * cloud_noise(x / 60.0, y / 60.0, 3, 3)) * (1 - 0.72 * shadow.at(x, y));
    const int left = x > 0 ? x - 1 : 0;
    const int up = y > 0 ? y - 1 : 0;
    const int right = x + 1 < width ? x + 1 : x;
    const int down = y + 1 < height ? y + 1 : y;
    const double slope =
        (relief.at(right, down) - relief.at(left, up)) + (metal.at(right, down) - metal.at(left, up)) * 0.35;
    const double scratches = cloud_noise(x / 2.0 + y / 9.0, y / 2.0 - x / 9.0, 2, 4) - 0.5;
    const double wear = cloud_noise(x / 17.0, y / 17.0, 3, 6) - 0.5;
    const double face = tone.at(x, y) * (1 + 0.10 * scratches + 0.22 * wear) + 0.42 * slope;
    return mix(cloth, face, metal.at(x, y)) * light + grain(x, y, 9) * 0.006;
  });
  return png_gray8(picture);
}

}  // namespace pixmill::samples
