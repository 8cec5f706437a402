#include "pipeline/codecs/png_decoder.hpp"

#include "pipeline/codecs/png_inflater.hpp"
#include "pipeline/codecs/png_layout.hpp"
#include "pipeline/codecs/png_metadata.hpp"
#include "pipeline/codecs/png_rows.hpp"
#include "pipeline/codecs/png_stream.hpp"
#include "pipeline/codecs/size_limits.hpp"

#include <fmt/format.h>
#include <spng.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <limits>
#include <memory>

namespace pixmill::pipeline {

namespace {

/// Rows handed to the observer at once.
constexpr std::uint32_t kBandRows = 32;

struct CloseSpng {
  void operator()(spng_ctx* context) const { spng_ctx_free(context); }
};
using SpngContext = std::unique_ptr<spng_ctx, CloseSpng>;

kernels::FrameShape shape_of(const PngLayout& layout) {
  int channels = layout.colour_type == 2 || layout.colour_type == 3 || layout.colour_type == 6 ? 3 : 1;
  if (layout.transparency || layout.colour_type >= 4) ++channels;
  return {layout.width, layout.height, channels,
          layout.bit_depth == 16 ? kernels::Depth::sixteen : kernels::Depth::eight};
}

/// Bytes of one scan line as PNG packs it.
std::uint64_t line_bytes(const PngLayout& layout) {
  const int type = layout.colour_type;
  const std::uint64_t samples = type == 2 ? 3 : type == 4 ? 2 : type == 6 ? 4 : 1;
  return (samples * static_cast<std::uint64_t>(layout.bit_depth) * layout.width + 7) / 8;
}

/// Bytes of all scan lines of an image that is not interlaced, each with its filter.
std::uint64_t scan_bytes(const PngLayout& layout) { return (line_bytes(layout) + 1) * layout.height; }

class PngDecoder final : public Decoder {
 public:
  CodecStatus read_header(Bytes file, const DecodeLimits& limits, ImageHeader& header) override;
  CodecStatus decode(const DecodeRequest& request, cv::Mat& frame, const BandObserver& observer) override;
  void read_metadata(Metadata& metadata) override { read_png_metadata(file_, layout_, metadata); }
  void trim(std::size_t keep_bytes) override;

 private:
  CodecStatus open(bool lenient);
  int read_lines(cv::Mat& frame, const BandObserver& observer, std::uint32_t& rows_done);
  int read_passes(cv::Mat& frame, const BandObserver& observer, std::uint32_t& rows_done);
  CodecStatus describe(int error, std::uint32_t rows_done) const;

