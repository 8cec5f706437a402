#include "pipeline/codecs/png_encoder.hpp"

#include "pipeline/codecs/byte_order.hpp"
#include "pipeline/codecs/png_chunks.hpp"
#include "pipeline/codecs/png_filter.hpp"
#include "pipeline/codecs/png_metadata.hpp"
#include "pipeline/codecs/png_zlib.hpp"
#include "pipeline/codecs/written_rows.hpp"

#include <libdeflate.h>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <new>
#include <span>

namespace pixmill::pipeline {

namespace {

/// Fewer bytes of bits than this are not looked at before they are compressed, or all of them if time is no matter.
constexpr std::size_t kPeriod = 256;  // in lines: how often some are looked at
constexpr std::size_t kWorthALook = std::size_t{64} << 10;

/// Rows that are brought into PNG's byte order together; a few tens of KiB stay in the first-level caches.
constexpr int kBandRows = 16;

struct FreeCompressor {
  void operator()(libdeflate_compressor* compressor) const { libdeflate_free_compressor(compressor); }
};

std::size_t row_bytes_of(const kernels::FrameShape& shape, bool two_level) {
  const auto width = static_cast<std::size_t>(shape.width);
  if (two_level && shape.channels == 1) return (width + 7) / 8;
  return width * static_cast<std::size_t>(shape.channels) * (shape.depth == kernels::Depth::sixteen ? 2 : 1);
}

/// Colour types: gray 0, true colour 2, gray with alpha 4, true colour with alpha 6.
int colour_type_of(int channels) {
  constexpr std::array<int, 5> kTypes{0, 0, 4, 2, 6};
  return kTypes.at(static_cast<std::size_t>(channels));
}

/// The filters to try on each row. Trying more costs time, and pays only when the compressor looks further; but of
/// gray, a third one takes 1 to 4 % off photographs and scanned pages for 3 % more time. Paeth's takes off no more, and
/// makes whoever reads the file half as slow again.
std::span<const PngFilter> filters_for(int compression, std::size_t pixel_bytes) {
  static constexpr std::array kNone{PngFilter::none};
  static constexpr std::array kQuickGray{PngFilter::sub, PngFilter::up, PngFilter::average};
  static constexpr std::array kQuick{PngFilter::sub, PngFilter::up};
  static constexpr std::array kAll{PngFilter::none, PngFilter::sub, PngFilter::up, PngFilter::average,
                                   PngFilter::paeth};
  if (compression == 0) return kNone;
  if (compression == 1 && pixel_bytes == 1) return kQuickGray;
  if (compression == 1) return kQuick;
  return kAll;
}

class PngEncoder final : public Encoder {
 public:
  [[nodiscard]] Need need(const kernels::FrameShape& shape, bool two_level) const override;
  CodecStatus encode(const EncodeSource& source, const EncodeOptions& options, std::vector<std::byte>& out) override;
  void trim(std::size_t keep_bytes) override;

 private:
  void select_compressor(int level);
  void pack_bits(const EncodeSource& source);
  [[nodiscard]] std::size_t compress(PngRepeats repeats, std::span<const std::uint8_t> lines,
                                     std::span<std::uint8_t> out) const;
  void take_sample(PngFilter filter, std::size_t rows, std::size_t share);
  [[nodiscard]] PngRepeats filter_bits(int compression, std::size_t rows);
  void filter_rows(const EncodeSource& source, std::span<const PngFilter> filters);
  void filter_best(const std::uint8_t* row, const std::uint8_t* above, std::size_t pixel_bytes,
                   std::span<const PngFilter> filters, std::uint8_t* out);
  const cv::Mat& as_stored(const cv::Mat& band);

