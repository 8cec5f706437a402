#include "pipeline/codecs/tiff_pixels.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace pixmill::pipeline {

namespace {

std::uint32_t at(const std::byte* bytes, std::size_t offset) { return std::to_integer<std::uint32_t>(bytes[offset]); }

template <typename Value>
Value load(const std::byte* bytes) {
  Value value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

/// IEEE 754 binary16; infinities and NaN as they are.
double from_half(std::uint16_t half) {
  const int exponent = half >> 10 & 0x1F;
  const int fraction = half & 0x3FF;
  double value = 0;
  if (exponent == 0) {
    value = std::ldexp(fraction, -24);
  } else if (exponent == 31) {
    value = fraction == 0 ? HUGE_VAL : std::nan("");
  } else {
    value = std::ldexp(fraction + 1024, exponent - 25);
  }
  return half >> 15 == 0 ? value : -value;
}

double float_at(const std::byte* sample, int bits) {
  if (bits == 16) return from_half(load<std::uint16_t>(sample));
  if (bits == 32) return static_cast<double>(load<float>(sample));
  return load<double>(sample);
}

/// Takes alpha out of a level that was multiplied by it; rounded. Where nothing shows, the level stays.
std::uint32_t unmultiplied(std::uint32_t level, std::uint32_t alpha, std::uint32_t most) {
  if (alpha == 0) return level;
  return std::min(most, (level * most + alpha / 2) / alpha);
}

/// R, G, B at the beginning of every `step` samples to B, G, R.
template <typename Level>
void swap_colours(const std::byte* row, std::size_t step, std::uint32_t width, Level* out) {
  for (std::uint32_t x = 0; x < width; ++x, row += step * sizeof(Level), out += 3) {
    out[0] = load<Level>(row + 2 * sizeof(Level));
    out[1] = load<Level>(row + sizeof(Level));
    out[2] = load<Level>(row);
  }
}

}  // namespace

std::uint64_t TiffPixels::working_bytes(const TiffLayout& layout) {
  constexpr std::uint64_t kTables = std::uint64_t{65536} * 5 + 4096;
  return kTables + std::uint64_t{layout.block_width} * 2 * 5;
}

void TiffPixels::start(const TiffLayout& layout, int channels) {
  layout_ = &layout;
  channels_ = channels;
  clamped_ = 0;
  alpha_ = kernels::has_alpha(channels) && layout.alpha_sample >= 0;
  plane_count_ = 0;
  for (int i = 0; i < layout.colour_samples(); ++i) planes_.at(plane_count_++) = i;
  if (alpha_) planes_.at(plane_count_++) = layout.alpha_sample;
  if (!layout.separate) plane_count_ = 1;
  if (layout.colour == TiffColour::raster) return;
  if (layout.colour == TiffColour::palette) {
    make_palette();
  } else {
    make_levels();
  }
  for (auto& lane : lanes_) lane.clear();
  const std::size_t lanes = static_cast<std::size_t>(layout.colour_samples()) + (alpha_ ? 1 : 0);
  for (std::size_t i = 0; i < lanes; ++i) lanes_.at(i).resize(std::min(layout.block_width, layout.width));
}

void TiffPixels::make_levels() {
  levels_.clear();
  const int bits = layout_->bits;
  if (bits > 15) return;
  const std::uint32_t largest = (1U << bits) - 1;
  const std::uint32_t most = bits <= 8 ? 255 : 65535;
  levels_.resize(std::size_t{largest} + 1);
  for (std::uint32_t v = 0; v <= largest; ++v) {
    const std::uint32_t moved = layout_->sample == TiffSample::signed_integer ? v ^ (1U << (bits - 1)) : v;
    levels_[v] = static_cast<std::uint16_t>((moved * most + largest / 2) / largest);
  }
}

void TiffPixels::make_palette() {
  const TiffDirectory& directory = layout_->directory;
  const TiffDirectory::Entry* map = directory.find(TiffTag::colour_map);
  const std::size_t count = std::size_t{1} << layout_->bits;
  bool wide = false;
  for (std::size_t i = 0; i < 3 * count && !wide; ++i) wide = directory.number(*map, i) > 255;
  colours_.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t c = 0; c < 3; ++c) {
      const std::uint64_t value = directory.number(*map, (2 - c) * count + i);
      colours_[i].at(c) = static_cast<std::uint8_t>(wide ? value >> 8 : value);
    }
  }
}

