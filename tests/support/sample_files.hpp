#pragma once

#include "pipeline/codecs/codec.hpp"

#include <gtest/gtest.h>

#include <opencv2/core.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace pixmill::tests {

/// A frame of noise over a gradient; the same for the same arguments.
inline cv::Mat noise_frame(int width, int height, int type, std::uint64_t seed = 1) {
  cv::Mat frame(height, width, type);
  cv::RNG random(seed);
  random.fill(frame, cv::RNG::UNIFORM, 0, CV_MAT_DEPTH(type) == CV_16U ? 65536 : 256);
  return frame;
}

/// The frame as a file of that format ("png" or "jpg"), by pixmill's own encoder.
inline std::string encoded(const cv::Mat& frame, std::string_view format) {
  std::vector<std::byte> bytes;
  const auto encoder = pipeline::find_codec(format)->make_encoder();
  const auto status = encoder->encode({&frame, nullptr, false}, {}, bytes);
  EXPECT_TRUE(status.usable()) << status.detail;
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The pixels of a PNG or JPEG file, orientation not applied, alpha kept.
inline cv::Mat decoded(const std::string& file) {
  const pipeline::Bytes bytes = std::as_bytes(std::span(file));
  const pipeline::Codec* codec = pipeline::recognise(bytes.first(std::min(bytes.size(), pipeline::kSniffBytes)));
  if (codec == nullptr) return {};
  const auto decoder = codec->make_decoder();
  pipeline::ImageHeader header;
  EXPECT_TRUE(decoder->read_header(bytes, {}, header).usable());
  const pipeline::DecodeRequest request{false, true, false};
  const auto shape = pipeline::Decoder::decoded_shape(header, request);
  cv::Mat frame(static_cast<int>(shape.height), static_cast<int>(shape.width), shape.type());
  EXPECT_TRUE(decoder->decode(request, frame, {}).usable());
  return frame;
}

/// Whether two frames have the same shape and the same pixels.
inline bool same_pixels(const cv::Mat& a, const cv::Mat& b) {
  if (a.size() != b.size() || a.type() != b.type()) return false;
  return cv::norm(a, b, cv::NORM_INF) == 0;
}

}  // namespace pixmill::tests