  Bytes file_;
  PngLayout layout_;
  bool inflate_first_ = false;  // the memory for it may be taken
  PngInflater inflater_;
  PngStream stream_;  // libspng sees neither text nor profiles, and tRNS is ours
  SpngContext context_;
  PngRows rows_;
  std::vector<std::byte> lines_;  // a band of packed scan lines, or all of them if interlaced
};

CodecStatus PngDecoder::read_header(Bytes file, const DecodeLimits& limits, ImageHeader& header) {
  file_ = file;
  CodecStatus status = read_png_layout(file, layout_);
  if (layout_.width == 0 || layout_.height == 0) return status;
  header = {};
  header.shape = shape_of(layout_);
  header.orientation = layout_.orientation;
  header.two_level = layout_.colour_type == 0 && layout_.bit_depth == 1 && !layout_.transparency;
  // spng, zlib's inflate state and window, and the places of stored blocks; its two scan lines and one row; our band,
  // or all passes together.
  constexpr std::uint64_t kFixed = std::uint64_t{128} << 10;
  const std::uint64_t kept_rows = layout_.interlaced ? layout_.height : std::min(kBandRows, layout_.height);
  header.decoder_bytes = kFixed + (3 + kept_rows) * (line_bytes(layout_) + 64);
  CodecStatus allowed = check_limits(header.shape, header.decoder_bytes, limits);
  if (!allowed.usable()) return allowed;
  const std::uint64_t inflater_bytes = PngInflater::need(layout_, scan_bytes(layout_));
  inflate_first_ = !layout_.interlaced && scan_bytes(layout_) <= PngInflater::kMostBytes &&
                   check_limits(header.shape, header.decoder_bytes + inflater_bytes, limits).usable();
  if (inflate_first_) header.decoder_bytes += inflater_bytes;
  return status;
}

CodecStatus PngDecoder::decode(const DecodeRequest& request, cv::Mat& frame, const BandObserver& observer) {
  check_png_data(file_, layout_);
  if (!layout_.damage.usable() && !request.lenient) return layout_.damage;
  CodecStatus opened = open(request.lenient);
  if (!opened.usable()) return opened;
  rows_.prepare(file_, layout_, request.keep_alpha);
  std::uint32_t rows_done = 0;
  const int error =
      layout_.interlaced ? read_passes(frame, observer, rows_done) : read_lines(frame, observer, rows_done);
  context_.reset();
  CodecStatus damage = error == SPNG_EOI ? layout_.damage : describe(error, rows_done);
  if (damage.usable()) return {};
  if (!request.lenient || damage.verdict == Verdict::out_of_memory) return damage;
  for (std::uint32_t first = rows_done; first < layout_.height; first += kBandRows) {
    const std::uint32_t last = std::min(first + kBandRows, layout_.height);
    cv::Mat band = frame.rowRange(static_cast<int>(first), static_cast<int>(last));
    band.setTo(cv::Scalar::all(0));
    if (observer) observer(band);
  }
  return {Verdict::repaired, std::move(damage.detail)};
}

// zlib's want of memory comes out of libspng as damage to the data, so it is seen where it arises. Its allocator is
// told nothing of the decoder, which works in one thread at a time.
thread_local bool memory_ran_out = false;

void* seen(void* memory) {
  memory_ran_out = memory_ran_out || memory == nullptr;
  return memory;
}

spng_alloc watched_allocator() {
  return {[](std::size_t bytes) { return seen(std::malloc(bytes)); },
          [](void* memory, std::size_t bytes) { return seen(std::realloc(memory, bytes)); },
          [](std::size_t count, std::size_t bytes) { return seen(std::calloc(count, bytes)); }, std::free};
}

int read_stream(spng_ctx* /*context*/, void* user, void* out, std::size_t bytes) {
  return static_cast<PngStream*>(user)->read(static_cast<std::byte*>(out), bytes) ? 0 : SPNG_IO_EOF;
}

CodecStatus PngDecoder::open(bool lenient) {
  Bytes lines;
  if (inflate_first_ && layout_.damage.usable()) lines = inflater_.run(file_, layout_, scan_bytes(layout_));
  memory_ran_out = false;
  spng_alloc allocator = watched_allocator();
  context_.reset(spng_ctx_new2(&allocator, lines.empty() ? 0 : SPNG_CTX_IGNORE_ADLER32));
  if (!context_) throw std::bad_alloc();
  if (lines.empty()) {
    stream_.open(file_, layout_);
  } else {
    stream_.open_inflated(file_, layout_, lines);
  }
  constexpr std::size_t kMostChunkBytes = 1024;  // PLTE; image data is not cached
  // Sums have been checked by now, and inflated lines come without. Where one was wrong and the file is read all the
  // same, libspng must not stop at it; else it may ask: passing sums over is passing over zlib's of the data too.
  const bool unasked = !lines.empty() || (lenient && !layout_.damage.usable());
  const int on_wrong_sum = unasked ? SPNG_CRC_USE : SPNG_CRC_ERROR;
  int error = spng_set_crc_action(context_.get(), on_wrong_sum, on_wrong_sum);
  if (error == 0) error = spng_set_image_limits(context_.get(), layout_.width, layout_.height);
  if (error == 0) error = spng_set_chunk_limits(context_.get(), kMostChunkBytes, kMostChunkBytes);
  if (error == 0) error = spng_set_png_stream(context_.get(), read_stream, &stream_);
  if (error == 0) {
    error = spng_decode_image(context_.get(), nullptr, 0, SPNG_FMT_PNG, SPNG_DECODE_PROGRESSIVE);
  }
  return error == 0 ? CodecStatus{} : describe(error, 0);
}

int PngDecoder::read_lines(cv::Mat& frame, const BandObserver& observer, std::uint32_t& rows_done) {
  const auto stride = static_cast<std::size_t>(line_bytes(layout_) + 63) / 64 * 64;
  if (!rows_.same_layout()) lines_.resize(stride * std::min(kBandRows, layout_.height));
  int error = 0;
  while (error == 0) {
    const std::uint32_t first = rows_done;
    const std::uint32_t last = std::min(first + kBandRows, layout_.height);
    while (rows_done < last && error == 0) {
      void* line = rows_.same_layout() ? static_cast<void*>(frame.ptr(static_cast<int>(rows_done)))
                                       : static_cast<void*>(lines_.data() + stride * (rows_done - first));
      error = spng_decode_row(context_.get(), line, line_bytes(layout_));
      if (error == 0 || error == SPNG_EOI) ++rows_done;
    }
    if (rows_done == first) return error;
    cv::Mat band = frame.rowRange(static_cast<int>(first), static_cast<int>(rows_done));
    if (!rows_.same_layout()) rows_.convert(lines_.data(), stride, band);
    if (observer) observer(band);
  }
  return error;
}

/// Adam7: every row gets pixels in several passes, so rows are final only at the end. Pixels whose pass is missing
/// have the value that a sample of 0 stands for.
int PngDecoder::read_passes(cv::Mat& frame, const BandObserver& observer, std::uint32_t& rows_done) {
  const auto stride = static_cast<std::size_t>(line_bytes(layout_) + 63) / 64 * 64;
  lines_.assign(stride * layout_.height, std::byte{0});
  int error = 0;
  while (error == 0) {
    spng_row_info row{};
    error = spng_get_row_info(context_.get(), &row);
    if (error == 0) error = spng_decode_row(context_.get(), lines_.data() + stride * row.row_num, line_bytes(layout_));
  }
  rows_.convert(lines_.data(), stride, frame);
  rows_done = layout_.height;
  if (observer) observer(frame);
  return error;
}

CodecStatus PngDecoder::describe(int error, std::uint32_t rows_done) const {
  if (error == SPNG_EMEM || (error != 0 && memory_ran_out))
    return {Verdict::out_of_memory, "not enough memory to decode it"};
  const std::string place = layout_.interlaced
                                ? std::string("pixels of some passes are missing")
                                : fmt::format("scan lines {} to {} are missing", rows_done, layout_.height - 1);
  if (!layout_.damage.usable()) return {layout_.damage.verdict, layout_.damage.detail + ": " + place};
  switch (error) {
    case SPNG_IO_EOF:
      return {Verdict::truncated, "cut short: " + place};
    case SPNG_EIDAT_TOO_SHORT:
      return {Verdict::corrupt, "the image data ends early: " + place};
    case SPNG_EIDAT_STREAM:
      return {Verdict::corrupt, "the compressed data is damaged: " + place};
    case SPNG_EFILTER:
      return {Verdict::corrupt, "a scan line has a filter that PNG does not define: " + place};
    default:
      return {Verdict::corrupt, std::string(spng_strerror(error)) + ": " + place};
  }
}

void PngDecoder::trim(std::size_t keep_bytes) {
  context_.reset();
  inflater_.trim(keep_bytes);
  if (lines_.capacity() > keep_bytes) std::vector<std::byte>().swap(lines_);
}

}  // namespace

std::unique_ptr<Decoder> make_png_decoder() { return std::make_unique<PngDecoder>(); }

}  // namespace pixmill::pipeline
