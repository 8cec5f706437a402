#pragma once

#include <cstdint>

/// Four-ink JPEGs as OpenCV reads them: values are taken as Adobe writes them (255 = no ink), and
/// c' = k - ((255 - c) * k >> 8) is done to each ink, in integers.
namespace pixmill::pipeline {

/// `inks` holds width * 4 bytes (C, M, Y, K); `bgr` width * 3.
void cmyk_row_to_bgr(const std::uint8_t* inks, int width, std::uint8_t* bgr);
/// `gray` holds width bytes: 0.299 R + 0.587 G + 0.114 B in 14 bits, rounded.
void cmyk_row_to_gray(const std::uint8_t* inks, int width, std::uint8_t* gray);

}  // namespace pixmill::pipeline
