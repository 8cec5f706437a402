#pragma once

#include "pipeline/codecs/codec.hpp"

#include <gtest/gtest.h>
#include <opencv2/core.hpp>

/// Pictures for tests, and a codec's way through them.
namespace pixmill::pipeline {

/// Waves and a little noise: compresses like a photograph. The same for the same arguments.
[[nodiscard]] cv::Mat make_image(int width, int height, int type);
/// The same inside a larger allocation, so that its rows are padded.
[[nodiscard]] cv::Mat make_padded_image(int width, int height, int type);

struct Decoded {
  CodecStatus status;
  ImageHeader header;
  cv::Mat frame;
  std::uint64_t observed_pixels = 0;
  bool observed_final = true;  ///< Every band that was shown is still the same in the frame.
};

/// Reads header and pixels with a new decoder.
[[nodiscard]] Decoded decode(Bytes file, const DecodeRequest& request = {}, const DecodeLimits& limits = {});
/// The same with a decoder that has been used.
[[nodiscard]] Decoded decode(Decoder& decoder, Bytes file, const DecodeRequest& request = {},
                             const DecodeLimits& limits = {});

[[nodiscard]] std::vector<std::byte> encode(std::string_view format, const EncodeSource& source,
                                            const EncodeOptions& options = {});

[[nodiscard]] ::testing::AssertionResult same_pixels(const cv::Mat& a, const cv::Mat& b);

}  // namespace pixmill::pipeline
