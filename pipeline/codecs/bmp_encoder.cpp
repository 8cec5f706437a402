#include "pipeline/codecs/bmp_encoder.hpp"

#include "pipeline/codecs/byte_order.hpp"
#include "pipeline/codecs/written_rows.hpp"

#include <fmt/format.h>
#include <opencv2/core.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace pixmill::pipeline {

namespace {

constexpr int kBandRows = 32;
constexpr std::uint64_t kFileHeader = 14;
constexpr std::uint64_t kPlainHeader = 40;  // what every reader knows
constexpr std::uint64_t kLongHeader = 124;  // version 5: masks and profiles

/// How an image is laid out in its file.
struct Layout {
  int bits = 24;
  std::uint64_t info_bytes = kPlainHeader;
  std::uint64_t colours = 0;  // of the palette
  std::uint64_t stride = 0;
  std::uint64_t pixel_bytes = 0;
  std::uint64_t icc_bytes = 0;
  [[nodiscard]] std::uint64_t pixels_begin() const { return kFileHeader + info_bytes + 4 * colours; }
  [[nodiscard]] std::uint64_t file_bytes() const { return pixels_begin() + pixel_bytes + icc_bytes; }
};

Layout layout_of(const kernels::FrameShape& shape, bool two_level, std::uint64_t icc_bytes) {
  Layout layout;
  if (kernels::has_alpha(shape.channels)) {
    layout.bits = 32;
  } else if (shape.channels == 1) {
    layout.bits = two_level ? 1 : 8;
    layout.colours = std::uint64_t{1} << layout.bits;
  }
  if (layout.bits == 32 || icc_bytes > 0) layout.info_bytes = kLongHeader;
  layout.stride = (static_cast<std::uint64_t>(shape.width) * static_cast<std::uint64_t>(layout.bits) + 31) / 32 * 4;
  layout.pixel_bytes = layout.stride * static_cast<std::uint64_t>(shape.height);
  layout.icc_bytes = icc_bytes;
  return layout;
}

void write_little16(std::byte* at, std::uint32_t value) {
  at[0] = static_cast<std::byte>(value & 0xFF);
  at[1] = static_cast<std::byte>(value >> 8 & 0xFF);
}
void write_little32(std::byte* at, std::uint64_t value) {
  write_little16(at, static_cast<std::uint32_t>(value & 0xFFFF));
  write_little16(at + 2, static_cast<std::uint32_t>(value >> 16 & 0xFFFF));
}

std::uint64_t per_metre(double density) {
  return density > 0 && density < std::numeric_limits<std::int32_t>::max()
             ? static_cast<std::uint64_t>(std::llround(density))
             : 0;
}

class BmpEncoder final : public Encoder {
 public:
  [[nodiscard]] Need need(const kernels::FrameShape& shape, bool two_level) const override;
  CodecStatus encode(const EncodeSource& source, const EncodeOptions& options, std::vector<std::byte>& out) override;
  void trim(std::size_t keep_bytes) override;

 private:
  static void write_headers(const EncodeSource& source, const Layout& layout, std::byte* at);
  static void write_bits(const EncodeSource& source, const Layout& layout, std::byte* pixels);
  void write_rows(const EncodeSource& source, const Layout& layout, std::byte* pixels);

