#pragma once

#include "pipeline/codecs/tiff_layout.hpp"

#include <opencv2/core/mat.hpp>

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace pixmill::pipeline {

/// Turns rows of samples into pixels of a frame.
///
/// Fewer than 8 bits become 8 and 9 to 15 become 16, so that the largest sample is the largest level: round(v * most /
/// (2^bits - 1)). Signed samples are moved up by half their range. Floating-point samples from 0 to 1 become 0 to
/// 65535, others are clamped, NaN is 0. A palette gives the high bytes of its 16-bit colours (or their low bytes where
/// all are below 256, as old writers have it). Inks become colours as (max - C) * (max - K) / max, rounded down.
class TiffPixels {
 public:
  /// Readies for an image that gives frames of `channels` channels. `layout` must stay alive.
  void start(const TiffLayout& layout, int channels);
  /// The planes that are needed: 1 unless they are separate, else those of the colours, and of alpha (the last).
  [[nodiscard]] std::span<const int> planes() const { return {planes_.data(), plane_count_}; }
  /// One row: `rows` has a row of each of planes(), `width` pixels go to `out`, which lies in a frame.
  void convert(std::span<const std::byte* const> rows, std::uint32_t width, std::uint8_t* out);
  /// Floating-point samples that were below 0, above 1, or NaN, since start().
  [[nodiscard]] std::uint64_t clamped() const { return clamped_; }
  void trim(std::size_t keep_bytes);
  /// An upper bound of what it takes.
  [[nodiscard]] static std::uint64_t working_bytes(const TiffLayout& layout);

 private:
  void make_levels();
  void make_palette();
  [[nodiscard]] bool copies() const;
  [[nodiscard]] bool swaps() const;
  void unpack(const std::byte* row, int first, int step, std::uint32_t width, std::uint16_t* lane);
  void unpack_bits(const std::byte* row, int first, int step, std::uint32_t width, std::uint16_t* lane) const;
  void unpack_floats(const std::byte* row, int first, int step, std::uint32_t width, std::uint16_t* lane);
  void paint(const std::byte* row, std::uint32_t width, std::uint8_t* out);
  void from_raster(const std::byte* row, std::uint32_t width, std::uint8_t* out) const;
  template <typename Level>
  void mix(std::uint32_t width, Level* out);

  const TiffLayout* layout_ = nullptr;
  int channels_ = 1;
  bool alpha_ = false;
  std::array<int, 5> planes_{};
  std::size_t plane_count_ = 1;
  std::vector<std::uint16_t> levels_;                 // what a sample of up to 15 bits stands for
  std::vector<std::array<std::uint8_t, 3>> colours_;  // the palette, B, G, R
  std::array<std::vector<std::uint16_t>, 5> lanes_;   // a row of levels of each sample that is needed
  std::uint64_t clamped_ = 0;
};

}  // namespace pixmill::pipeline
