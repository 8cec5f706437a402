#include "pipeline/codecs/png_rows.hpp"

#include "pipeline/codecs/byte_order.hpp"

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <limits>

namespace pixmill::pipeline {

namespace {

constexpr int kGray = 0;
constexpr int kTrueColour = 2;
constexpr int kIndexed = 3;
constexpr int kGrayAlpha = 4;
constexpr int kTrueColourAlpha = 6;

/// Sample `x` of a line of 1, 2, 4 or 8 bits a sample.
unsigned sample_at(const std::uint8_t* line, int x, int bits) {
  const int position = x * bits;
  const int shift = 8 - bits - (position & 7);
  return static_cast<unsigned>(line[position >> 3]) >> shift & ((1U << bits) - 1);
}

}  // namespace

void PngRows::prepare(Bytes file, const PngLayout& layout, bool keep_alpha) {
  bit_depth_ = layout.bit_depth;
  colour_type_ = layout.colour_type;
  keyed_ = keep_alpha && layout.transparency && colour_type_ != kIndexed;
  same_layout_ = bit_depth_ >= 8 && !keyed_ && (colour_type_ == kGray || (colour_type_ == kGrayAlpha && keep_alpha));
  if (keyed_) {
    const unsigned mask = (1U << bit_depth_) - 1;
    for (std::size_t i = 0; i < layout.transparency->length / 2; ++i) {
      key_[i] = static_cast<std::uint16_t>(read_big16(file, layout.transparency->offset + 8 + 2 * i) & mask);
    }
  }
  if (colour_type_ != kIndexed || !layout.palette) return;
  // An index beyond the palette is black, as in libpng.
  palette_.fill({0, 0, 0, 255});
  for (std::size_t i = 0; i < static_cast<std::size_t>(layout.palette_entries()); ++i) {
    const Bytes rgb = file.subspan(layout.palette->offset + 8 + 3 * i, 3);
    for (std::size_t c = 0; c < 3; ++c) palette_[i][c] = static_cast<std::uint8_t>(byte_at(rgb, 2 - c));
  }
  if (!layout.transparency) return;
  for (std::size_t i = 0; i < std::min<std::size_t>(layout.transparency->length, 256); ++i) {
    palette_[i][3] = static_cast<std::uint8_t>(byte_at(file, layout.transparency->offset + 8 + i));
  }
}

void PngRows::convert(std::byte* lines, std::size_t stride, cv::Mat& out) const {
  if (bit_depth_ >= 8 && colour_type_ != kIndexed && !keyed_) return swap_channels(lines, stride, out);
  const int channels = out.channels();
  for (int y = 0; y < out.rows; ++y) {
    const std::byte* line = lines + static_cast<std::size_t>(y) * stride;
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(line);
    if (colour_type_ == kIndexed) {
      expand_palette(bytes, out.cols, out.ptr<std::uint8_t>(y), channels);
    } else if (bit_depth_ < 8) {
      unpack_gray(bytes, out.cols, out.ptr<std::uint8_t>(y), channels);
    } else if (bit_depth_ == 8) {
      add_alpha(bytes, out.cols, out.ptr<std::uint8_t>(y), channels);
    } else {
      add_alpha(reinterpret_cast<const std::uint16_t*>(line), out.cols, out.ptr<std::uint16_t>(y), channels);
    }
  }
}

void PngRows::expand_palette(const std::uint8_t* line, int width, std::uint8_t* out, int channels) const {
  for (int x = 0; x < width; ++x, out += channels) {
    const std::array<std::uint8_t, 4>& colour = palette_[sample_at(line, x, bit_depth_)];
    for (int c = 0; c < channels; ++c) out[c] = colour[static_cast<std::size_t>(c)];
  }
}

void PngRows::unpack_gray(const std::uint8_t* line, int width, std::uint8_t* out, int channels) const {
  const unsigned scale = 255U / ((1U << bit_depth_) - 1);
  if (channels == 1) {
    for (int x = 0; x < width; ++x) out[x] = static_cast<std::uint8_t>(sample_at(line, x, bit_depth_) * scale);
    return;
  }
  for (int x = 0; x < width; ++x) {
    const unsigned sample = sample_at(line, x, bit_depth_);
    out[2 * x] = static_cast<std::uint8_t>(sample * scale);
    out[2 * x + 1] = sample == key_[0] ? 0 : 255;
  }
}

template <typename Sample>
void PngRows::add_alpha(const Sample* line, int width, Sample* out, int channels) const {
  constexpr Sample kOpaque = std::numeric_limits<Sample>::max();
  if (channels == 2) {
    for (int x = 0; x < width; ++x) {
      out[2 * x] = line[x];
      out[2 * x + 1] = line[x] == key_[0] ? Sample{0} : kOpaque;
    }
    return;
  }
  for (int x = 0; x < width; ++x, line += 3, out += 4) {
    const bool clear = line[0] == key_[0] && line[1] == key_[1] && line[2] == key_[2];
    out[0] = line[2];
    out[1] = line[1];
    out[2] = line[0];
    out[3] = clear ? Sample{0} : kOpaque;
  }
}

void PngRows::swap_channels(std::byte* lines, std::size_t stride, cv::Mat& out) const {
  const int depth = bit_depth_ == 16 ? CV_16U : CV_8U;
  const int stored = colour_type_ == kTrueColour        ? 3
                     : colour_type_ == kTrueColourAlpha ? 4
                     : colour_type_ == kGray            ? 1
                                                        : 2;
  const cv::Mat in(out.rows, out.cols, CV_MAKETYPE(depth, stored), lines, stride);
  if (stored == out.channels() && stored <= 2) {
    in.copyTo(out);
  } else if (stored == 2) {
    cv::extractChannel(in, out, 0);
  } else if (stored == 3) {
    cv::cvtColor(in, out, cv::COLOR_RGB2BGR);
  } else {
    cv::cvtColor(in, out, out.channels() == 4 ? cv::COLOR_RGBA2BGRA : cv::COLOR_RGBA2BGR);
  }
}

}  // namespace pixmill::pipeline
