#include "tests/pipeline/codecs/test_images.hpp"

#include <cmath>
#include <cstring>
#include <stdexcept>

namespace pixmill::pipeline {

namespace {

void paint(cv::Mat& image) {
  std::uint32_t state = 12345;
  const double largest = image.depth() == CV_16U ? 65535.0 : 255.0;
  const int channels = image.channels();
  for (int y = 0; y < image.rows; ++y) {
    for (int i = 0; i < image.cols * channels; ++i) {
      const int column = i / channels;
      const auto x = static_cast<double>(column);
      const double c = static_cast<double>(i % channels);
      state = state * 1664525U + 1013904223U;
      const double noise = static_cast<double>(state >> 24) / 255.0 - 0.5;
      const double wave = 0.5 + 0.4 * std::sin(x / (9.0 + 3.0 * c)) * std::cos(y / (7.0 + 2.0 * c)) + 0.05 * noise;
      const double level = std::min(std::max(wave, 0.0), 1.0) * largest;
      if (image.depth() == CV_16U) {
        image.ptr<std::uint16_t>(y)[i] = static_cast<std::uint16_t>(level);
      } else {
        image.ptr<std::uint8_t>(y)[i] = static_cast<std::uint8_t>(level);
      }
    }
  }
}

}  // namespace

cv::Mat make_image(int width, int height, int type) {
  cv::Mat image(height, width, type);
  paint(image);
  return image;
}

cv::Mat make_padded_image(int width, int height, int type) {
  cv::Mat outer(height + 2, width + 5, type, cv::Scalar::all(77));
  cv::Mat inner = outer(cv::Rect(3, 1, width, height));
  paint(inner);
  return inner;
}

Decoded decode(Decoder& decoder, Bytes file, const DecodeRequest& request, const DecodeLimits& limits) {
  Decoded result;
  result.status = decoder.read_header(file, limits, result.header);
  if (!result.status.usable()) return result;
  const kernels::FrameShape shape = Decoder::decoded_shape(result.header, request);
  // Rows are padded and hold something, so that what a decoder leaves out shows.
  cv::Mat outer(static_cast<int>(shape.height), static_cast<int>(shape.width) + 3, shape.type(), cv::Scalar::all(99));
  result.frame = outer.colRange(0, static_cast<int>(shape.width));
  cv::Mat seen(result.frame.size(), result.frame.type(), cv::Scalar::all(1));
  result.status = decoder.decode(request, result.frame, [&](const cv::Mat& rows) {
    const auto offset = rows.data - result.frame.data;
    const int first = static_cast<int>(static_cast<std::size_t>(offset) / result.frame.step[0]);
    rows.copyTo(seen.rowRange(first, first + rows.rows));
    result.observed_pixels += rows.total();
  });
  result.observed_final = cv::norm(seen, result.frame, cv::NORM_INF) == 0;
  return result;
}

Decoded decode(Bytes file, const DecodeRequest& request, const DecodeLimits& limits) {
  const Codec* codec = recognise(file.first(std::min(file.size(), kSniffBytes)));
  if (codec == nullptr) {
    Decoded unknown;
    unknown.status = {Verdict::unsupported, "not recognised"};
    return unknown;
  }
  return decode(*codec->make_decoder(), file, request, limits);
}

std::vector<std::byte> encode(std::string_view format, const EncodeSource& source, const EncodeOptions& options) {
  std::vector<std::byte> out;
  const CodecStatus status = find_codec(format)->make_encoder()->encode(source, options, out);
  if (!status.usable()) throw std::runtime_error(status.detail);
  return out;
}

::testing::AssertionResult same_pixels(const cv::Mat& a, const cv::Mat& b) {
  if (a.size() != b.size() || a.type() != b.type()) {
    return ::testing::AssertionFailure() << a.size() << " of type " << a.type() << " against " << b.size()
                                         << " of type " << b.type();
  }
  const double most = cv::norm(a, b, cv::NORM_INF);
  if (most != 0) return ::testing::AssertionFailure() << "levels differ by up to " << most;
  return ::testing::AssertionSuccess();
}

}  // namespace pixmill::pipeline