  WrittenRows rows_;
};

/// Without the profile, whose bytes come on top.
Encoder::Need BmpEncoder::need(const kernels::FrameShape& shape, bool two_level) const {
  const std::uint64_t row = kernels::FrameShape{shape.width, 1, shape.channels, shape.depth}.bytes();
  return {layout_of(shape, two_level && shape.channels == 1, 0).file_bytes() + (kLongHeader - kPlainHeader),
          2 * kBandRows * row};
}

CodecStatus BmpEncoder::encode(const EncodeSource& source, const EncodeOptions& /*options*/,
                               std::vector<std::byte>& out) {
  const kernels::FrameShape shape = kernels::shape_of(*source.frame);
  const std::size_t icc_bytes = source.metadata != nullptr ? source.metadata->icc.size() : 0;
  const Layout layout = layout_of(shape, source.two_level && shape.channels == 1, icc_bytes);
  if (layout.file_bytes() > std::numeric_limits<std::uint32_t>::max()) {
    return {Verdict::write_failed, fmt::format("{} x {} pixels: a BMP has at most 4 GiB; write a PNG",
                                               source.frame->cols, source.frame->rows)};
  }
  // Of pixels, every byte is written; the rest must be 0 where it is not.
  out.resize(layout.file_bytes());
  std::fill_n(out.begin(), layout.pixels_begin(), std::byte{0});
  write_headers(source, layout, out.data());
  std::byte* pixels = out.data() + layout.pixels_begin();
  if (layout.bits == 1) {
    write_bits(source, layout, pixels);
  } else {
    write_rows(source, layout, pixels);
  }
  if (icc_bytes > 0) std::memcpy(pixels + layout.pixel_bytes, source.metadata->icc.data(), icc_bytes);
  return {};
}

void BmpEncoder::write_headers(const EncodeSource& source, const Layout& layout, std::byte* at) {
  at[0] = std::byte{'B'};
  at[1] = std::byte{'M'};
  write_little32(at + 2, layout.file_bytes());
  write_little32(at + 10, layout.pixels_begin());
  std::byte* info = at + kFileHeader;
  write_little32(info, layout.info_bytes);
  write_little32(info + 4, static_cast<std::uint64_t>(source.frame->cols));
  write_little32(info + 8, static_cast<std::uint64_t>(source.frame->rows));
  write_little16(info + 12, 1);
  write_little16(info + 14, static_cast<std::uint32_t>(layout.bits));
  write_little32(info + 20, layout.pixel_bytes);
  if (source.metadata != nullptr) {
    write_little32(info + 24, per_metre(source.metadata->pixels_per_metre_x));
    write_little32(info + 28, per_metre(source.metadata->pixels_per_metre_y));
  }
  write_little32(info + 32, layout.colours);
  for (std::uint64_t i = 0; i < layout.colours; ++i) {
    const std::uint64_t level = i * 255 / (layout.colours - 1);
    write_little32(info + layout.info_bytes + 4 * i, level * 0x010101);
  }
  if (layout.info_bytes != kLongHeader) return;
  if (layout.bits == 32) {
    constexpr std::uint32_t kMasks = 3;
    write_little32(info + 16, kMasks);
    write_little32(info + 40, 0xFF0000);
    write_little32(info + 44, 0xFF00);
    write_little32(info + 48, 0xFF);
    write_little32(info + 52, 0xFF000000);
  }
  constexpr std::uint32_t kSrgb = 0x73524742;      // "sRGB"
  constexpr std::uint32_t kEmbedded = 0x4D424544;  // "MBED"
  constexpr std::uint32_t kPictures = 4;           // intent: perceptual
  write_little32(info + 56, layout.icc_bytes > 0 ? kEmbedded : kSrgb);
  write_little32(info + 108, kPictures);
  if (layout.icc_bytes == 0) return;
  write_little32(info + 112, layout.pixels_begin() - kFileHeader + layout.pixel_bytes);
  write_little32(info + 116, layout.icc_bytes);
}

void BmpEncoder::write_bits(const EncodeSource& source, const Layout& layout, std::byte* pixels) {
  const WrittenBits bits(source);
  const int rows = source.frame->rows;
  const std::size_t used = (static_cast<std::size_t>(source.frame->cols) + 7) / 8;
  for (int y = 0; y < rows; ++y) {
    std::byte* line = pixels + layout.stride * static_cast<std::uint64_t>(rows - 1 - y);
    bits.pack(y, reinterpret_cast<std::uint8_t*>(line));
    std::fill(line + used, line + layout.stride, std::byte{0});
  }
}

void BmpEncoder::write_rows(const EncodeSource& source, const Layout& layout, std::byte* pixels) {
  const int rows = source.frame->rows;
  const int cols = source.frame->cols;
  const std::size_t used = static_cast<std::size_t>(cols) * static_cast<std::size_t>(layout.bits) / 8;
  for (int first = 0; first < rows; first += kBandRows) {
    const cv::Mat& band = rows_.rows(source, first, std::min(first + kBandRows, rows), true);
    for (int y = 0; y < band.rows; ++y) {
      std::byte* line = pixels + layout.stride * static_cast<std::uint64_t>(rows - 1 - first - y);
      std::fill(line + used, line + layout.stride, std::byte{0});
      if (band.channels() != 2) {
        std::memcpy(line, band.ptr(y), used);
        continue;
      }
      // Gray with alpha has no form of its own.
      const auto* pair = band.ptr<std::uint8_t>(y);
      for (int x = 0; x < cols; ++x, pair += 2, line += 4) {
        std::fill_n(line, 3, static_cast<std::byte>(pair[0]));
        line[3] = static_cast<std::byte>(pair[1]);
      }
    }
  }
}

void BmpEncoder::trim(std::size_t keep_bytes) { rows_.trim(keep_bytes); }

}  // namespace

std::unique_ptr<Encoder> make_bmp_encoder() { return std::make_unique<BmpEncoder>(); }

}  // namespace pixmill::pipeline
