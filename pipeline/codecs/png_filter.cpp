#include "pipeline/codecs/png_filter.hpp"

#include <algorithm>
#include <cstring>

namespace pixmill::pipeline {

namespace {

std::uint8_t low_byte(int value) { return static_cast<std::uint8_t>(value & 0xFF); }

void filter_sub(const std::uint8_t* row, std::size_t bytes, std::size_t left, std::uint8_t* out) {
  const std::size_t first = std::min(left, bytes);
  std::memcpy(out, row, first);
  for (std::size_t i = first; i < bytes; ++i) out[i] = low_byte(row[i] - row[i - left]);
}

void filter_up(const std::uint8_t* row, const std::uint8_t* above, std::size_t bytes, std::uint8_t* out) {
  for (std::size_t i = 0; i < bytes; ++i) out[i] = low_byte(row[i] - above[i]);
}

void filter_average(const std::uint8_t* row, const std::uint8_t* above, std::size_t bytes, std::size_t left,
                    std::uint8_t* out) {
  const std::size_t first = std::min(left, bytes);
  for (std::size_t i = 0; i < first; ++i) out[i] = low_byte(row[i] - (above[i] >> 1));
  for (std::size_t i = first; i < bytes; ++i) out[i] = low_byte(row[i] - ((row[i - left] + above[i]) >> 1));
}

void filter_paeth(const std::uint8_t* row, const std::uint8_t* above, std::size_t bytes, std::size_t left,
                  std::uint8_t* out) {
  const std::size_t first = std::min(left, bytes);
  for (std::size_t i = 0; i < first; ++i) out[i] = low_byte(row[i] - above[i]);
  for (std::size_t i = first; i < bytes; ++i) {
    const std::int16_t a = row[i - left];
    const std::int16_t b = above[i];
    const std::int16_t c = above[i - left];
    const auto from_a = static_cast<std::int16_t>(b > c ? b - c : c - b);
    const auto from_b = static_cast<std::int16_t>(a > c ? a - c : c - a);
    const auto both = static_cast<std::int16_t>(a + b - 2 * c);
    const auto from_c = static_cast<std::int16_t>(both < 0 ? -both : both);
    const std::int16_t b_or_c = from_b <= from_c ? b : c;
    const std::int16_t best = (from_a <= from_b && from_a <= from_c) ? a : b_or_c;
    out[i] = low_byte(row[i] - best);
  }
}

}  // namespace

void filter_row(PngFilter filter, const std::uint8_t* row, const std::uint8_t* above, std::size_t bytes,
                std::size_t pixel_bytes, std::uint8_t* out) {
  switch (filter) {
    case PngFilter::none:
      std::memcpy(out, row, bytes);
      break;
    case PngFilter::sub:
      filter_sub(row, bytes, pixel_bytes, out);
      break;
    case PngFilter::up:
      filter_up(row, above, bytes, out);
      break;
    case PngFilter::average:
      filter_average(row, above, bytes, pixel_bytes, out);
      break;
    case PngFilter::paeth:
      filter_paeth(row, above, bytes, pixel_bytes, out);
      break;
  }
}

std::uint64_t filter_cost(const std::uint8_t* filtered, std::size_t bytes) {
  std::uint64_t cost = 0;
  std::size_t i = 0;
  // In blocks, so that the inner sum fits in 32 bits and vectorises.
  constexpr std::size_t kBlock = std::size_t{1} << 16;
  while (i < bytes) {
    const std::size_t end = std::min(bytes, i + kBlock);
    std::uint32_t sum = 0;
    for (; i < end; ++i) {
      const auto value = static_cast<std::uint32_t>(filtered[i]);
      sum += std::min(value, 256U - value);  // its distance from zero as a signed byte
    }
    cost += sum;
  }
  return cost;
}

}  // namespace pixmill::pipeline
