#include "pipeline/codecs/pnm_encoder.hpp"

#include "pipeline/codecs/written_rows.hpp"

#include <fmt/format.h>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <array>
#include <cstring>

namespace pixmill::pipeline {

namespace {

constexpr int kBandRows = 32;
constexpr std::size_t kLongestHeader = 64;

/// Writes PGM (P5) and PPM (P6), and PBM (P4) where the input was one and the result is still black and white; or PPM
/// alone.
class PnmEncoder final : public Encoder {
 public:
  explicit PnmEncoder(bool colours_alone) : colours_alone_(colours_alone) {}
  [[nodiscard]] Need need(const kernels::FrameShape& shape, bool two_level) const override;
  CodecStatus encode(const EncodeSource& source, const EncodeOptions& options, std::vector<std::byte>& out) override;
  void trim(std::size_t keep_bytes) override;

 private:
  [[nodiscard]] kernels::FrameShape stored_shape(kernels::FrameShape shape) const;
  void write_rows(const EncodeSource& source, std::byte* at);

  bool colours_alone_;
  WrittenRows rows_;
  cv::Mat stored_;  // a band in the order of the file, of 16 bits
};

void write_big16(const std::uint16_t* samples, std::size_t count, std::byte* at) {
  for (std::size_t i = 0; i < count; ++i) {
    at[2 * i] = static_cast<std::byte>(samples[i] >> 8);
    at[2 * i + 1] = static_cast<std::byte>(samples[i] & 0xFF);
  }
}

/// Without alpha, which PNM does not have.
kernels::FrameShape PnmEncoder::stored_shape(kernels::FrameShape shape) const {
  shape.channels = colours_alone_ ? 3 : kernels::colour_channels(shape.channels);
  return shape;
}

Encoder::Need PnmEncoder::need(const kernels::FrameShape& shape, bool /*two_level*/) const {
  const std::uint64_t row = kernels::FrameShape{shape.width, 1, shape.channels, shape.depth}.bytes();
  // The rows as they are, seen through a table, and as they are stored.
  const std::uint64_t stored = kernels::FrameShape{shape.width, 1, stored_shape(shape).channels, shape.depth}.bytes();
  return {kLongestHeader + stored_shape(shape).bytes(), 2 * kBandRows * row + kBandRows * std::max(row, stored)};
}

CodecStatus PnmEncoder::encode(const EncodeSource& source, const EncodeOptions& /*options*/,
                               std::vector<std::byte>& out) {
  const kernels::FrameShape shape = stored_shape(kernels::shape_of(*source.frame));
  const bool bits =
      !colours_alone_ && source.two_level && source.like != nullptr && source.like->two_level && shape.channels == 1;
  const std::string header = bits ? fmt::format("P4\n{} {}\n", shape.width, shape.height)
                                  : fmt::format("P{}\n{} {}\n{}\n", shape.channels == 1 ? 5 : 6, shape.width,
                                                shape.height, kernels::max_level(shape.depth));
  const std::size_t bit_row = (static_cast<std::size_t>(shape.width) + 7) / 8;
  out.resize(header.size() + (bits ? bit_row * static_cast<std::size_t>(shape.height) : shape.bytes()));
  std::memcpy(out.data(), header.data(), header.size());
  std::byte* at = out.data() + header.size();
  if (!bits) {
    write_rows(source, at);
    if (shape.channels == 1 || colours_alone_ || source.like != nullptr) return {};
    return {Verdict::ok, "it has colours, so the file is a PPM (P6), whatever its name says"};
  }
  const WrittenBits packed(source);
  const std::size_t spare = bit_row * 8 - static_cast<std::size_t>(shape.width);
  for (int y = 0; y < source.frame->rows; ++y, at += bit_row) {
    packed.pack(y, reinterpret_cast<std::uint8_t*>(at));
    for (std::size_t i = 0; i < bit_row; ++i) at[i] = ~at[i];  // 1 is black
    at[bit_row - 1] &= static_cast<std::byte>(0xFF << spare);
  }
  return {};
}

void PnmEncoder::write_rows(const EncodeSource& source, std::byte* at) {
  const int rows = source.frame->rows;
  const kernels::FrameShape shape = stored_shape(kernels::shape_of(*source.frame));
  const std::size_t row_bytes = shape.bytes() / static_cast<std::size_t>(shape.height);
  const bool wide = shape.depth == kernels::Depth::sixteen;
  for (int first = 0; first < rows; first += kBandRows) {
    const cv::Mat& band = rows_.rows(source, first, std::min(first + kBandRows, rows), false);
    // Samples of 16 bits go to the output byte by byte: it is not aligned for them.
    cv::Mat out = wide ? cv::Mat() : cv::Mat(band.rows, band.cols, shape.type(), at);
    cv::Mat& stored = wide ? stored_ : out;
    if (band.channels() >= 3) {
      cv::cvtColor(band, stored, band.channels() == 3 ? cv::COLOR_BGR2RGB : cv::COLOR_BGRA2RGB);
    } else if (colours_alone_) {
      const std::array<int, 6> gray_to_each{0, 0, 0, 1, 0, 2};
      stored.create(band.rows, band.cols, shape.type());
      cv::mixChannels(&band, 1, &stored, 1, gray_to_each.data(), 3);
    } else if (band.channels() == 2) {
      cv::extractChannel(band, stored, 0);
    } else {
      band.copyTo(stored);
    }
    if (wide) {
      for (int y = 0; y < stored.rows; ++y) {
        write_big16(stored.ptr<std::uint16_t>(y), row_bytes / 2, at + row_bytes * static_cast<std::size_t>(y));
      }
    }
    at += row_bytes * static_cast<std::size_t>(band.rows);
  }
}

void PnmEncoder::trim(std::size_t keep_bytes) {
  rows_.trim(keep_bytes);
  if (stored_.total() * stored_.elemSize() > keep_bytes) stored_.release();
}

}  // namespace

std::unique_ptr<Encoder> make_pnm_encoder() { return std::make_unique<PnmEncoder>(false); }

std::unique_ptr<Encoder> make_ppm_encoder() { return std::make_unique<PnmEncoder>(true); }

}  // namespace pixmill::pipeline
