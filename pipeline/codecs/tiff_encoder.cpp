#include "pipeline/codecs/tiff_encoder.hpp"

#include "pipeline/codecs/exif.hpp"
#include "pipeline/codecs/exif_parts.hpp"
#include "pipeline/codecs/tiff_messages.hpp"
#include "pipeline/codecs/written_rows.hpp"

#include <tiffio.h>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>

namespace pixmill::pipeline {

namespace {

/// Of metadata: entries, alignment.
constexpr std::uint64_t kMetadataFrames = 1024;
constexpr std::uint64_t kStripBytes = std::uint64_t{256} << 10;
/// As PNG's default. libtiff passes it to libdeflate: level 4 makes a photograph 6 % smaller in twice the time, and
/// level 6 another 4 % in eight times.
constexpr int kDeflateLevel = 1;
/// Beyond this a classic TIFF's 32-bit offsets might not do.
constexpr std::uint64_t kMostClassic = std::uint64_t{4000} << 20;

struct Strips {
  std::uint64_t row_bytes = 0;
  std::uint32_t rows = 0;
  std::uint32_t count = 0;
};

Strips strips_of(const kernels::FrameShape& shape, bool bits) {
  Strips strips;
  const auto width = static_cast<std::uint64_t>(shape.width);
  const std::uint64_t sample_bytes = shape.depth == kernels::Depth::sixteen ? 2 : 1;
  strips.row_bytes = bits ? (width + 7) / 8 : width * static_cast<std::uint64_t>(shape.channels) * sample_bytes;
  const auto height = static_cast<std::uint64_t>(shape.height);
  strips.rows = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(kStripBytes / strips.row_bytes, 1, height));
  strips.count = static_cast<std::uint32_t>((height - 1) / strips.rows + 1);
  return strips;
}

/// What libtiff writes to. Called through C, so it keeps a failure for later instead of throwing.
struct Output {
  std::vector<std::byte>* bytes = nullptr;
  std::size_t position = 0;
  bool out_of_memory = false;

  static Output& of(thandle_t self) { return *static_cast<Output*>(self); }
  static tmsize_t read(thandle_t self, void* to, tmsize_t count) {
    Output& out = of(self);
    const std::size_t there = out.bytes->size() - std::min(out.position, out.bytes->size());
    const std::size_t taken = std::min(static_cast<std::size_t>(std::max<tmsize_t>(count, 0)), there);
    if (taken > 0) std::memcpy(to, out.bytes->data() + out.position, taken);
    out.position += taken;
    return static_cast<tmsize_t>(taken);
  }
  static tmsize_t write(thandle_t self, void* from, tmsize_t count) {
    Output& out = of(self);
    const std::size_t end = out.position + static_cast<std::size_t>(count);
    try {
      if (end > out.bytes->size()) out.bytes->resize(end);
    } catch (const std::bad_alloc&) {
      out.out_of_memory = true;
      return 0;
    }
    std::memcpy(out.bytes->data() + out.position, from, static_cast<std::size_t>(count));
    out.position = end;
    return count;
  }
  static toff_t seek(thandle_t self, toff_t offset, int whence) {
    Output& out = of(self);
    if (whence == SEEK_CUR) offset += out.position;
    if (whence == SEEK_END) offset += out.bytes->size();
    out.position = offset;
    return offset;
  }
  static toff_t size(thandle_t self) { return of(self).bytes->size(); }
  static int close(thandle_t /*self*/) { return 0; }
};

struct FreeOptions {
  void operator()(TIFFOpenOptions* options) const { TIFFOpenOptionsFree(options); }
};
struct Discard {
  void operator()(TIFF* tiff) const { TIFFCleanup(tiff); }
};
using TiffHandle = std::unique_ptr<TIFF, Discard>;

void set_fields(TIFF* tiff, const kernels::FrameShape& shape, bool bits, const Strips& strips) {
  TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, static_cast<std::uint32_t>(shape.width));
  TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, static_cast<std::uint32_t>(shape.height));
  TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, bits ? 1 : static_cast<int>(shape.depth));
  TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, shape.channels);
  TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, strips.rows);
  TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
  if (bits) {
    TIFFSetField(tiff, TIFFTAG_COMPRESSION, COMPRESSION_CCITTFAX4);
    TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISWHITE);
    return;
  }
  TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, shape.channels <= 2 ? PHOTOMETRIC_MINISBLACK : PHOTOMETRIC_RGB);
  TIFFSetField(tiff, TIFFTAG_COMPRESSION, COMPRESSION_ADOBE_DEFLATE);
  TIFFSetField(tiff, TIFFTAG_ZIPQUALITY, kDeflateLevel);
  TIFFSetField(tiff, TIFFTAG_PREDICTOR, PREDICTOR_HORIZONTAL);
  if (!kernels::has_alpha(shape.channels)) return;
  const std::uint16_t alpha = EXTRASAMPLE_UNASSALPHA;
  TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, 1, &alpha);
}