  std::unique_ptr<libdeflate_compressor, FreeCompressor> compressor_;
  int level_ = -1;
  std::size_t row_bytes_ = 0;
  std::vector<std::uint8_t> lines_;  // all scan lines, each after its filter's number
  std::vector<std::uint8_t> above_;  // the row before the band in hand
  std::vector<std::uint8_t> trial_;
  std::vector<std::uint8_t> sample_;
  WrittenRows rows_;
  cv::Mat swapped_;
};

Encoder::Need PngEncoder::need(const kernels::FrameShape& shape, bool two_level) const {
  const std::size_t row_bytes = row_bytes_of(shape, two_level);
  const std::size_t line_bytes = (row_bytes + 1) * static_cast<std::size_t>(shape.height);
  // libdeflate's bound for stored blocks, and the largest of its compressors.
  const std::size_t bound = libdeflate_zlib_compress_bound(nullptr, line_bytes);
  constexpr std::uint64_t kCompressor = std::uint64_t{9} << 20;
  // Lines of bits are tried on at most half of them, twice over, or on all of a few.
  constexpr std::uint64_t kTrial = 1024;
  const std::uint64_t trial = two_level && shape.channels == 1
                                  ? line_bytes + 2 * std::min(line_bytes, kWorthALook) + kTrial + kPngZlibBytes
                                  : 0;
  return {bound + png_overhead(bound), kCompressor + line_bytes + trial + row_bytes * (2 * kBandRows + 3)};
}

CodecStatus PngEncoder::encode(const EncodeSource& source, const EncodeOptions& options, std::vector<std::byte>& out) {
  const cv::Mat& frame = *source.frame;
  const kernels::FrameShape shape = kernels::shape_of(frame);
  const bool bits = source.two_level && shape.channels == 1;
  row_bytes_ = row_bytes_of(shape, bits);
  lines_.resize((row_bytes_ + 1) * static_cast<std::size_t>(shape.height));
  select_compressor(options.compression);
  PngRepeats repeats = PngRepeats::wanted;
  if (bits) {
    pack_bits(source);
    repeats = filter_bits(options.compression, static_cast<std::size_t>(shape.height));
  } else {
    filter_rows(source, filters_for(options.compression, frame.elemSize()));
  }

  const std::size_t bound = libdeflate_zlib_compress_bound(compressor_.get(), lines_.size());
  std::size_t data_start = kPngDataStart;
  CodecStatus status;
  if (source.metadata != nullptr) {
    out.reserve(kPngDataStart + png_metadata_bound(*source.metadata) + bound);
    status = write_png_metadata(*source.metadata, compressor_.get(), out);
    data_start = out.size() + kPngChunkPrefix;
  }
  out.resize(data_start + bound);
  auto* const data = reinterpret_cast<std::uint8_t*>(out.data() + data_start);
  const std::size_t compressed = compress(repeats, lines_, {data, out.size() - data_start});
  if (compressed == 0) return {Verdict::write_failed, "the image could not be compressed"};
  PngHeader header;
  header.width = static_cast<std::uint32_t>(shape.width);
  header.height = static_cast<std::uint32_t>(shape.height);
  header.bit_depth = bits ? 1 : static_cast<int>(shape.depth);
  header.colour_type = colour_type_of(shape.channels);
  wrap_png(header, data_start, compressed, kMaxPngChunk, out);
  return status;
}

void PngEncoder::select_compressor(int level) {
  if (compressor_ && level_ == level) return;
  compressor_.reset(libdeflate_alloc_compressor(level));
  if (!compressor_) throw std::bad_alloc();
  level_ = level;
}

/// Packs all lines, with no filter.
void PngEncoder::pack_bits(const EncodeSource& source) {
  const WrittenBits bits(source);
  for (int y = 0; y < source.frame->rows; ++y) {
    std::uint8_t* line = lines_.data() + static_cast<std::size_t>(y) * (row_bytes_ + 1);
    line[0] = static_cast<std::uint8_t>(PngFilter::none);
    bits.pack(y, line + 1);
  }
}

std::size_t PngEncoder::compress(PngRepeats repeats, std::span<const std::uint8_t> lines,
                                 std::span<std::uint8_t> out) const {
  if (repeats != PngRepeats::wanted) {
    const std::size_t bytes = png_zlib_compress(repeats, lines, out);
    if (bytes != 0) return bytes;
  }
  return libdeflate_zlib_compress(compressor_.get(), lines.data(), lines.size(), out.data(), out.size());
}

/// A share of the lines with that filter: `share` of every 256, together, from all over the image; but not the first,
/// which has none above it.
void PngEncoder::take_sample(PngFilter filter, std::size_t rows, std::size_t share) {
  const std::size_t line = row_bytes_ + 1;
  sample_.clear();
  for (std::size_t first = std::clamp<std::size_t>((kPeriod - share) / 3, 1, 64); first < rows; first += kPeriod) {
    for (std::size_t y = first; y < std::min(first + share, rows); ++y) {
      const std::size_t at = sample_.size();
      sample_.resize(at + line);
      sample_[at] = static_cast<std::uint8_t>(filter);
      const std::uint8_t* row = lines_.data() + y * line + 1;
      filter_row(filter, row, row - line, row_bytes_, 1, sample_.data() + at + 1);
    }
  }
  trial_.resize(libdeflate_zlib_compress_bound(compressor_.get(), sample_.size()));
}

/// Lines of bits are best left as they are: their bytes are patterns of pixels, not levels, and differences mostly hide
/// repeats. But where edges run down the page, or dots form a screen, differences from the line above are up to a tenth
/// smaller, and so may be data in which no repeats are looked for. A look at a share of the lines tells; small images
/// do not pay for it unless time is no matter.
PngRepeats PngEncoder::filter_bits(int compression, std::size_t rows) {
  constexpr int kPatient = 5;
  constexpr std::array kQuick{PngRepeats::wanted};
  constexpr std::array kAll{PngRepeats::wanted, PngRepeats::of_last_byte, PngRepeats::unwanted};
  const bool patient = compression >= kPatient;
  if (compression == 0 || (!patient && lines_.size() < kWorthALook)) return PngRepeats::wanted;
  const std::size_t share = !patient ? 16 : lines_.size() < kWorthALook ? kPeriod : 64;
  PngFilter filter = PngFilter::none;
  PngRepeats repeats = PngRepeats::wanted;
  std::size_t best = 0;
  for (const PngFilter tried : {PngFilter::none, PngFilter::up}) {
    take_sample(tried, rows, share);
    for (const PngRepeats way : patient ? std::span<const PngRepeats>(kAll) : kQuick) {
      const std::size_t size = compress(way, sample_, trial_);
      // Only a clear gain: of a larger part repeats would be more.
      if (best != 0 && size * 100 > best * 97) continue;
      best = size;
      filter = tried;
      repeats = way;
    }
  }
  if (filter == PngFilter::none) return repeats;
  // From the last line to the first, as each needs the one above as it was.
  const std::size_t line = row_bytes_ + 1;
  for (std::size_t y = rows; y-- > 0;) {
    std::uint8_t* at = lines_.data() + y * line;
    at[0] = static_cast<std::uint8_t>(PngFilter::up);
    if (y > 0) filter_row(PngFilter::up, at + 1, at + 1 - line, row_bytes_, 1, at + 1);
  }
  return repeats;
}

void PngEncoder::filter_rows(const EncodeSource& source, std::span<const PngFilter> filters) {
  const cv::Mat& frame = *source.frame;
  above_.assign(row_bytes_, 0);
  trial_.resize(row_bytes_);
  std::uint8_t* line = lines_.data();
  for (int first = 0; first < frame.rows; first += kBandRows) {
    const int last = std::min(first + kBandRows, frame.rows);
    const cv::Mat& band = as_stored(rows_.rows(source, first, last, false));
    const std::uint8_t* above = above_.data();
    for (int y = 0; y < band.rows; ++y, line += row_bytes_ + 1) {
      const std::uint8_t* row = band.ptr<std::uint8_t>(y);
      filter_best(row, above, frame.elemSize(), filters, line);
      above = row;
    }
    // The next band goes where this one is.
    std::memcpy(above_.data(), above, row_bytes_);
  }
}

void PngEncoder::filter_best(const std::uint8_t* row, const std::uint8_t* above, std::size_t pixel_bytes,
                             std::span<const PngFilter> filters, std::uint8_t* out) {
  filter_row(filters.front(), row, above, row_bytes_, pixel_bytes, out + 1);
  out[0] = static_cast<std::uint8_t>(filters.front());
  if (filters.size() == 1) return;
  std::uint64_t best = filter_cost(out + 1, row_bytes_);
  for (const PngFilter filter : filters.subspan(1)) {
    filter_row(filter, row, above, row_bytes_, pixel_bytes, trial_.data());
    const std::uint64_t cost = filter_cost(trial_.data(), row_bytes_);
    if (cost >= best) continue;
    best = cost;
    out[0] = static_cast<std::uint8_t>(filter);
    std::memcpy(out + 1, trial_.data(), row_bytes_);
  }
}

/// The band as PNG has it: R before B, the high byte of a sample first. It may be `band` itself.
const cv::Mat& PngEncoder::as_stored(const cv::Mat& band) {
  if (band.channels() <= 2 && band.depth() == CV_8U) return band;
  if (band.channels() >= 3) {
    cv::cvtColor(band, swapped_, band.channels() == 3 ? cv::COLOR_BGR2RGB : cv::COLOR_BGRA2RGBA);
  } else {
    band.copyTo(swapped_);
  }
  if (band.depth() == CV_16U && std::endian::native == std::endian::little) {
    for (int y = 0; y < swapped_.rows; ++y) {
      auto* samples = swapped_.ptr<std::uint16_t>(y);
      const int count = swapped_.cols * swapped_.channels();
      for (int i = 0; i < count; ++i) samples[i] = static_cast<std::uint16_t>(samples[i] << 8 | samples[i] >> 8);
    }
  }
  return swapped_;
}

void PngEncoder::trim(std::size_t keep_bytes) {
  for (std::vector<std::uint8_t>* buffer : {&lines_, &above_, &trial_, &sample_}) {
    if (buffer->capacity() > keep_bytes) std::vector<std::uint8_t>().swap(*buffer);
  }
  if (swapped_.total() * swapped_.elemSize() > keep_bytes) swapped_.release();
  rows_.trim(keep_bytes);
}

}  // namespace

std::unique_ptr<Encoder> make_png_encoder() { return std::make_unique<PngEncoder>(); }

}  // namespace pixmill::pipeline
