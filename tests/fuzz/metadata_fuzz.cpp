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

struct Written {
  CodecStatus status;
  Metadata metadata;  // what its own reader finds in it
};

Written write_and_read(std::string_view format, const cv::Mat& frame, const Metadata& metadata) {
  std::vector<std::byte> out;
  EncodeSource source{&frame};
  source.metadata = &metadata;
  Written written;
  written.status = find_codec(format)->make_encoder()->encode(source, {}, out);
  expect(written.status.verdict == Verdict::ok);
  const auto decoder = find_codec(format)->make_decoder();
  ImageHeader header;
  expect(decoder->read_header(out, {}, header).usable());
  written.metadata = adapted(*decoder, kernels::shape_of(frame));
  return written;
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
  for (const char* name : {"png", "jpg", "webp"}) {
    const Written written = write_and_read(name, frame, metadata);
    if (!written.status.detail.empty()) continue;
    expect(written.metadata.icc == metadata.icc && written.metadata.exif == metadata.exif);
  }
  // TIFF has EXIF in an order of its own, which it then keeps.
  const Written once = write_and_read("tiff", frame, metadata);
  const Written twice = write_and_read("tiff", frame, once.metadata);
  expect(twice.status.detail.empty());
  expect(twice.metadata.exif == once.metadata.exif);
  expect(once.metadata.icc == metadata.icc && twice.metadata.icc == metadata.icc);
  return 0;
}
