#include "pipeline/codecs/jpeg_decoder.hpp"
#include "pipeline/codecs/jpeg_encoder.hpp"
#include "pipeline/codecs/png_decoder.hpp"
#include "pipeline/codecs/png_encoder.hpp"
#include "pipeline/codecs/signatures.hpp"
#include "pipeline/codecs/tiff_decoder.hpp"
#include "pipeline/codecs/tiff_encoder.hpp"

#include <algorithm>
#include <array>

namespace pixmill::pipeline {

namespace {

// One row a format. A row without factories is recognised, so that its files can be named in a verdict.
constexpr std::array<Codec, 7> kCodecs{{
    {"png", "PNG", "png", looks_like_png, make_png_decoder, make_png_encoder, true, true},
    {"jpg", "JPEG", "jpg", looks_like_jpeg, make_jpeg_decoder, make_jpeg_encoder},
    {"tiff", "TIFF", "tiff", looks_like_tiff, make_tiff_decoder, make_tiff_encoder, true, true},
    {"webp", "WebP", "webp", looks_like_webp, nullptr, nullptr},
    {"bmp", "BMP", "bmp", looks_like_bmp, nullptr, nullptr},
    {"pnm", "PNM", "pnm", looks_like_pnm, nullptr, nullptr},
    {"gif", "GIF", "gif", looks_like_gif, nullptr, nullptr},
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
