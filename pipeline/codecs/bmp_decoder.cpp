#include "pipeline/codecs/bmp_decoder.hpp"

#include "pipeline/codecs/bmp_header.hpp"
#include "pipeline/codecs/bmp_rle.hpp"
#include "pipeline/codecs/bmp_rows.hpp"
#include "pipeline/codecs/size_limits.hpp"

#include <fmt/format.h>
#include <opencv2/core.hpp>

#include <algorithm>

namespace pixmill::pipeline {

namespace {

/// Rows handed to the observer at once.
constexpr int kBandRows = 32;

class BmpDecoder final : public Decoder {
 public:
  CodecStatus read_header(Bytes file, const DecodeLimits& limits, ImageHeader& header) override;
  CodecStatus decode(const DecodeRequest& request, cv::Mat& frame, const BandObserver& observer) override;
  void read_metadata(Metadata& metadata) override;
  void trim(std::size_t keep_bytes) override;

 private:
  [[nodiscard]] std::int64_t lines_present() const;
  CodecStatus read_lines(bool lenient, cv::Mat& frame, const BandObserver& observer);
  CodecStatus read_runs(bool lenient, cv::Mat& frame, const BandObserver& observer);

  Bytes file_;
  BmpHeader header_;
  BmpRows rows_;
  std::vector<std::uint8_t> line_;  // of a run-length encoded image
};

CodecStatus BmpDecoder::read_header(Bytes file, const DecodeLimits& limits, ImageHeader& header) {
  file_ = file;
  CodecStatus status = read_bmp_header(file, header_);
  if (header_.width == 0) return status;
  header = {};
  const int channels = header_.masks[3] != 0 ? 4 : header_.is_gray() ? 1 : 3;
  header.shape = {header_.width, header_.height, channels, kernels::Depth::eight};
  header.two_level = header_.is_two_level();
  header.decoder_bytes = header_.packing == BmpPacking::lines ? 0 : 3 * static_cast<std::uint64_t>(header_.width);
  CodecStatus allowed = check_limits(header.shape, header.decoder_bytes, limits);
  return allowed.usable() ? status : allowed;
}

CodecStatus BmpDecoder::decode(const DecodeRequest& request, cv::Mat& frame, const BandObserver& observer) {
  rows_.prepare(header_, frame.channels());
  return header_.packing == BmpPacking::lines ? read_lines(request.lenient, frame, observer)
                                              : read_runs(request.lenient, frame, observer);
}

/// Whole lines in the file; the padding of the last one may be missing.
std::int64_t BmpDecoder::lines_present() const {
  const std::uint64_t bytes = file_.size() - header_.pixels_begin;
  const std::uint64_t line = header_.line_bytes();
  if (bytes < line) return 0;
  return std::min<std::int64_t>(static_cast<std::int64_t>((bytes - line) / header_.line_stride()) + 1, header_.height);
}

CodecStatus BmpDecoder::read_lines(bool lenient, cv::Mat& frame, const BandObserver& observer) {
  const int present = static_cast<int>(lines_present());
  CodecStatus status;
  if (present < frame.rows) {
    status = {present > 0 && lenient ? Verdict::repaired : Verdict::truncated,
              present == 0 ? fmt::format("cut short: none of the {} scan lines is whole", frame.rows)
                           : fmt::format("cut short: the {} {} of {} scan lines are missing",
                                         header_.top_down ? "lower" : "upper", frame.rows - present, frame.rows)};
    if (!status.usable()) return status;
  }
  const auto* pixels = reinterpret_cast<const std::uint8_t*>(file_.data()) + header_.pixels_begin;
  for (int first = 0; first < frame.rows; first += kBandRows) {
    const int last = std::min(first + kBandRows, frame.rows);
    for (int y = first; y < last; ++y) {
      const int line = header_.top_down ? y : frame.rows - 1 - y;
      if (line < present) {
        rows_.convert(pixels + static_cast<std::uint64_t>(line) * header_.line_stride(), frame.cols, frame.ptr(y));
      } else {
        frame.row(y).setTo(cv::Scalar::all(0));
      }
    }
    if (observer) observer(frame.rowRange(first, last));
  }
  return status;
}

CodecStatus BmpDecoder::read_runs(bool lenient, cv::Mat& frame, const BandObserver& observer) {
  const bool colours = header_.packing == BmpPacking::rle24;
  line_.resize(static_cast<std::size_t>(frame.cols) * (colours ? 3 : 1));
  BmpRle runs;
  runs.open(file_.subspan(header_.pixels_begin), header_);
  CodecStatus status;
  for (int last = frame.rows; last > 0; last -= kBandRows) {
    const int first = std::max(last - kBandRows, 0);
    for (int y = last - 1; y >= first; --y) {
      if (!status.usable()) {
        frame.row(y).setTo(cv::Scalar::all(0));
        continue;
      }
      status = runs.next_line(line_);
      if (!status.usable() && (!lenient || !runs.any_pixel())) return status;
      if (colours) {
        std::copy(line_.begin(), line_.end(), frame.ptr(y));
      } else {
        rows_.look_up(line_.data(), frame.cols, frame.ptr(y));
      }
    }
    if (observer) observer(frame.rowRange(first, last));
  }
  if (!status.usable()) status.verdict = Verdict::repaired;
  return status;
}

void BmpDecoder::read_metadata(Metadata& metadata) {
  metadata.pixels_per_metre_x = header_.pixels_per_metre_x;
  metadata.pixels_per_metre_y = header_.pixels_per_metre_y;
  if (header_.icc.size() > kMostMetadataBytes) {
    return metadata.leave_out("its ICC profile is too large and was left out");
  }
  metadata.icc.assign(header_.icc.begin(), header_.icc.end());
}

void BmpDecoder::trim(std::size_t keep_bytes) {
  if (line_.capacity() > keep_bytes) std::vector<std::uint8_t>().swap(line_);
}

}  // namespace

std::unique_ptr<Decoder> make_bmp_decoder() { return std::make_unique<BmpDecoder>(); }

}  // namespace pixmill::pipeline
