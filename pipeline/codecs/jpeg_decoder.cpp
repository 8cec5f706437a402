#include "pipeline/codecs/jpeg_decoder.hpp"

#include "pipeline/codecs/jpeg_cmyk.hpp"
#include "pipeline/codecs/jpeg_metadata.hpp"
#include "pipeline/codecs/jpeg_reader.hpp"
#include "pipeline/codecs/size_limits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace pixmill::pipeline {

namespace {

/// Rows handed to the observer at once: with a photograph's width they stay in the second-level cache.
constexpr int kBandRows = 32;

class JpegDecoder final : public Decoder {
 public:
  CodecStatus read_header(Bytes file, const DecodeLimits& limits, ImageHeader& header) override;
  CodecStatus decode(const DecodeRequest& request, cv::Mat& frame, const BandObserver& observer) override;
  void read_metadata(Metadata& metadata) override { read_jpeg_metadata(file_, metadata); }
  void trim(std::size_t keep_bytes) override;

 private:
  CodecStatus decode_opened(const DecodeRequest& request, cv::Mat& frame, const BandObserver& observer);
  bool start(const DecodeRequest& request);
  bool read_rows(cv::Mat& frame, int last);
  bool read_ink_rows(cv::Mat& frame, int last);
  bool read_pixels(cv::Mat& frame, const BandObserver& observer);
  void clear_lost_rows(cv::Mat& frame, const BandObserver& observer) const;

  JpegReader reader_;
  Bytes file_;
  DecodeLimits limits_;
  bool fresh_ = false;  // the header is read, the pixels are not
  std::vector<std::uint8_t> inks_;
};

CodecStatus JpegDecoder::read_header(Bytes file, const DecodeLimits& limits, ImageHeader& header) {
  file_ = file;
  limits_ = limits;
  fresh_ = false;
  if (!reader_.open(file, limits.max_memory)) return reader_.status(false);
  const jpeg_decompress_struct& codec = reader_.codec();
  const int components = codec.num_components;
  if (components != 1 && components != 3 && components != 4) {
    return {Verdict::unsupported, fmt::format("a JPEG of {} colour components", components)};
  }
  header = {};
  header.shape = {codec.image_width, codec.image_height, components == 1 ? 1 : 3, kernels::Depth::eight};
  header.orientation = reader_.orientation();
  header.stores_luma = true;
  header.decoder_bytes = reader_.working_bytes() + (components == 4 ? std::uint64_t{codec.image_width} * 4 : 0);
  CodecStatus status = check_limits(header.shape, header.decoder_bytes, limits);
  if (status.usable() && reader_.multi_scan() && reader_.scans() > kMaxJpegScans) {
    status = {Verdict::too_large, fmt::format("it has more than {} scans", kMaxJpegScans)};
  }
  fresh_ = status.usable();
  return status;
}

CodecStatus JpegDecoder::decode(const DecodeRequest& request, cv::Mat& frame, const BandObserver& observer) {
  if (!fresh_ && !reader_.open(file_, limits_.max_memory)) return reader_.status(false);
  fresh_ = false;
  CodecStatus status = decode_opened(request, frame, observer);
  reader_.close();
  return status;
}

CodecStatus JpegDecoder::decode_opened(const DecodeRequest& request, cv::Mat& frame, const BandObserver& observer) {
  if (reader_.damaged() && !request.lenient) return reader_.status(false);
  reader_.set_stop_on_damage(!request.lenient);
  reader_.enter(JpegReader::Stage::pixels);
  if (!start(request)) return reader_.status(false);
  const bool whole = read_pixels(frame, observer);
  if (reader_.damaged() && !request.lenient) return reader_.status(false);
  clear_lost_rows(frame, observer);
  if (whole) {
    reader_.enter(JpegReader::Stage::end);
    const bool ended = reader_.attempt([this] { jpeg_finish_decompress(&reader_.codec()); });
    if (!ended && !request.lenient) return reader_.status(false);
  }
  return reader_.status(request.lenient && reader_.any_row_decoded());
}

bool JpegDecoder::start(const DecodeRequest& request) {
  jpeg_decompress_struct& codec = reader_.codec();
  if (codec.num_components == 4) {
    codec.out_color_space = JCS_CMYK;
    inks_.resize(std::size_t{codec.image_width} * 4);
  } else {
    codec.out_color_space = request.luma || codec.num_components == 1 ? JCS_GRAYSCALE : JCS_EXT_BGR;
  }
  return reader_.attempt([&codec] { jpeg_start_decompress(&codec); });
}

bool JpegDecoder::read_pixels(cv::Mat& frame, const BandObserver& observer) {
  jpeg_decompress_struct& codec = reader_.codec();
  const bool inks = codec.out_color_space == JCS_CMYK;
  for (int first = 0; first < reader_.rows_kept(); first += kBandRows) {
    const int last = std::min(first + kBandRows, frame.rows);
    const bool read = inks ? read_ink_rows(frame, last) : read_rows(frame, last);
    if (!read) reader_.keep_rows(static_cast<int>(codec.output_scanline));
    const int end = std::min(last, reader_.rows_kept());
    if (observer && end > first && (read || !reader_.stops_on_damage())) observer(frame.rowRange(first, end));
    if (!read) return false;
  }
  return reader_.rows_kept() == frame.rows;
}

bool JpegDecoder::read_rows(cv::Mat& frame, int last) {
  jpeg_decompress_struct& codec = reader_.codec();
  std::array<JSAMPROW, kBandRows> rows{};
  const int first = static_cast<int>(codec.output_scanline);
  for (int y = first; y < last; ++y) rows[static_cast<std::size_t>(y - first)] = frame.ptr<JSAMPLE>(y);
  return reader_.attempt([&] {
    while (static_cast<int>(codec.output_scanline) < last) {
      const auto done = codec.output_scanline - static_cast<JDIMENSION>(first);
      jpeg_read_scanlines(&codec, rows.data() + done, static_cast<JDIMENSION>(last - first) - done);
    }
  });
}

bool JpegDecoder::read_ink_rows(cv::Mat& frame, int last) {
  jpeg_decompress_struct& codec = reader_.codec();
  JSAMPROW inks = inks_.data();
  return reader_.attempt([&] {
    while (static_cast<int>(codec.output_scanline) < last) {
      std::uint8_t* out = frame.ptr<std::uint8_t>(static_cast<int>(codec.output_scanline));
      jpeg_read_scanlines(&codec, &inks, 1);
      if (frame.channels() == 1) {
        cmyk_row_to_gray(inks, frame.cols, out);
      } else {
        cmyk_row_to_bgr(inks, frame.cols, out);
      }
    }
  });
}

void JpegDecoder::clear_lost_rows(cv::Mat& frame, const BandObserver& observer) const {
  for (int first = reader_.rows_kept(); first < frame.rows; first += kBandRows) {
    cv::Mat band = frame.rowRange(first, std::min(first + kBandRows, frame.rows));
    band.setTo(cv::Scalar::all(0));
    if (observer) observer(band);
  }
}

void JpegDecoder::trim(std::size_t keep_bytes) {
  reader_.close();
  fresh_ = false;
  if (inks_.capacity() > keep_bytes) std::vector<std::uint8_t>().swap(inks_);
}

}  // namespace

std::unique_ptr<Decoder> make_jpeg_decoder() { return std::make_unique<JpegDecoder>(); }

}  // namespace pixmill::pipeline
