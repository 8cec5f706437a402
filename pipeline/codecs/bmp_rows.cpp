#include "pipeline/codecs/bmp_rows.hpp"

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <bit>
#include <cstring>

namespace pixmill::pipeline {

/// A field of n bits is v · 255 / (2^n − 1), rounded to the nearest: white is white whatever its width, as BMP Suite
/// asks for.
std::uint8_t BmpRows::Field::level(std::uint32_t pixel) const {
  const std::uint32_t value = (pixel & mask) >> shift;
  const std::uint32_t most = mask >> shift;
  if (most <= 255) return levels[value];
  return static_cast<std::uint8_t>((std::uint64_t{value} * 255 + most / 2) / most);
}

BmpRows::Field BmpRows::make_field(std::uint32_t mask) {
  Field field;
  if (mask == 0) return field;  // black
  field.mask = mask;
  field.shift = std::countr_zero(mask);
  const std::uint32_t most = mask >> field.shift;
  for (std::uint32_t value = 0; value <= most && most <= 255; ++value) {
    field.levels[value] = static_cast<std::uint8_t>((value * 255 + most / 2) / most);
  }
  return field;
}

void BmpRows::prepare(const BmpHeader& header, int channels) {
  bits_ = header.bits;
  channels_ = channels;
  palette_ = header.palette;
  plain_levels_ = channels == 1;
  for (std::size_t i = 0; i < palette_.size() && plain_levels_; ++i) plain_levels_ = palette_[i][0] == i;
  byte_order_ = header.masks[0] == 0xFF0000 && header.masks[1] == 0xFF00 && header.masks[2] == 0xFF &&
                (channels == 3 || header.masks[3] == 0xFF000000);
  fields_ = {make_field(header.masks[2]), make_field(header.masks[1]), make_field(header.masks[0]),
             make_field(header.masks[3])};
}

void BmpRows::convert(const std::uint8_t* line, int width, std::uint8_t* row) const {
  const auto pixels = static_cast<std::size_t>(width);
  switch (bits_) {
    case 8:
      return look_up(line, width, row);
    case 16:
      return unpack_fields(line, width, row);
    case 24:
      std::memcpy(row, line, 3 * pixels);
      return;
    case 32:
      if (!byte_order_) return unpack_fields(line, width, row);
      if (channels_ == 4) {
        std::memcpy(row, line, 4 * pixels);
      } else {
        const cv::Mat in(1, width, CV_8UC4, const_cast<std::uint8_t*>(line));
        cv::Mat out(1, width, CV_8UC3, row);
        cv::cvtColor(in, out, cv::COLOR_BGRA2BGR);
      }
      return;
    default:
      return expand_bits(line, width, row);
  }
}

void BmpRows::look_up(const std::uint8_t* indexes, int width, std::uint8_t* row) const {
  if (plain_levels_) {
    std::memcpy(row, indexes, static_cast<std::size_t>(width));
  } else if (channels_ == 1) {
    for (int x = 0; x < width; ++x) row[x] = palette_[indexes[x]][0];
  } else {
    for (int x = 0; x < width; ++x, row += 3) std::memcpy(row, palette_[indexes[x]].data(), 3);
  }
}

void BmpRows::expand_bits(const std::uint8_t* line, int width, std::uint8_t* row) const {
  std::array<std::uint8_t, 512> indexes{};
  const int in_byte = 8 / bits_;
  const auto most = static_cast<std::uint8_t>((1U << bits_) - 1);
  for (int first = 0; first < width; first += static_cast<int>(indexes.size())) {
    const int count = std::min(width - first, static_cast<int>(indexes.size()));
    const std::uint8_t* bytes = line + first / in_byte;
    for (int x = 0; x < count; ++x) {
      const int shift = 8 - bits_ - x % in_byte * bits_;
      indexes[static_cast<std::size_t>(x)] = static_cast<std::uint8_t>(bytes[x / in_byte] >> shift & most);
    }
    look_up(indexes.data(), count, row + static_cast<std::ptrdiff_t>(first) * channels_);
  }
}

void BmpRows::unpack_fields(const std::uint8_t* line, int width, std::uint8_t* row) const {
  for (int x = 0; x < width; ++x, row += channels_) {
    std::uint32_t pixel = 0;
    if (bits_ == 16) {
      pixel = line[2 * x] | static_cast<std::uint32_t>(line[2 * x + 1]) << 8;
    } else {
      const std::uint8_t* bytes = line + static_cast<std::ptrdiff_t>(4) * x;
      for (std::size_t i = 0; i < 4; ++i) pixel |= static_cast<std::uint32_t>(bytes[i]) << 8 * i;
    }
    for (int c = 0; c < channels_; ++c) row[c] = fields_[static_cast<std::size_t>(c)].level(pixel);
  }
}

}  // namespace pixmill::pipeline
