#pragma once

#include "pipeline/codecs/codec.hpp"

/// WebP files of every kind, sound and not, made and read by libwebp and put together chunk by chunk.
namespace pixmill::pipeline {

struct WebpKind {
  bool lossless = false;
  bool compressed_alpha = true;
  int quality = 80;
};

/// `image` has three channels (B, G, R) or four.
[[nodiscard]] std::vector<std::byte> make_webp(const cv::Mat& image, const WebpKind& kind = {});
/// What libwebp makes of it with its simplest functions: B, G, R, and alpha if asked for.
[[nodiscard]] cv::Mat read_with_libwebp(Bytes file, bool alpha);

[[nodiscard]] std::vector<std::byte> webp_chunk(std::string_view type, Bytes data);
/// The chunks in a RIFF container.
[[nodiscard]] std::vector<std::byte> webp_container(Bytes chunks);
/// VP8X. Flags: 0x20 profile, 0x10 alpha, 0x08 EXIF, 0x02 animation.
[[nodiscard]] std::vector<std::byte> webp_extended(int flags, std::uint32_t width, std::uint32_t height);
/// The image data of a file (ALPH and VP8, or VP8L), without its container.
[[nodiscard]] std::vector<std::byte> webp_picture(Bytes file);
/// ANMF: a frame at (x, y), which are even.
[[nodiscard]] std::vector<std::byte> webp_frame(std::uint32_t x, std::uint32_t y, std::uint32_t width,
                                                std::uint32_t height, Bytes picture);
/// VP8L of that size whose image of groups names groups 0 to `groups` - 1, or only the last of up to 1,000; it ends
/// where their codes should begin. Two bytes for 16 pixels.
[[nodiscard]] std::vector<std::byte> webp_of_many_groups(std::uint32_t width, std::uint32_t height,
                                                         std::uint32_t groups);

}  // namespace pixmill::pipeline
