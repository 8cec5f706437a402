#pragma once

#include "pipeline/codecs/codec.hpp"

/// Which format a file is of, by its first bytes. Each looks at no more than kSniffBytes, takes any length, and asks
/// for more than two letters, so that text and raw data are not mistaken for images.
namespace pixmill::pipeline {

/// Also if its signature is damaged but its header follows: the signature is made to break where a transfer takes a PNG
/// for text, and that is worth saying.
[[nodiscard]] bool looks_like_png(Bytes head);
[[nodiscard]] bool has_png_signature(Bytes head);
[[nodiscard]] bool looks_like_jpeg(Bytes head);
[[nodiscard]] bool looks_like_tiff(Bytes head);
[[nodiscard]] bool looks_like_webp(Bytes head);
[[nodiscard]] bool looks_like_bmp(Bytes head);
[[nodiscard]] bool looks_like_pnm(Bytes head);
[[nodiscard]] bool looks_like_gif(Bytes head);

}  // namespace pixmill::pipeline