/// Whether a row of samples is a row of pixels already.
bool TiffPixels::copies() const {
  return layout_->colour == TiffColour::gray && layout_->sample == TiffSample::unsigned_integer && channels_ == 1 &&
         (layout_->separate || layout_->samples == 1) && (layout_->bits == 8 || layout_->bits == 16);
}

/// Whether red and blue change places, and that is all.
bool TiffPixels::swaps() const {
  return layout_->colour == TiffColour::rgb && layout_->sample == TiffSample::unsigned_integer && channels_ == 3 &&
         !layout_->separate && (layout_->bits == 8 || layout_->bits == 16);
}

void TiffPixels::convert(std::span<const std::byte* const> rows, std::uint32_t width, std::uint8_t* out) {
  if (layout_->colour == TiffColour::raster) return from_raster(rows[0], width, out);
  if (layout_->colour == TiffColour::palette) return paint(rows[0], width, out);
  if (copies()) {
    std::memcpy(out, rows[0], std::size_t{width} * static_cast<std::size_t>(layout_->bits / 8));
    return;
  }
  if (swaps()) {
    const auto step = static_cast<std::size_t>(layout_->samples);
    if (layout_->bits == 8) {
      swap_colours<std::uint8_t>(rows[0], step, width, out);
    } else {
      swap_colours<std::uint16_t>(rows[0], step, width, reinterpret_cast<std::uint16_t*>(out));
    }
    return;
  }
  const auto colours = static_cast<std::size_t>(layout_->colour_samples());
  for (std::size_t i = 0; i < colours + (alpha_ ? 1 : 0); ++i) {
    const int sample = i < colours ? static_cast<int>(i) : layout_->alpha_sample;
    if (layout_->separate) {
      unpack(rows[i], 0, 1, width, lanes_.at(i).data());
    } else {
      unpack(rows[0], sample, layout_->samples, width, lanes_.at(i).data());
    }
  }
  if (layout_->bits <= 8) {
    mix(width, out);
  } else {
    mix(width, reinterpret_cast<std::uint16_t*>(out));  // a frame of 16 bits is aligned
  }
}

void TiffPixels::unpack(const std::byte* row, int first, int step, std::uint32_t width, std::uint16_t* lane) {
  const auto begin = static_cast<std::size_t>(first);
  const auto stride = static_cast<std::size_t>(step);
  if (layout_->sample == TiffSample::floating_point) {
    unpack_floats(row, first, step, width, lane);
  } else if (layout_->bits == 8) {
    for (std::uint32_t x = 0; x < width; ++x) lane[x] = levels_[at(row, begin + stride * x)];
  } else if (layout_->bits == 16) {
    const std::uint16_t flip = layout_->sample == TiffSample::signed_integer ? 0x8000 : 0;
    for (std::uint32_t x = 0; x < width; ++x) lane[x] = load<std::uint16_t>(row + 2 * (begin + stride * x)) ^ flip;
  } else {
    unpack_bits(row, first, step, width, lane);
  }
}

/// Samples of any width below 16, the most significant bit first, over byte borders.
void TiffPixels::unpack_bits(const std::byte* row, int first, int step, std::uint32_t width,
                             std::uint16_t* lane) const {
  const auto bits = static_cast<std::uint64_t>(layout_->bits);
  const std::uint32_t mask = (1U << bits) - 1;
  std::uint64_t position = static_cast<std::uint64_t>(first) * bits;
  for (std::uint32_t x = 0; x < width; ++x, position += static_cast<std::uint64_t>(step) * bits) {
    const std::size_t byte = position / 8;
    const std::uint64_t last = (position + bits - 1) / 8;  // nothing beyond the sample's own bytes is touched
    std::uint32_t window = at(row, byte) << 16;
    if (last > byte) window |= at(row, byte + 1) << 8;
    if (last > byte + 1) window |= at(row, byte + 2);
    lane[x] = levels_[window >> (24 - position % 8 - bits) & mask];
  }
}

void TiffPixels::unpack_floats(const std::byte* row, int first, int step, std::uint32_t width, std::uint16_t* lane) {
  const auto bytes = static_cast<std::size_t>(layout_->bits / 8);
  for (std::uint32_t x = 0; x < width; ++x) {
    const std::size_t sample = static_cast<std::size_t>(first) + static_cast<std::size_t>(step) * x;
    const double value = float_at(row + sample * bytes, layout_->bits);
    if (value >= 0 && value <= 1) {
      lane[x] = static_cast<std::uint16_t>(std::lround(value * 65535));
    } else {
      lane[x] = value > 1 ? 65535 : 0;
      ++clamped_;
    }
  }
}

