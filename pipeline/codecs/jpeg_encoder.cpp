#include "pipeline/codecs/jpeg_encoder.hpp"

#include "pipeline/codecs/jpeg_errors.hpp"
#include "pipeline/codecs/jpeg_metadata.hpp"
#include "pipeline/codecs/written_rows.hpp"

#include <fmt/format.h>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <array>
#include <new>

namespace pixmill::pipeline {

namespace {

constexpr int kBandRows = 16;

class JpegEncoder final : public Encoder {
 public:
  JpegEncoder();
  JpegEncoder(const JpegEncoder&) = delete;
  JpegEncoder& operator=(const JpegEncoder&) = delete;
  ~JpegEncoder() override { jpeg_destroy_compress(&codec_); }

  [[nodiscard]] Need need(const kernels::FrameShape& shape, bool two_level) const override;
  CodecStatus encode(const EncodeSource& source, const EncodeOptions& options, std::vector<std::byte>& out) override;
  void trim(std::size_t keep_bytes) override;

 private:
  static boolean on_full(j_compress_ptr codec);
  static JpegEncoder& of(j_compress_ptr codec) { return *static_cast<JpegEncoder*>(codec->client_data); }
  CodecStatus plan_metadata(const Metadata* metadata);
  void start(const kernels::FrameShape& shape, int quality);
  void write_metadata();
  void write_segment(int marker, std::string_view prefix, Bytes data);
  const cv::Mat& as_stored(const cv::Mat& band);

