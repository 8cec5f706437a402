#include "pipeline/metadata.hpp"

#include <cstdint>
#include <cstdlib>

using namespace pixmill;
using namespace pixmill::pipeline;

namespace {

void expect(bool holds) {
  if (!holds) std::abort();
}

struct Format {
  const Codec* codec;
  std::unique_ptr<Decoder> decoder = codec->make_decoder();
  std::unique_ptr<Encoder> encoder = codec->make_encoder ? codec->make_encoder() : nullptr;
};

const Format* format_of(Bytes file) {
  static const std::vector<Format> formats = [] {
    std::vector<Format> made;
    for (const Codec& codec : all_codecs()) made.push_back(Format{&codec});
    return made;
  }();
  const Codec* codec = recognise(file.first(std::min(file.size(), kSniffBytes)));
  for (const Format& format : formats) {
    if (format.codec == codec) return &format;
  }
  return nullptr;
}

Metadata adapted(Decoder& decoder, const kernels::FrameShape& shape) {
  Metadata metadata;
  decoder.read_metadata(metadata);
  expect(metadata.icc.size() <= kMostMetadataBytes && metadata.exif.size() <= kMostMetadataBytes);
  adapt_metadata(metadata, {.written = shape});
  metadata.left_out.clear();
  return metadata;
}

}  // namespace

/// Any file: what it says beside its pixels can be written to each format, and comes out of it as it went in.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes file = std::as_bytes(std::span(data, size));
  const DecodeLimits limits{.max_pixels = std::uint64_t{1} << 16, .max_memory = std::uint64_t{64} << 20};
  const Format* const from = format_of(file);
  ImageHeader header;
  if (from == nullptr || !from->decoder->read_header(file, limits, header).usable()) return 0;
  // Some formats say it after their pixels.
  const DecodeRequest request{.keep_alpha = true, .lenient = true};
  const kernels::FrameShape shape = Decoder::decoded_shape(header, request);
  cv::Mat pixels(static_cast<int>(shape.height), static_cast<int>(shape.width), shape.type());
  if (!from->decoder->decode(request, pixels, {}).usable()) return 0;
  const cv::Mat frame(2, 2, header.shape.channels <= 2 ? CV_8UC1 : CV_8UC3, cv::Scalar::all(9));
  const Metadata metadata = adapted(*from->decoder, kernels::shape_of(frame));
  expect(static_cast<std::uint64_t>(metadata.icc.size() + metadata.exif.size()) * 3 <= metadata_bytes(size));
  for (const char* name : {"png", "jpg"}) {
    std::vector<std::byte> out;
    EncodeSource source{&frame};
    source.metadata = &metadata;
    const auto encoder = find_codec(name)->make_encoder();
    const CodecStatus status = encoder->encode(source, {}, out);
    expect(status.verdict == Verdict::ok);
    const auto decoder = find_codec(name)->make_decoder();
    expect(decoder->read_header(out, {}, header).usable());
    const Metadata back = adapted(*decoder, kernels::shape_of(frame));
    if (!status.detail.empty()) continue;
    expect(back.icc == metadata.icc && back.exif == metadata.exif);
  }
  return 0;
}
