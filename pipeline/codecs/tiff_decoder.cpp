#include "pipeline/codecs/tiff_decoder.hpp"

#include "pipeline/codecs/exif_parts.hpp"
#include "pipeline/codecs/size_limits.hpp"
#include "pipeline/codecs/tiff_block_reader.hpp"
#include "pipeline/codecs/tiff_layout.hpp"
#include "pipeline/codecs/tiff_pixels.hpp"
#include "pipeline/codecs/tiff_schemes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace pixmill::pipeline {

namespace {

/// Rows handed to the observer at once, where blocks are as wide as the image.
constexpr std::uint32_t kBandRows = 32;

/// How many times over a file's bytes may be read: a few blocks may be shared, a bomb's are all the same.
constexpr std::uint64_t kMostOverlap = 8;
constexpr std::uint64_t kMostOverlapSlack = 65536;

void read_profile(const TiffDirectory& directory, Metadata& metadata) {
  const TiffDirectory::Entry* icc = directory.find(TiffTag::icc_profile);
  if (icc == nullptr) return;
  const Bytes profile = directory.bytes(*icc);
  if (icc->held != icc->count) return metadata.leave_out("its ICC profile is damaged and was left out");
  if (profile.size() > kMostMetadataBytes) return metadata.leave_out("its ICC profile is too large and was left out");
  metadata.icc.assign(profile.begin(), profile.end());
}

void read_exif(Bytes file, Metadata& metadata) {
  const ExifParts parts(file);
  if (parts.bytes(false) > kMostMetadataBytes)
    return metadata.leave_out("its EXIF block is too large and was left out");
  if (!parts.empty()) metadata.exif = parts.block();
  if (!parts.damaged()) return;
  metadata.leave_out(parts.empty() ? "its EXIF block is damaged and was left out"
                                   : "parts of its EXIF block are damaged and were left out");
}

void read_resolution(const TiffDirectory& directory, Metadata& metadata) {
  const std::uint64_t unit = directory.number_or(TiffTag::resolution_unit, 2);
  const TiffDirectory::Entry* x = directory.find(TiffTag::x_resolution);
  const TiffDirectory::Entry* y = directory.find(TiffTag::y_resolution);
  if (x == nullptr || y == nullptr || (unit != 2 && unit != 3)) return;
  const double per_metre = unit == 2 ? 1 / 0.0254 : 100;
  const double across = directory.real(*x, 0) * per_metre;
  const double down = directory.real(*y, 0) * per_metre;
  if (!(across > 0 && across < 1e9 && down > 0 && down < 1e9)) return;
  metadata.pixels_per_metre_x = across;
  metadata.pixels_per_metre_y = down;
}

class TiffDecoder final : public Decoder {
 public:
  CodecStatus read_header(Bytes file, const DecodeLimits& limits, ImageHeader& header) override;
  CodecStatus decode(const DecodeRequest& request, cv::Mat& frame, const BandObserver& observer) override;
  void read_metadata(Metadata& metadata) override;
  void trim(std::size_t keep_bytes) override;

 private:
  CodecStatus check_blocks(const DecodeLimits& limits, ImageHeader& header) const;
  bool read_block_row(std::uint32_t down, cv::Mat& frame, const BandObserver& observer);
  bool read_block(std::uint32_t down, std::uint32_t across, cv::Mat& frame, const BandObserver& observer);
  bool note_damage(const TiffBlockReader& reader, std::uint64_t block, std::uint32_t top, std::uint32_t row);
  [[nodiscard]] CodecStatus outcome() const;

