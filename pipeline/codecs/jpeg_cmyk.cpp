#include "pipeline/codecs/jpeg_cmyk.hpp"

namespace pixmill::pipeline {

namespace {

constexpr int kWeightShift = 14;
constexpr int kWeightRed = 4899;
constexpr int kWeightGreen = 9617;
constexpr int kWeightBlue = 1868;

int without_ink(int ink, int black) { return black - ((255 - ink) * black >> 8); }

}  // namespace

void cmyk_row_to_bgr(const std::uint8_t* inks, int width, std::uint8_t* bgr) {
  for (int x = 0; x < width; ++x, inks += 4, bgr += 3) {
    const int black = inks[3];
    bgr[0] = static_cast<std::uint8_t>(without_ink(inks[2], black));
    bgr[1] = static_cast<std::uint8_t>(without_ink(inks[1], black));
    bgr[2] = static_cast<std::uint8_t>(without_ink(inks[0], black));
  }
}

void cmyk_row_to_gray(const std::uint8_t* inks, int width, std::uint8_t* gray) {
  for (int x = 0; x < width; ++x, inks += 4) {
    const int black = inks[3];
    const int sum = without_ink(inks[0], black) * kWeightRed + without_ink(inks[1], black) * kWeightGreen +
                    without_ink(inks[2], black) * kWeightBlue;
    gray[x] = static_cast<std::uint8_t>((sum + (1 << (kWeightShift - 1))) >> kWeightShift);
  }
}

}  // namespace pixmill::pipeline