/// EXIF goes into the file in front of the strips: libtiff, which appends, knows only few of its tags.
void set_exif(TIFF* tiff, const ExifParts& exif, bool big, std::vector<std::byte>& file) {
  exif.each_text([tiff](std::uint32_t tag, const std::string& text) { TIFFSetField(tiff, tag, text.c_str()); });
  const ExifParts::Places places = exif.append_directories(big, file);
  if (places.exif != 0) TIFFSetField(tiff, TIFFTAG_EXIFIFD, places.exif);
  if (places.gps != 0) TIFFSetField(tiff, TIFFTAG_GPSIFD, places.gps);
}

/// Whether a fraction of two numbers of 32 bits, as libtiff makes it of a float, says it closely.
bool can_state(double pixels_per_metre) { return pixels_per_metre >= 0.1 && pixels_per_metre < 1e9; }

void set_resolution(TIFF* tiff, const Metadata& metadata) {
  constexpr double kInch = 0.0254;
  // Most scans have whole numbers an inch; only they are written so.
  const double across = metadata.pixels_per_metre_x * kInch;
  const double down = metadata.pixels_per_metre_y * kInch;
  const auto nearly_whole = [](double v) { return std::abs(v - std::round(v)) < 0.02; };
  const bool inches = nearly_whole(across) && nearly_whole(down) && across >= 1 && down >= 1;
  TIFFSetField(tiff, TIFFTAG_RESOLUTIONUNIT, inches ? RESUNIT_INCH : RESUNIT_CENTIMETER);
  TIFFSetField(tiff, TIFFTAG_XRESOLUTION, inches ? std::round(across) : metadata.pixels_per_metre_x / 100);
  TIFFSetField(tiff, TIFFTAG_YRESOLUTION, inches ? std::round(down) : metadata.pixels_per_metre_y / 100);
}

/// Returns what could not be written, in words; empty: nothing.
std::string set_metadata(TIFF* tiff, const Metadata& metadata, const ExifParts& exif, bool big,
                         std::vector<std::byte>& file) {
  Metadata not_held;
  // The orientation of any EXIF, sound or not, is what its reader must know.
  if (!metadata.exif.empty()) {
    TIFFSetField(tiff, TIFFTAG_ORIENTATION, static_cast<std::uint16_t>(exif_orientation(metadata.exif)));
  }
  // Values that overlap, as no camera writes them, would take more room than the block has.
  if (exif.bytes(false) > metadata.exif.size() + metadata.exif.size() / 2 + 64) {
    not_held.leave_out("its EXIF block is damaged and was left out");
  } else {
    set_exif(tiff, exif, big, file);
  }
  if (metadata.icc.size() > kMostMetadataBytes) {
    not_held.leave_out("its ICC profile is too large and was left out");
  } else if (!metadata.icc.empty()) {
    TIFFSetField(tiff, TIFFTAG_ICCPROFILE, static_cast<std::uint32_t>(metadata.icc.size()), metadata.icc.data());
  }
  if (can_state(metadata.pixels_per_metre_x) && can_state(metadata.pixels_per_metre_y)) {
    set_resolution(tiff, metadata);
  } else if (metadata.pixels_per_metre_x > 0) {
    not_held.leave_out("its resolution is none that a TIFF can state, and was left out");
  }
  return std::move(not_held.left_out);
}

class TiffEncoder final : public Encoder {
 public:
  [[nodiscard]] Need need(const kernels::FrameShape& shape, bool two_level) const override;
  CodecStatus encode(const EncodeSource& source, const EncodeOptions& options, std::vector<std::byte>& out) override;
  void trim(std::size_t keep_bytes) override;

 private:
  void fill_strip(const EncodeSource& source, const WrittenBits* bits, int first, int last, std::uint64_t row_bytes);

  TiffMessages messages_;
  std::vector<std::uint8_t> strip_;
  WrittenRows rows_;
};

/// Deflate adds at most a few bytes to what it cannot compress. Group 4 takes at most 7 bits for each change of colour
/// and 4 for each pair of the line above that it passes, below 9 bits a pixel; 8 bytes a line are for its end.
Encoder::Need TiffEncoder::need(const kernels::FrameShape& shape, bool two_level) const {
  const bool bits = two_level && shape.channels == 1;
  const Strips strips = strips_of(shape, bits);
  const auto height = static_cast<std::uint64_t>(shape.height);
  const std::uint64_t strip = strips.row_bytes * strips.rows;
  const std::uint64_t data = bits ? (9 * strips.row_bytes + 8) * height : strips.row_bytes * height;
  constexpr std::uint64_t kDirectory = 4096;
  constexpr std::uint64_t kCompressor = std::uint64_t{9} << 20;
  const std::uint64_t tables = std::uint64_t{16} * strips.count;
  return {data + data / 64 + 1024 * std::uint64_t{strips.count} + tables + kDirectory,
          kCompressor + 6 * strip + 4 * tables + std::uint64_t{64} * static_cast<std::uint64_t>(shape.width)};
}