  TiffLayout layout_;
  DecodeLimits limits_;
  bool lenient_ = false;
  std::array<TiffBlockReader, 5> readers_;  // one a plane
  TiffPixels pixels_;
  CodecStatus damage_;  // the first
  std::uint64_t damaged_blocks_ = 0;
  std::uint64_t good_rows_ = 0;  // of blocks
};

CodecStatus TiffDecoder::read_header(Bytes file, const DecodeLimits& limits, ImageHeader& header) {
  limits_ = limits;
  header = {};
  CodecStatus status = read_tiff_layout(file, layout_);
  header.shape.width = layout_.width;
  header.shape.height = layout_.height;
  if (layout_.width == 0 || layout_.height == 0) return status;
  CodecStatus allowed = check_limits(header.shape, 0, limits);
  if (!allowed.usable()) return allowed;
  if (!status.usable()) return status;
  header.shape = layout_.shape();
  header.orientation = layout_.orientation;
  header.two_level = layout_.bits == 1 && layout_.samples == 1 &&
                     (layout_.colour == TiffColour::gray || layout_.colour == TiffColour::inverse);
  return check_blocks(limits, header);
}

CodecStatus TiffDecoder::check_blocks(const DecodeLimits& limits, ImageHeader& header) const {
  CodecStatus sizes = check_tiff_block_sizes(layout_);
  if (!sizes.usable()) return sizes;
  const TiffBlockSums sums = sum_tiff_blocks(layout_);
  const char* word = layout_.block_word();
  const std::uint64_t file_bytes = layout_.directory.file().size();
  if (sums.total > kMostOverlap * file_bytes + kMostOverlapSlack) {
    return {Verdict::too_large, fmt::format("its {} {}s overlap: they claim {} bytes of a file of {}", layout_.blocks(),
                                            word, sums.total, file_bytes)};
  }
  if (sums.total == 0)
    return {Verdict::truncated, fmt::format("none of its {} {}s is in the file", layout_.blocks(), word)};
  const auto planes = layout_.separate ? static_cast<std::uint64_t>(layout_.colour_samples() + 1) : 1;
  header.decoder_bytes =
      planes * TiffBlockReader::working_bytes(layout_, sums.largest) + TiffPixels::working_bytes(layout_);
  return check_limits(header.shape, header.decoder_bytes, limits);
}

CodecStatus TiffDecoder::decode(const DecodeRequest& request, cv::Mat& frame, const BandObserver& observer) {
  lenient_ = request.lenient;
  damage_ = check_tiff_blocks(layout_);
  damaged_blocks_ = 0;
  if (!damage_.usable() && !lenient_) return damage_;
  good_rows_ = 0;
  pixels_.start(layout_, frame.channels());
  for (std::size_t i = 0; i < pixels_.planes().size(); ++i) readers_.at(i).start(layout_, limits_.max_memory);
  bool going = true;
  for (std::uint32_t down = 0; down < layout_.blocks_down && going; ++down) {
    going = read_block_row(down, frame, observer);
  }
  for (TiffBlockReader& reader : readers_) reader.close();
  return outcome();
}

bool TiffDecoder::read_block_row(std::uint32_t down, cv::Mat& frame, const BandObserver& observer) {
  if (layout_.blocks_across == 1) return read_block(down, 0, frame, observer);
  for (std::uint32_t across = 0; across < layout_.blocks_across; ++across) {
    if (!read_block(down, across, frame, {})) return false;
  }
  const auto first = static_cast<int>(down * layout_.block_height);
  if (observer) observer(frame.rowRange(first, std::min(first + static_cast<int>(layout_.block_height), frame.rows)));
  return true;
}

/// Returns false when decoding is over: at damage, unless lenient.
bool TiffDecoder::read_block(std::uint32_t down, std::uint32_t across, cv::Mat& frame, const BandObserver& observer) {
  const std::span<const int> planes = pixels_.planes();
  const std::uint32_t top = down * layout_.block_height;
  const std::uint32_t left = across * layout_.block_width;
  const std::uint32_t rows = std::min(layout_.block_height, layout_.height - top);
  const std::uint32_t width = std::min(layout_.block_width, layout_.width - left);
  const std::size_t offset = left * frame.elemSize();
  const auto block_of = [&](std::size_t i) {
    return layout_.block_index(layout_.separate ? planes[i] : 0, down, across);
  };
  for (std::size_t i = 0; i < planes.size(); ++i) readers_.at(i).open(block_of(i), layout_.block_rows(down));

  std::array<const std::byte*, 5> samples{};
  bool whole = true;
  for (std::uint32_t y = 0; y < rows; ++y) {
    for (std::size_t i = 0; i < planes.size() && whole; ++i) {
      samples.at(i) = readers_.at(i).next_row();
      if (samples.at(i) == nullptr) {
        whole = false;
        if (!note_damage(readers_.at(i), block_of(i), top, y)) return false;
      }
    }
    std::uint8_t* out = frame.ptr<std::uint8_t>(static_cast<int>(top + y)) + offset;
    if (whole) {
      pixels_.convert({samples.data(), planes.size()}, width, out);
      ++good_rows_;
    } else {
      std::fill_n(out, width * frame.elemSize(), std::uint8_t{0});
    }
    const std::uint32_t band = y % kBandRows + 1;
    if (observer && (band == kBandRows || y + 1 == rows)) {
      observer(frame.rowRange(static_cast<int>(top + y + 1 - band), static_cast<int>(top + y + 1)));
    }
  }
  // Rows may all be there although something was wrong.
  for (std::size_t i = 0; i < planes.size() && whole; ++i) {
    if (!readers_.at(i).damage().usable() && !note_damage(readers_.at(i), block_of(i), top, rows)) return false;
  }
  return true;
}

/// Remembers what is wrong with a block that begins at scan line `top` and could be had up to its `row`. Returns
/// whether to go on.
bool TiffDecoder::note_damage(const TiffBlockReader& reader, std::uint64_t block, std::uint32_t top,
                              std::uint32_t row) {
  const CodecStatus& why = reader.damage();
  ++damaged_blocks_;
  const bool hopeless =
      why.verdict == Verdict::too_large || why.verdict == Verdict::unsupported || why.verdict == Verdict::out_of_memory;
  if (damage_.usable() || hopeless) {
    std::string place;
    if (reader.damaged_row()) {
      place = fmt::format(", at scan line {}", top + *reader.damaged_row());
    } else if (top + row < layout_.height && row < layout_.block_height) {
      place = fmt::format(", from scan line {} on", top + row);
    }
    damage_ = {why.usable() ? Verdict::corrupt : why.verdict,
               fmt::format("{} {} of {}: {}{}", layout_.block_word(), block + 1, layout_.blocks(),
                           why.detail.empty() ? "rows are missing" : why.detail, place)};
  }
  return lenient_ && !hopeless;
}

CodecStatus TiffDecoder::outcome() const {
  if (damage_.usable() && damaged_blocks_ == 0) {
    if (layout_.colour == TiffColour::raster || layout_.sample == TiffSample::unsigned_integer) return {};
    if (layout_.sample == TiffSample::signed_integer) {
      return {Verdict::ok, fmt::format("signed samples: {} was added to each", 1 << (layout_.bits - 1))};
    }
    std::string detail = fmt::format("floating-point samples of {} bits: 0 to 1 became 0 to 65535", layout_.bits);
    if (pixels_.clamped() > 0) detail += fmt::format(", {} outside were clamped", pixels_.clamped());
    return {Verdict::ok, std::move(detail)};
  }
  if (!lenient_ || good_rows_ == 0 || damage_.verdict == Verdict::too_large ||
      damage_.verdict == Verdict::unsupported || damage_.verdict == Verdict::out_of_memory) {
    return damage_;
  }
  return {Verdict::repaired, fmt::format("{}; {} of {} {}s are damaged or missing", damage_.detail, damaged_blocks_,
                                         layout_.blocks(), layout_.block_word())};
}

void TiffDecoder::read_metadata(Metadata& metadata) {
  read_profile(layout_.directory, metadata);
  read_exif(layout_.directory.file(), metadata);
  read_resolution(layout_.directory, metadata);
}

void TiffDecoder::trim(std::size_t keep_bytes) {
  for (TiffBlockReader& reader : readers_) reader.trim(keep_bytes);
  pixels_.trim(keep_bytes);
}

}  // namespace

std::unique_ptr<Decoder> make_tiff_decoder() { return std::make_unique<TiffDecoder>(); }

}  // namespace pixmill::pipeline
