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
#include "pipeline/codecs/webp_decoder.hpp"
#include "pipeline/codecs/webp_encoder.hpp"

#include <algorithm>
#include <array>

namespace pixmill::pipeline {

namespace {

// One row a format. A row without factories is recognised, so that its files can be named in a verdict.
constexpr std::array<Codec, 7> kCodecs{{
    {"png", "PNG", "png", looks_like_png, make_png_decoder, make_png_encoder, true, true, true},
    {"jpg", "JPEG", "jpg", looks_like_jpeg, make_jpeg_decoder, make_jpeg_encoder},
    {"tiff", "TIFF", "tiff", looks_like_tiff, nullptr, nullptr},
    {"webp", "WebP", "webp", looks_like_webp, make_webp_decoder, make_webp_encoder, true},
    {"bmp", "BMP", "bmp", looks_like_bmp, make_bmp_decoder, make_bmp_encoder, true, false, true},
    {"pgm", "PNM", "pgm", looks_like_pnm, make_pnm_decoder, make_pnm_encoder, false, true},
    {"gif", "GIF", "gif", looks_like_gif, make_gif_decoder, nullptr},
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

std::string not_read_sentence(const Codec& codec) {
  return std::string(codec.title) + " files are recognised but this version does not read them";
}

}  // namespace pixmill::pipeline
