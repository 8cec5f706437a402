#include "pipeline/codecs/tiff_strip_file.hpp"

#include "pipeline/codecs/tiff_schemes.hpp"

#include <algorithm>
#include <bit>
#include <limits>

namespace pixmill::pipeline {

namespace {

constexpr std::uint16_t kShort = 3;
constexpr std::uint16_t kLong = 4;
constexpr std::uint16_t kUndefined = 7;
constexpr std::uint16_t kFloat = 11;

/// A directory as it grows; values that do not fit an entry go behind it.
class Writer {
 public:
  Writer(bool little, std::size_t entries, std::vector<std::byte>& out) : little_(little), out_(out) {
    out_.clear();
    out_.push_back(little ? std::byte{'I'} : std::byte{'M'});
    out_.push_back(out_.back());
    put16(42);
    put32(8);
    put16(static_cast<std::uint32_t>(entries));
    end_ = 8 + 2 + entries * 12 + 4;
  }

  void numbers(TiffTag tag, std::uint16_t type, std::span<const std::uint32_t> values) {
    std::vector<std::byte> bytes;
    for (const std::uint32_t value : values) append(bytes, value, type == kShort ? 2 : 4);
    data(tag, type, values.size(), bytes);
  }
  void number(TiffTag tag, std::uint16_t type, std::uint32_t value) { numbers(tag, type, {&value, 1}); }

  void data(TiffTag tag, std::uint16_t type, std::size_t count, Bytes bytes) {
    put16(static_cast<std::uint32_t>(tag));
    put16(type);
    put32(static_cast<std::uint32_t>(count));
    const std::size_t inline_bytes = std::min<std::size_t>(bytes.size(), 4);
    if (bytes.size() <= 4) {
      out_.insert(out_.end(), bytes.begin(), bytes.end());
      out_.insert(out_.end(), 4 - inline_bytes, std::byte{0});
      return;
    }
    put32(static_cast<std::uint32_t>(end_ + behind_.size()));
    behind_.insert(behind_.end(), bytes.begin(), bytes.end());
    if (behind_.size() % 2 != 0) behind_.push_back(std::byte{0});
  }

  /// Where the strip will lie, which is known only when all else is there.
  void strip_offset() {
    put16(static_cast<std::uint32_t>(TiffTag::strip_offsets));
    put16(kLong);
    put32(1);
    offset_at_ = out_.size();
    put32(0);
  }

  void finish() {
    put32(0);
    out_.insert(out_.end(), behind_.begin(), behind_.end());
    std::vector<std::byte> offset;
    append(offset, static_cast<std::uint32_t>(out_.size()), 4);
    std::copy(offset.begin(), offset.end(), out_.begin() + static_cast<std::ptrdiff_t>(offset_at_));
  }

 private:
  void append(std::vector<std::byte>& to, std::uint32_t value, int bytes) const {
    for (int i = 0; i < bytes; ++i) {
      to.push_back(static_cast<std::byte>(value >> 8 * (little_ ? i : bytes - 1 - i) & 0xFF));
    }
  }
  void put16(std::uint32_t value) { append(out_, value, 2); }
  void put32(std::uint32_t value) { append(out_, value, 4); }

  bool little_;
  std::vector<std::byte>& out_;
  std::vector<std::byte> behind_;
  std::size_t end_ = 0;
  std::size_t offset_at_ = 0;
};

std::vector<std::byte> floats_of(const TiffDirectory& directory, const TiffDirectory::Entry& entry, std::size_t count) {
  std::vector<std::byte> bytes;
  for (std::size_t i = 0; i < count; ++i) {
    const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(directory.real(entry, i)));
    for (int byte = 0; byte < 4; ++byte) {
      const int shift = 8 * (directory.little_endian() ? byte : 3 - byte);
      bytes.push_back(static_cast<std::byte>(bits >> shift & 0xFF));
    }
  }
  return bytes;
}

// Of a light: x and y. Without one, libtiff takes that of D50.
bool is_chromaticity(const TiffDirectory& directory, const TiffDirectory::Entry& entry) {
  if (entry.held < 2) return false;
  const double x = directory.real(entry, 0);
  const double y = directory.real(entry, 1);
  return x > 0 && y > 0 && x + y <= 1;
}

int photometric_for_libtiff(const TiffLayout& layout) {
  // Only these change what a decoder does; the rest is ours.
  if (layout.photometric == tiff::kYcbcr || layout.colour == TiffColour::raster) return layout.photometric;
  return tiff::kBlackIsZero;
}

}  // namespace

