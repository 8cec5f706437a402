#include "pipeline/codecs/webp_decoder.hpp"

#include "pipeline/codecs/byte_order.hpp"
#include "pipeline/codecs/exif.hpp"
#include "pipeline/codecs/size_limits.hpp"
#include "pipeline/codecs/webp_layout.hpp"
#include "pipeline/codecs/webp_lossless.hpp"

#include <fmt/format.h>
#include <webp/decode.h>
#include <opencv2/core.hpp>

#include <algorithm>
#include <memory>

namespace pixmill::pipeline {

namespace {

/// Rows handed to the observer at once.
constexpr int kBandRows = 32;

struct DeleteDecoder {
  void operator()(WebPIDecoder* decoder) const { WebPIDelete(decoder); }
};

/// What libwebp takes whatever the picture's coding: its own state, and rows of whole macroblocks.
std::uint64_t row_bytes(const WebpLayout& layout) {
  constexpr std::uint64_t kFixed = std::uint64_t{48} << 10;
  // Coefficients of a row of macroblocks (800 bytes each), its samples with those the filter waits for (36 rows of 32
  // bytes), modes and filter strengths, and a row for upsampling.
  constexpr std::uint64_t kMacroblock = 2304;
  return kFixed + (std::uint64_t{layout.frame_width} / 16 + 2) * kMacroblock;
}

/// The alpha of a lossy picture: libwebp keeps it twice.
std::uint64_t transparency_bytes(Bytes file, const WebpLayout& layout) {
  if (!layout.transparency) return 0;
  const std::uint64_t planes = std::uint64_t{2} * layout.frame_width * layout.frame_height;
  const Bytes data = webp_data(file, *layout.transparency);
  const bool compressed = !data.empty() && (byte_at(data, 0) & 3) == 1;
  if (!compressed) return planes;
  return planes + webp_lossless_bytes(data.subspan(1), layout.frame_width, layout.frame_height);
}

CodecStatus describe(VP8StatusCode error, const std::string& chunk) {
  switch (error) {
    case VP8_STATUS_OUT_OF_MEMORY:
    case VP8_STATUS_USER_ABORT:  // nobody does, but libwebp says so where it has no memory for its rows
      return {Verdict::out_of_memory, "not enough memory to decode it"};
    case VP8_STATUS_SUSPENDED:
    case VP8_STATUS_NOT_ENOUGH_DATA:
      return {Verdict::corrupt, fmt::format("the image data ({}) ends early", chunk)};
    default:
      return {Verdict::corrupt, fmt::format("the image data ({}) is damaged", chunk)};
  }
}

class WebpDecoder final : public Decoder {
 public:
  CodecStatus read_header(Bytes file, const DecodeLimits& limits, ImageHeader& header) override;
  CodecStatus decode(const DecodeRequest& request, cv::Mat& frame, const BandObserver& observer) override;
  void read_metadata(Metadata& metadata) override;
  void trim(std::size_t /*keep_bytes*/) override {}

 private:
  [[nodiscard]] Bytes picture(bool with_alpha) const;
  VP8StatusCode decode_whole(bool with_alpha, cv::Mat& target) const;
  int decode_rows(bool with_alpha, cv::Mat& target) const;
  CodecStatus salvage(CodecStatus damage, cv::Mat& target) const;

