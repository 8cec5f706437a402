#include "pipeline/codecs/webp_encoder.hpp"

#include "pipeline/codecs/webp_wrapper.hpp"
#include "pipeline/codecs/written_rows.hpp"

#include <fmt/format.h>
#include <webp/encode.h>
#include <opencv2/core.hpp>

#include <algorithm>
#include <array>
#include <new>

namespace pixmill::pipeline {

namespace {

/// Rows that go through the table together; they stay in the first-level caches.
constexpr int kBandRows = 16;

/// libwebp's picture, freed at the end.
class Picture {
 public:
  Picture(int width, int height) {
    if (WebPPictureInit(&picture_) == 0) throw std::bad_alloc();
    picture_.use_argb = 1;
    picture_.width = width;
    picture_.height = height;
    if (WebPPictureAlloc(&picture_) == 0) throw std::bad_alloc();
  }
  Picture(const Picture&) = delete;
  Picture& operator=(const Picture&) = delete;
  ~Picture() { WebPPictureFree(&picture_); }
  WebPPicture* operator->() { return &picture_; }
  WebPPicture* get() { return &picture_; }

 private:
  WebPPicture picture_{};
};

/// One row of 1 to 4 channels as words of alpha, red, green and blue, from the highest byte down.
void to_argb(const std::uint8_t* row, int width, int channels, std::uint32_t* out) {
  constexpr std::uint32_t kOpaque = 0xFF000000U;
  const auto word = [](std::uint32_t a, std::uint32_t r, std::uint32_t g, std::uint32_t b) {
    return a << 24 | r << 16 | g << 8 | b;
  };
  switch (channels) {
    case 1:
      for (int x = 0; x < width; ++x) out[x] = kOpaque | row[x] * 0x010101U;
      break;
    case 2:
      for (int x = 0; x < width; ++x, row += 2) out[x] = word(row[1], row[0], row[0], row[0]);
      break;
    case 3:
      for (int x = 0; x < width; ++x, row += 3) out[x] = word(255, row[2], row[1], row[0]);
      break;
    default:
      for (int x = 0; x < width; ++x, row += 4) out[x] = word(row[3], row[2], row[1], row[0]);
  }
}

/// Called by libwebp, through which nothing may be thrown.
int append(const std::uint8_t* data, std::size_t bytes, const WebPPicture* picture) {
  auto& out = *static_cast<std::vector<std::byte>*>(picture->custom_ptr);
  const Bytes more = std::as_bytes(std::span(data, bytes));
  try {
    out.insert(out.end(), more.begin(), more.end());
  } catch (const std::bad_alloc&) {
    return 0;
  }
  return 1;
}

class WebpEncoder final : public Encoder {
 public:
  [[nodiscard]] Need need(const kernels::FrameShape& shape, bool two_level) const override;
  CodecStatus encode(const EncodeSource& source, const EncodeOptions& options, std::vector<std::byte>& out) override;
  void trim(std::size_t keep_bytes) override;

 private:
  void fill(const EncodeSource& source, Picture& picture);

  WrittenRows rows_;
};

/// Measured over sizes, shapes, qualities and hostile pixels: at most 10.4 bytes a pixel without alpha (the picture as
/// words and as 4:2:0, and the output in parts), 13.4 where two levels are written, 40 with alpha, which libwebp sorts
/// and matches like a lossless picture; and a megabyte whatever the size. Output: at most 2.8, and alpha about 1 more.
Encoder::Need WebpEncoder::need(const kernels::FrameShape& shape, bool /*two_level*/) const {
  const bool alpha = kernels::has_alpha(shape.channels);
  constexpr std::uint64_t kHeaders = 4096;
  constexpr std::uint64_t kFixed = std::uint64_t{2} << 20;
  const auto band = static_cast<std::uint64_t>(shape.width) * static_cast<std::uint64_t>(shape.channels) * kBandRows;
  return {kHeaders + shape.pixels() * (alpha ? 6 : 4), kFixed + 3 * band + shape.pixels() * (alpha ? 48 : 16)};
}

WebPConfig settings(const EncodeSource& source, const EncodeOptions& options) {
  WebPConfig config;
  if (WebPConfigInit(&config) == 0) throw std::bad_alloc();
  config.exact = 1;  // colours under full transparency stay: alpha may be dropped later
  if (source.two_level && source.frame->channels() == 1) {
    // Against effort 4: 2 % larger, in three quarters of the time.
    config.lossless = 1;
    config.method = 1;
    config.quality = 0;
    return config;
  }
  // On photographs at quality 95, against libwebp's own choice of 4: 1 % smaller and 0.2 dB less, in 60 % of the time
  // and a third of the memory.
  config.method = 2;
  config.quality = static_cast<float>(options.quality);
  return config;
}

CodecStatus WebpEncoder::encode(const EncodeSource& source, const EncodeOptions& options, std::vector<std::byte>& out) {
  const cv::Mat& frame = *source.frame;
  out.clear();
  if (frame.cols > WEBP_MAX_DIMENSION || frame.rows > WEBP_MAX_DIMENSION) {
    return {Verdict::write_failed, fmt::format("{} x {} pixels: a WebP has at most {} on a side; write a PNG",
                                               frame.cols, frame.rows, WEBP_MAX_DIMENSION)};
  }
  const WebPConfig config = settings(source, options);
  Picture picture(frame.cols, frame.rows);
  picture->writer = append;
  picture->custom_ptr = &out;
  fill(source, picture);
  if (WebPEncode(&config, picture.get()) == 0) {
    out.clear();
    const WebPEncodingError error = picture->error_code;
    // The writer fails for want of memory alone.
    if (error == VP8_ENC_ERROR_OUT_OF_MEMORY || error == VP8_ENC_ERROR_BITSTREAM_OUT_OF_MEMORY ||
        error == VP8_ENC_ERROR_BAD_WRITE) {
      throw std::bad_alloc();
    }
    return {Verdict::write_failed, fmt::format("{} x {} pixels do not fit in a WebP (libwebp's error {}); write a PNG",
                                               frame.cols, frame.rows, static_cast<int>(error))};
  }
  if (source.metadata != nullptr) {
    add_webp_metadata(out, static_cast<std::uint32_t>(frame.cols), static_cast<std::uint32_t>(frame.rows),
                      *source.metadata);
  }
  return {};
}

void WebpEncoder::fill(const EncodeSource& source, Picture& picture) {
  const int rows = source.frame->rows;
  for (int first = 0; first < rows; first += kBandRows) {
    const cv::Mat& band = rows_.rows(source, first, std::min(first + kBandRows, rows), true);
    for (int y = 0; y < band.rows; ++y) {
      std::uint32_t* words = picture->argb + static_cast<std::ptrdiff_t>(first + y) * picture->argb_stride;
      to_argb(band.ptr<std::uint8_t>(y), band.cols, band.channels(), words);
    }
  }
}

void WebpEncoder::trim(std::size_t keep_bytes) { rows_.trim(keep_bytes); }

}  // namespace

std::unique_ptr<Encoder> make_webp_encoder() { return std::make_unique<WebpEncoder>(); }

}  // namespace pixmill::pipeline