void write_tiff_strip_file(const TiffLayout& layout, int compression, std::uint32_t rows, std::uint64_t bytes,
                           std::vector<std::byte>& out) {
  const TiffDirectory& directory = layout.directory;
  const bool ycbcr = layout.photometric == tiff::kYcbcr;
  const bool group3 = compression == tiff::kFaxGroup3;
  const bool group4 = compression == tiff::kFaxGroup4;
  const auto samples = layout.separate ? 1U : static_cast<std::uint32_t>(layout.samples);
  const TiffDirectory::Entry* tables =
      layout.compression == tiff::kJpeg ? directory.find(TiffTag::jpeg_tables) : nullptr;
  const TiffDirectory::Entry* weights = ycbcr ? directory.find(TiffTag::ycbcr_coefficients) : nullptr;
  const TiffDirectory::Entry* subsampling = ycbcr ? directory.find(TiffTag::ycbcr_subsampling) : nullptr;
  const TiffDirectory::Entry* range = ycbcr ? directory.find(TiffTag::reference_black_white) : nullptr;
  const TiffDirectory::Entry* white =
      layout.photometric == tiff::kCieLab ? directory.find(TiffTag::white_point) : nullptr;
  if (white != nullptr && !is_chromaticity(directory, *white)) white = nullptr;
  if (weights != nullptr && weights->held < 3) weights = nullptr;
  if (subsampling != nullptr && subsampling->held < 2) subsampling = nullptr;
  if (range != nullptr && range->held < 6) range = nullptr;

  const std::size_t entries = 12U + (group3 || group4 ? 1 : 0) + (layout.predictor != 1 ? 1 : 0) +
                              (tables != nullptr ? 1 : 0) + (weights != nullptr ? 1 : 0) +
                              (subsampling != nullptr ? 1 : 0) + (range != nullptr ? 1 : 0) +
                              (white != nullptr ? 1 : 0);
  Writer writer(directory.little_endian(), entries, out);
  writer.number(TiffTag::image_width, kLong, layout.block_width);
  writer.number(TiffTag::image_length, kLong, rows);
  const std::vector<std::uint32_t> depths(samples, static_cast<std::uint32_t>(layout.bits));
  writer.numbers(TiffTag::bits_per_sample, kShort, depths);
  writer.number(TiffTag::compression, kShort, static_cast<std::uint32_t>(compression));
  writer.number(TiffTag::photometric, kShort, static_cast<std::uint32_t>(photometric_for_libtiff(layout)));
  writer.number(TiffTag::fill_order, kShort, is_tiff_fax(compression) && layout.reversed_bits ? 2 : 1);
  writer.strip_offset();
  writer.number(TiffTag::samples_per_pixel, kShort, samples);
  writer.number(TiffTag::rows_per_strip, kLong, rows);
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
  writer.number(TiffTag::strip_byte_counts, kLong, static_cast<std::uint32_t>(std::min(bytes, kMost)));
  writer.number(TiffTag::planar_configuration, kShort, 1);
  if (group3) {
    const auto options = static_cast<std::uint32_t>(directory.number_or(TiffTag::t4_options, 0));
    writer.number(TiffTag::t4_options, kLong, options);
  }
  if (group4) {
    const auto options = static_cast<std::uint32_t>(directory.number_or(TiffTag::t6_options, 0));
    writer.number(TiffTag::t6_options, kLong, options);
  }
  if (layout.predictor != 1) {
    writer.number(TiffTag::predictor, kShort, static_cast<std::uint32_t>(layout.predictor));
  }
  if (white != nullptr) writer.data(TiffTag::white_point, kFloat, 2, floats_of(directory, *white, 2));
  constexpr std::uint32_t kFormats[] = {1, 2, 3};
  const std::vector<std::uint32_t> formats(samples, kFormats[static_cast<std::size_t>(layout.sample)]);
  writer.numbers(TiffTag::sample_format, kShort, formats);
  if (tables != nullptr) {
    const Bytes all = directory.bytes(*tables);
    const Bytes kept = all.first(std::min(all.size(), kMostJpegTables));
    writer.data(TiffTag::jpeg_tables, kUndefined, kept.size(), kept);
  }
  if (weights != nullptr) writer.data(TiffTag::ycbcr_coefficients, kFloat, 3, floats_of(directory, *weights, 3));
  if (subsampling != nullptr) {
    const std::uint32_t both[] = {static_cast<std::uint32_t>(directory.number(*subsampling, 0)) & 0xFFFF,
                                  static_cast<std::uint32_t>(directory.number(*subsampling, 1)) & 0xFFFF};
    writer.numbers(TiffTag::ycbcr_subsampling, kShort, both);
  }
  if (range != nullptr) writer.data(TiffTag::reference_black_white, kFloat, 6, floats_of(directory, *range, 6));
  writer.finish();
}

}  // namespace pixmill::pipeline
