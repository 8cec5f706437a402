#pragma once

#include "pipeline/codecs/codec.hpp"

#include <jpeglib.h>
#include <cstdio>

/// JPEG files of every kind, made and read by libjpeg alone.
namespace pixmill::pipeline {

struct JpegKind {
  J_COLOR_SPACE stored = JCS_YCbCr;  ///< JCS_GRAYSCALE, JCS_YCbCr, JCS_RGB, JCS_CMYK or JCS_YCCK.
  bool progressive = false;
  bool arithmetic = false;
  bool scan_each_component = false;
  int restart_rows = 0;
  int repeated_scans = 0;  ///< More scans that refine nothing: a hostile progressive file.
};

/// `image` has one channel, three (B, G, R), or four (inks as stored).
[[nodiscard]] std::vector<std::byte> make_jpeg(const cv::Mat& image, const JpegKind& kind = {});
/// What libjpeg makes of it: JCS_GRAYSCALE, JCS_EXT_BGR or JCS_CMYK.
[[nodiscard]] cv::Mat read_with_libjpeg(Bytes file, J_COLOR_SPACE as);
/// The file with an APP1 of EXIF in it that says that orientation.
[[nodiscard]] std::vector<std::byte> with_orientation(Bytes jpeg, int orientation, bool little_endian);
/// The TIFF part of it.
[[nodiscard]] std::vector<std::byte> exif_block(int orientation, bool little_endian);
/// The file with `inserted` before byte `at`.
[[nodiscard]] std::vector<std::byte> with_bytes_at(Bytes file, std::size_t at, Bytes inserted);

}  // namespace pixmill::pipeline