template <typename Level>
void TiffPixels::mix(std::uint32_t width, Level* out) {
  constexpr std::uint32_t kMost = sizeof(Level) == 1 ? 255 : 65535;
  const auto channels = static_cast<std::size_t>(channels_);
  const std::uint16_t* alpha = alpha_ ? lanes_.at(channels - 1).data() : nullptr;
  const std::uint16_t* red = lanes_[0].data();
  const std::uint16_t* green = lanes_[1].data();
  const std::uint16_t* blue = lanes_[2].data();
  Level* pixel = out;
  switch (layout_->colour) {
    case TiffColour::rgb:
      for (std::uint32_t x = 0; x < width; ++x, pixel += channels) {
        pixel[0] = static_cast<Level>(blue[x]);
        pixel[1] = static_cast<Level>(green[x]);
        pixel[2] = static_cast<Level>(red[x]);
      }
      break;
    case TiffColour::cmyk: {
      const std::uint16_t* black = lanes_[3].data();
      for (std::uint32_t x = 0; x < width; ++x, pixel += channels) {
        const std::uint32_t light = kMost - black[x];
        pixel[0] = static_cast<Level>((kMost - blue[x]) * light / kMost);
        pixel[1] = static_cast<Level>((kMost - green[x]) * light / kMost);
        pixel[2] = static_cast<Level>((kMost - red[x]) * light / kMost);
      }
      break;
    }
    default: {
      const Level flip = layout_->colour == TiffColour::inverse ? static_cast<Level>(kMost) : Level{0};
      for (std::uint32_t x = 0; x < width; ++x, pixel += channels) {
        pixel[0] = static_cast<Level>(red[x] ^ flip);
      }
    }
  }
  if (alpha == nullptr) return;
  const std::size_t last = channels - 1;
  for (std::uint32_t x = 0; x < width; ++x, out += channels) {
    out[last] = static_cast<Level>(alpha[x]);
    for (std::size_t c = 0; c < last && layout_->associated_alpha; ++c) {
      out[c] = static_cast<Level>(unmultiplied(out[c], alpha[x], kMost));
    }
  }
}

void TiffPixels::paint(const std::byte* row, std::uint32_t width, std::uint8_t* out) {
  const auto bits = static_cast<std::uint64_t>(layout_->bits);
  const std::uint64_t step = bits * (layout_->separate ? 1 : static_cast<std::uint64_t>(layout_->samples));
  const std::uint32_t mask = (1U << bits) - 1;
  std::uint64_t position = 0;
  for (std::uint32_t x = 0; x < width; ++x, position += step, out += 3) {
    const std::size_t byte = position / 8;
    std::uint32_t index = 0;
    if (bits == 8) {
      index = at(row, byte);
    } else if (bits == 16) {
      index = load<std::uint16_t>(row + byte);
    } else {
      const std::uint64_t last = (position + bits - 1) / 8;
      std::uint32_t window = at(row, byte) << 16;
      if (last > byte) window |= at(row, byte + 1) << 8;
      if (last > byte + 1) window |= at(row, byte + 2);
      index = window >> (24 - position % 8 - bits) & mask;
    }
    std::memcpy(out, colours_[index].data(), 3);
  }
}

/// libtiff's pixels are integers: R in the lowest byte, then G, B, A.
void TiffPixels::from_raster(const std::byte* row, std::uint32_t width, std::uint8_t* out) const {
  for (std::uint32_t x = 0; x < width; ++x, out += channels_) {
    const auto pixel = load<std::uint32_t>(row + 4 * std::size_t{x});
    if (channels_ == 1) {
      out[0] = static_cast<std::uint8_t>(pixel & 0xFF);
      continue;
    }
    out[0] = static_cast<std::uint8_t>(pixel >> 16 & 0xFF);
    out[1] = static_cast<std::uint8_t>(pixel >> 8 & 0xFF);
    out[2] = static_cast<std::uint8_t>(pixel & 0xFF);
  }
}

void TiffPixels::trim(std::size_t keep_bytes) {
  for (auto& lane : lanes_) {
    if (lane.capacity() * sizeof(std::uint16_t) > keep_bytes) std::vector<std::uint16_t>().swap(lane);
  }
}

}  // namespace pixmill::pipeline