CodecStatus TiffEncoder::encode(const EncodeSource& source, const EncodeOptions& /*options*/,
                                std::vector<std::byte>& out) {
  const cv::Mat& frame = *source.frame;
  const kernels::FrameShape shape = kernels::shape_of(frame);
  const bool bits = source.two_level && shape.channels == 1;
  const Strips strips = strips_of(shape, bits);
  const ExifParts exif(source.metadata != nullptr ? Bytes(source.metadata->exif) : Bytes());
  std::uint64_t most_bytes = need(shape, bits).output_bytes;
  if (source.metadata != nullptr)
    most_bytes += source.metadata->icc.size() + 2 * source.metadata->exif.size() + kMetadataFrames;
  if (out.capacity() < most_bytes) std::vector<std::byte>().swap(out);  // or the old one would stay beside the new
  out.clear();
  // Growing would hold the bytes twice; room that is never written to costs no memory.
  out.reserve(most_bytes);
  Output output{&out};
  messages_.clear();
  const std::unique_ptr<TIFFOpenOptions, FreeOptions> options(TIFFOpenOptionsAlloc());
  if (!options) throw std::bad_alloc();
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), TiffMessages::on_error, &messages_);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), TiffMessages::on_warning, &messages_);
  // Always little-endian, so that the bytes do not depend on the machine, unless there is EXIF in the other order:
  // maker notes are in that of the file they are in. 8 is BigTIFF.
  const bool big = most_bytes > kMostClassic;
  const char* const mode = exif.little_endian() ? (big ? "wl8" : "wl") : (big ? "wb8" : "wb");
  const TiffHandle tiff(TIFFClientOpenExt("it", mode, &output, Output::read, Output::write, Output::seek, Output::close,
                                          Output::size, nullptr, nullptr, options.get()));
  bool written = tiff != nullptr;
  if (written) set_fields(tiff.get(), shape, bits, strips);
  std::string left_out;
  if (written && source.metadata != nullptr) left_out = set_metadata(tiff.get(), *source.metadata, exif, big, out);
  std::optional<WrittenBits> packed;
  if (bits) packed.emplace(source);
  for (std::uint32_t i = 0; i < strips.count && written; ++i) {
    const int first = static_cast<int>(i * strips.rows);
    const int last = std::min(first + static_cast<int>(strips.rows), frame.rows);
    fill_strip(source, packed ? &*packed : nullptr, first, last, strips.row_bytes);
    const auto bytes = static_cast<tmsize_t>(strips.row_bytes * static_cast<std::uint64_t>(last - first));
    written = TIFFWriteEncodedStrip(tiff.get(), i, strip_.data(), bytes) == bytes;
  }
  written = written && TIFFWriteDirectory(tiff.get()) == 1;
  if (written && !messages_.damaged()) return {Verdict::ok, std::move(left_out)};
  out.clear();
  const CodecStatus status = messages_.status();
  if (output.out_of_memory || !tiff || status.verdict == Verdict::out_of_memory) throw std::bad_alloc();
  return {Verdict::write_failed, status.detail};
}

/// Rows [first, last) as TIFF has them, one after the other: R before B; of two levels a bit, 0 for white.
void TiffEncoder::fill_strip(const EncodeSource& source, const WrittenBits* bits, int first, int last,
                             std::uint64_t row_bytes) {
  strip_.resize(row_bytes * static_cast<std::size_t>(last - first));
  if (bits != nullptr) {
    for (int y = first; y < last; ++y) bits->pack(y, strip_.data() + static_cast<std::size_t>(y - first) * row_bytes);
    for (std::uint8_t& byte : strip_) byte = static_cast<std::uint8_t>(~byte);
    return;
  }
  const cv::Mat& rows = rows_.rows(source, first, last, false);
  cv::Mat out(rows.rows, rows.cols, rows.type(), strip_.data());
  if (rows.channels() >= 3) {
    cv::cvtColor(rows, out, rows.channels() == 3 ? cv::COLOR_BGR2RGB : cv::COLOR_BGRA2RGBA);
  } else {
    rows.copyTo(out);
  }
}

void TiffEncoder::trim(std::size_t keep_bytes) {
  if (strip_.capacity() > keep_bytes) std::vector<std::uint8_t>().swap(strip_);
  rows_.trim(keep_bytes);
}

}  // namespace

std::unique_ptr<Encoder> make_tiff_encoder() { return std::make_unique<TiffEncoder>(); }

}  // namespace pixmill::pipeline
