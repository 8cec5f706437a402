#include "pipeline/codecs/bmp_decoder.hpp"
#include "pipeline/codecs/bmp_encoder.hpp"
#include "pipeline/codecs/gif_decoder.hpp"
#include "pipeline/codecs/jpeg_decoder.hpp"
#include "pipeline/codecs/jpeg_encoder.hpp"
#include "pipeline/codecs/png_decoder.hpp"
#include "pipeline/codecs/png_encoder.hpp"
#include "pipeline/codecs/pnm_decoder.hpp"
#include "pipeline/codecs/pnm_encoder.hpp"
#include "pipeline/codecs/signatures.hpp"
#include "pipeline/codecs/tiff_decoder.hpp"
#include "pipeline/codecs/tiff_encoder.hpp"
#include "pipeline/codecs/webp_decoder.hpp"
#include "pipeline/codecs/webp_encoder.hpp"

#include <algorithm>
#include <array>

namespace pixmill::pipeline {

namespace {

// One row a format.
constexpr std::array<Codec, 8> kCodecs{{
    {.name = "png",
     .title = "PNG",
     .extension = "png",
     .matches = looks_like_png,
     .make_decoder = make_png_decoder,
     .make_encoder = make_png_encoder,
     .holds_alpha = true,
     .holds_sixteen_bits = true,
     .holds_one_bit = true,
     .heeds_compression = true},
    {.name = "jpg",
     .title = "JPEG",
     .extension = "jpg",
     .matches = looks_like_jpeg,
     .make_decoder = make_jpeg_decoder,
     .make_encoder = make_jpeg_encoder,
     .heeds_quality = true},
    {.name = "tiff",
     .title = "TIFF",
     .extension = "tiff",
     .matches = looks_like_tiff,
     .make_decoder = make_tiff_decoder,
     .make_encoder = make_tiff_encoder,
     .holds_alpha = true,
     .holds_sixteen_bits = true,
     .holds_one_bit = true},
    {.name = "webp",
     .title = "WebP",
     .extension = "webp",
     .matches = looks_like_webp,
     .make_decoder = make_webp_decoder,
     .make_encoder = make_webp_encoder,
     .holds_alpha = true,
     .heeds_quality = true},
    {.name = "bmp",
     .title = "BMP",
     .extension = "bmp",
     .matches = looks_like_bmp,
     .make_decoder = make_bmp_decoder,
     .make_encoder = make_bmp_encoder,
     .holds_alpha = true,
     .holds_one_bit = true},
    {.name = "pgm",
     .title = "PNM",
     .extension = "pgm",
     .matches = looks_like_pnm,
     .make_decoder = make_pnm_decoder,
     .make_encoder = make_pnm_encoder,
     .holds_sixteen_bits = true},
    // For its name: what is read is told by its content, and the row above takes it.
    {.name = "ppm",
     .title = "PNM",
     .extension = "ppm",
     .matches = looks_like_pnm,
     .make_decoder = make_pnm_decoder,
     .make_encoder = make_ppm_encoder,
     .holds_sixteen_bits = true},
    {.name = "gif",
     .title = "GIF",
     .extension = "gif",
     .matches = looks_like_gif,
     .make_decoder = make_gif_decoder,
     .make_encoder = nullptr},
}};

}  // namespace

std::span<const Codec> all_codecs() { return kCodecs; }

const Codec* recognise(Bytes head) {
  const auto* found = std::find_if(kCodecs.begin(), kCodecs.end(), [&](const Codec& c) { return c.matches(head); });
  return found == kCodecs.end() ? nullptr : found;
}

const Codec* find_codec(std::string_view name) {
  const auto* found = std::find_if(kCodecs.begin(), kCodecs.end(), [&](const Codec& c) { return c.name == name; });
  return found == kCodecs.end() ? nullptr : found;
}

}  // namespace pixmill::pipeline