  JpegErrors errors_{};
  jpeg_compress_struct codec_{};
  jpeg_destination_mgr destination_{};
  std::vector<std::byte>* out_ = nullptr;
  std::size_t metadata_room_ = 0;  // bytes of *out_ that are there for metadata
  Bytes icc_;                      // what is written of the metadata
  Bytes exif_;
  JpegDensity density_;
  bool out_of_memory_ = false;
  WrittenRows rows_;
  cv::Mat plain_;  // without alpha
};

JpegEncoder::JpegEncoder() {
  install(errors_);
  codec_.err = &errors_.manager;
  codec_.client_data = this;
  if (!errors_.attempt([this] { jpeg_create_compress(&codec_); })) throw std::bad_alloc();
  destination_.init_destination = [](j_compress_ptr) {};
  destination_.term_destination = [](j_compress_ptr) {};
  destination_.empty_output_buffer = on_full;
  codec_.dest = &destination_;
}

/// The worst that entropy coding makes of a block of 64 samples is below two bytes a sample.
Encoder::Need JpegEncoder::need(const kernels::FrameShape& shape, bool /*two_level*/) const {
  const auto pad = [](std::int64_t side) { return static_cast<std::uint64_t>((side + 15) / 16 * 16); };
  const auto channels = static_cast<std::uint64_t>(kernels::colour_channels(shape.channels));
  const std::uint64_t row = pad(shape.width) * channels;
  constexpr std::uint64_t kHeaders = 4096;
  constexpr std::uint64_t kFixed = std::uint64_t{256} << 10;
  return {kHeaders + pad(shape.width) * pad(shape.height) * (channels == 1 ? 2 : 4), kFixed + row * kBandRows * 8};
}

/// The buffer is full: doubles what there is for pixels, inside the capacity that encode() set aside as long as there
/// is some, so that nothing moves and no second buffer is needed. Called by libjpeg, through which nothing may be
/// thrown.
boolean JpegEncoder::on_full(j_compress_ptr codec) {
  JpegEncoder& self = of(codec);
  const std::size_t used = self.out_->size();
  try {
    const std::size_t doubled = used * 2 - self.metadata_room_;
    self.out_->resize(used < self.out_->capacity() ? std::min(doubled, self.out_->capacity()) : doubled);
  } catch (const std::bad_alloc&) {
    self.out_of_memory_ = true;
  }
  if (self.out_of_memory_) self.errors_.leave();
  self.destination_.next_output_byte = reinterpret_cast<JOCTET*>(self.out_->data() + used);
  self.destination_.free_in_buffer = self.out_->size() - used;
  return TRUE;
}

CodecStatus JpegEncoder::encode(const EncodeSource& source, const EncodeOptions& options, std::vector<std::byte>& out) {
  const cv::Mat& frame = *source.frame;
  if (frame.cols > JPEG_MAX_DIMENSION || frame.rows > JPEG_MAX_DIMENSION) {
    return {Verdict::write_failed, fmt::format("{} x {} pixels: a JPEG has at most {} on a side; write a PNG",
                                               frame.cols, frame.rows, JPEG_MAX_DIMENSION)};
  }
  out_ = &out;
  out_of_memory_ = false;
  CodecStatus status = plan_metadata(source.metadata);
  const std::size_t most = metadata_room_ + need(kernels::shape_of(frame), source.two_level).output_bytes;
  if (out.capacity() < most) {
    std::vector<std::byte>().swap(out);  // or the old one would stay beside the new
    out.reserve(most);                   // what is not touched costs nothing
  }
  // About a quarter of a byte a pixel is usual.
  constexpr std::size_t kLeast = std::size_t{16} << 10;
  out.resize(std::max(out.size(), std::min(most, metadata_room_ + std::max(frame.total() / 4, kLeast))));
  destination_.next_output_byte = reinterpret_cast<JOCTET*>(out.data());
  destination_.free_in_buffer = out.size();

  bool written = errors_.attempt([&] { start(kernels::shape_of(frame), options.quality); });
  std::array<JSAMPROW, kBandRows> rows{};
  for (int first = 0; first < frame.rows && written; first += kBandRows) {
    const cv::Mat& band = as_stored(rows_.rows(source, first, std::min(first + kBandRows, frame.rows), true));
    // libjpeg does not write to its input, but does not say so.
    for (int y = 0; y < band.rows; ++y) rows[static_cast<std::size_t>(y)] = const_cast<JSAMPROW>(band.ptr<JSAMPLE>(y));
    written = errors_.attempt([&] { jpeg_write_scanlines(&codec_, rows.data(), static_cast<JDIMENSION>(band.rows)); });
  }
  written = written && errors_.attempt([&] { jpeg_finish_compress(&codec_); });
  if (written) {
    out.resize(out.size() - destination_.free_in_buffer);
    return status;
  }
  jpeg_abort_compress(&codec_);
  out.clear();
  if (out_of_memory_ || jpeg_verdict(errors_.manager.msg_code) == Verdict::out_of_memory) throw std::bad_alloc();
  return {Verdict::write_failed, jpeg_message(reinterpret_cast<j_common_ptr>(&codec_))};
}

void JpegEncoder::start(const kernels::FrameShape& shape, int quality) {
  const int channels = kernels::colour_channels(shape.channels);
  codec_.image_width = static_cast<JDIMENSION>(shape.width);
  codec_.image_height = static_cast<JDIMENSION>(shape.height);
  codec_.input_components = channels;
  codec_.in_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_EXT_BGR;
  jpeg_set_defaults(&codec_);
  jpeg_set_quality(&codec_, quality, TRUE);
  codec_.density_unit = static_cast<UINT8>(density_.unit);
  codec_.X_density = static_cast<UINT16>(density_.x);
  codec_.Y_density = static_cast<UINT16>(density_.y);
  jpeg_start_compress(&codec_, TRUE);
  write_metadata();
}

/// Chooses what a JPEG can hold of the metadata; the detail tells what it cannot.
CodecStatus JpegEncoder::plan_metadata(const Metadata* metadata) {
  icc_ = exif_ = {};
  density_ = {};
  metadata_room_ = 0;
  if (metadata == nullptr) return {};
  Metadata not_held;
  if (metadata->pixels_per_metre_x > 0) {
    density_ = jpeg_density(metadata->pixels_per_metre_x, metadata->pixels_per_metre_y);
    if (density_.unit == 0) not_held.leave_out("its resolution is none that a JPEG can state, and was left out");
  }
  if (metadata->exif.size() <= kMostJpegExif) {
    exif_ = metadata->exif;
  } else {
    not_held.leave_out("its EXIF block is larger than the 64 KB that a JPEG holds, and was left out");
  }
  if (metadata->icc.size() <= kMostJpegIccPieces * kMostJpegIccPiece) {
    icc_ = metadata->icc;
  } else {
    not_held.leave_out("its ICC profile is larger than a JPEG holds, and was left out");
  }
  constexpr std::size_t kSegment = 64;
  metadata_room_ = exif_.size() + icc_.size() + (icc_.size() / kMostJpegIccPiece + 2) * kSegment;
  return {Verdict::ok, std::move(not_held.left_out)};
}

/// Right behind JFIF's own segment, which libjpeg has just written. Called inside an attempt: must own nothing.
void JpegEncoder::write_metadata() {
  if (!exif_.empty()) write_segment(JPEG_APP0 + 1, kJpegExifPrefix, exif_);
  const std::size_t pieces = (icc_.size() + kMostJpegIccPiece - 1) / kMostJpegIccPiece;
  for (std::size_t i = 0; i < pieces; ++i) {
    std::array<char, kJpegIccPrefix.size() + 2> prefix{};
    std::copy(kJpegIccPrefix.begin(), kJpegIccPrefix.end(), prefix.begin());
    prefix[kJpegIccPrefix.size()] = static_cast<char>(i + 1);
    prefix[kJpegIccPrefix.size() + 1] = static_cast<char>(pieces);
    const std::size_t begin = i * kMostJpegIccPiece;
    const std::size_t length = std::min(kMostJpegIccPiece, icc_.size() - begin);
    write_segment(JPEG_APP0 + 2, {prefix.data(), prefix.size()}, icc_.subspan(begin, length));
  }
}

void JpegEncoder::write_segment(int marker, std::string_view prefix, Bytes data) {
  jpeg_write_m_header(&codec_, marker, static_cast<unsigned int>(prefix.size() + data.size()));
  for (const char c : prefix) jpeg_write_m_byte(&codec_, static_cast<unsigned char>(c));
  for (const std::byte b : data) jpeg_write_m_byte(&codec_, std::to_integer<int>(b));
}

/// The band as JPEG has it: without alpha. It may be `band` itself.
const cv::Mat& JpegEncoder::as_stored(const cv::Mat& band) {
  if (!kernels::has_alpha(band.channels())) return band;
  if (band.channels() == 2) {
    cv::extractChannel(band, plain_, 0);
  } else {
    cv::cvtColor(band, plain_, cv::COLOR_BGRA2BGR);
  }
  return plain_;
}

void JpegEncoder::trim(std::size_t keep_bytes) {
  if (plain_.total() * plain_.elemSize() > keep_bytes) plain_.release();
  rows_.trim(keep_bytes);
}

}  // namespace

std::unique_ptr<Encoder> make_jpeg_encoder() { return std::make_unique<JpegEncoder>(); }

}  // namespace pixmill::pipeline