  Bytes file_;
  WebpLayout layout_;
};

CodecStatus WebpDecoder::read_header(Bytes file, const DecodeLimits& limits, ImageHeader& header) {
  file_ = file;
  CodecStatus status = read_webp_layout(file, layout_);
  if (layout_.width == 0 || layout_.height == 0) return status;
  header = {};
  header.shape = {layout_.width, layout_.height, layout_.has_alpha ? 4 : 3, kernels::Depth::eight};
  header.orientation = layout_.orientation;
  // What the sizes alone say, before anything is read for the rest.
  const std::uint64_t pixels = std::uint64_t{layout_.frame_width} * layout_.frame_height;
  header.decoder_bytes = row_bytes(layout_) + (layout_.transparency ? 2 * pixels : 0);
  CodecStatus allowed = check_limits(header.shape, header.decoder_bytes, limits);
  if (!allowed.usable()) return allowed;
  if (!status.usable()) return status;
  if (layout_.lossless) {
    constexpr std::size_t kHeaderBytes = 5;
    header.decoder_bytes =
        row_bytes(layout_) + webp_lossless_bytes(webp_data(file, layout_.picture).subspan(kHeaderBytes),
                                                 layout_.frame_width, layout_.frame_height);
  } else {
    header.decoder_bytes = row_bytes(layout_) + transparency_bytes(file, layout_);
  }
  return check_limits(header.shape, header.decoder_bytes, limits);
}

CodecStatus WebpDecoder::decode(const DecodeRequest& request, cv::Mat& frame, const BandObserver& observer) {
  if (!layout_.damage.usable() && !request.lenient) return layout_.damage;
  cv::Mat target = frame(cv::Rect(static_cast<int>(layout_.x), static_cast<int>(layout_.y),
                                  static_cast<int>(layout_.frame_width), static_cast<int>(layout_.frame_height)));
  if (target.size() != frame.size()) frame.setTo(cv::Scalar::all(0));
  // Alpha is decoded wanted or not: what is damaged does not depend on what is wanted of it.
  const VP8StatusCode error = decode_whole(true, target);
  CodecStatus status = layout_.damage;
  if (error != VP8_STATUS_OK) {
    CodecStatus damage = describe(error, webp_name(layout_.picture));
    if (damage.verdict == Verdict::out_of_memory) return damage;
    if (layout_.transparency && decode_whole(false, target) == VP8_STATUS_OK) {
      damage = {Verdict::corrupt, "the transparency (ALPH) is damaged"};
    }
    if (!layout_.damage.usable()) damage = layout_.damage;
    if (!request.lenient) return damage;
    status = salvage(std::move(damage), target);
    if (!status.usable()) return status;
  } else if (!status.usable()) {
    status.verdict = Verdict::repaired;
  }
  for (int first = 0; observer && first < frame.rows; first += kBandRows) {
    observer(frame.rowRange(first, std::min(first + kBandRows, frame.rows)));
  }
  return status;
}

/// The chunks that libwebp is given: those of the picture alone, as the rest of the container is read here. It takes an
/// ALPH chunk before the VP8 it belongs to, and passes over what stands between them.
Bytes WebpDecoder::picture(bool with_alpha) const {
  constexpr std::size_t kPrefixBytes = 8;
  const std::size_t begin = with_alpha && layout_.transparency ? layout_.transparency->offset : layout_.picture.offset;
  return file_.subspan(begin, layout_.picture.offset + kPrefixBytes + layout_.picture.length - begin);
}

void point_at(cv::Mat& target, WebPDecBuffer& output) {
  output.colorspace = target.channels() == 4 ? MODE_BGRA : MODE_BGR;
  output.is_external_memory = 1;
  output.u.RGBA.rgba = target.data;
  output.u.RGBA.stride = static_cast<int>(target.step[0]);
  output.u.RGBA.size = target.step[0] * static_cast<std::size_t>(target.rows - 1) +
                       target.elemSize() * static_cast<std::size_t>(target.cols);
}

VP8StatusCode WebpDecoder::decode_whole(bool with_alpha, cv::Mat& target) const {
  WebPDecoderConfig config;
  if (WebPInitDecoderConfig(&config) == 0) return VP8_STATUS_INVALID_PARAM;
  point_at(target, config.output);
  const Bytes data = picture(with_alpha);
  return WebPDecode(reinterpret_cast<const std::uint8_t*>(data.data()), data.size(), &config);
}

/// As many rows as there are good ones, from the top. What lies below them in `target` is undefined.
int WebpDecoder::decode_rows(bool with_alpha, cv::Mat& target) const {
  WebPDecBuffer output;
  if (WebPInitDecBuffer(&output) == 0) return 0;
  point_at(target, output);
  const std::unique_ptr<WebPIDecoder, DeleteDecoder> decoder(WebPINewDecoder(&output));
  if (!decoder) return 0;
  const Bytes data = picture(with_alpha);
  WebPIUpdate(decoder.get(), reinterpret_cast<const std::uint8_t*>(data.data()), data.size());
  int rows = 0;
  if (WebPIDecGetRGB(decoder.get(), &rows, nullptr, nullptr, nullptr) == nullptr) return 0;
  return std::clamp(rows, 0, target.rows);
}

/// Keeps what decodes of the picture, if anything does.
CodecStatus WebpDecoder::salvage(CodecStatus damage, cv::Mat& target) const {
  // First without alpha, which leaves the picture opaque; then with it, as far as that goes. Colours are the same.
  const int rows = decode_rows(false, target);
  if (rows == 0) return damage;
  const int with_alpha = layout_.transparency ? std::min(decode_rows(true, target), rows) : rows;
  if (rows < target.rows) {
    target.rowRange(rows, target.rows).setTo(cv::Scalar::all(0));
    damage.detail += fmt::format(": scan lines {} to {} are missing", layout_.y + static_cast<std::uint32_t>(rows),
                                 layout_.y + layout_.frame_height - 1);
  }
  if (with_alpha < rows) {
    damage.detail += fmt::format(": opaque from scan line {} on", layout_.y + static_cast<std::uint32_t>(with_alpha));
  }
  damage.verdict = Verdict::repaired;
  return damage;
}

void WebpDecoder::read_metadata(Metadata& metadata) {
  if (layout_.profile && layout_.profile->length > kMostMetadataBytes) {
    metadata.leave_out("its ICC profile is too large and was left out");
  } else if (layout_.profile) {
    const Bytes profile = webp_data(file_, *layout_.profile);
    metadata.icc.assign(profile.begin(), profile.end());
  }
  if (!layout_.exif) return;
  const Bytes exif = webp_exif(file_, layout_);
  if (exif.size() > kMostMetadataBytes) return metadata.leave_out("its EXIF block is too large and was left out");
  if (!begins_like_exif(exif)) return metadata.leave_out("its EXIF block is damaged and was left out");
  metadata.exif.assign(exif.begin(), exif.end());
}

}  // namespace

std::unique_ptr<Decoder> make_webp_decoder() { return std::make_unique<WebpDecoder>(); }

}  // namespace pixmill::pipeline
