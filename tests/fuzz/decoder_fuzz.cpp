#include "tests/fuzz/decoder_fuzz.hpp"

#include "tests/support/allocations.hpp"

#include "pipeline/codecs/codec.hpp"

#include <opencv2/core.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace pixmill::pipeline {

namespace {

constexpr DecodeLimits kLimits{
    .max_pixels = std::uint64_t{1} << 18, .max_side = 65535, .max_memory = std::uint64_t{64} << 20};
/// What a decoder may take before it believes a header, and beside what it reckons: itself, words, a list of chunks.
constexpr std::size_t kSmallBytes = std::size_t{64} << 10;

void promise(bool kept, const char* what) {
  if (kept) return;
  std::fprintf(stderr, "broken promise: %s\n", what);
  std::abort();
}

struct Result {
  CodecStatus status;
  cv::Mat frame;
  Metadata metadata;
};

void check_metadata(const Metadata& metadata) {
  promise(metadata.icc.size() <= kMostMetadataBytes && metadata.exif.size() <= kMostMetadataBytes,
          "metadata is bounded");
  if (metadata.exif.empty()) return;
  promise(metadata.exif.size() >= 4 && (std::memcmp(metadata.exif.data(), "II*\0", 4) == 0 ||
                                        std::memcmp(metadata.exif.data(), "MM\0*", 4) == 0),
          "EXIF begins like a TIFF");
}

Result decode(Decoder& decoder, const ImageHeader& header, const DecodeRequest& request, int before) {
  Result result;
  const kernels::FrameShape shape = Decoder::decoded_shape(header, request);
  std::optional<tests::Allocations::Pause> pause(std::in_place);  // the frame and the test's own are not its
  result.frame.create(static_cast<int>(shape.height), static_cast<int>(shape.width), shape.type());
  std::memset(result.frame.data, before, result.frame.total() * result.frame.elemSize());
  cv::Mat shown = result.frame.clone();
  std::vector<unsigned char> seen(static_cast<std::size_t>(shape.height), 0);
  pause.reset();

  const BandObserver observer = [&](const cv::Mat& rows) {
    promise(rows.cols == result.frame.cols && rows.type() == result.frame.type(), "bands are whole rows of the frame");
    for (int y = 0; y < rows.rows; ++y) {
      const auto offset = static_cast<std::size_t>(rows.ptr(y) - result.frame.data);
      const std::size_t row = offset / result.frame.step[0];
      promise(row < seen.size() && offset % result.frame.step[0] == 0, "bands are whole rows of the frame");
      promise(seen[row] == 0, "no row is shown twice");
      seen[row] = 1;
      std::memcpy(shown.ptr(static_cast<int>(row)), rows.ptr(y), rows.elemSize() * static_cast<std::size_t>(rows.cols));
    }
  };
  result.status = decoder.decode(request, result.frame, observer);
  promise(result.status.verdict == Verdict::ok || !result.status.detail.empty(), "what is not ok says why");
  promise(request.lenient || result.status.verdict != Verdict::repaired, "nothing is repaired unless asked for");
  if (!result.status.usable()) return result;
  promise(std::find(seen.begin(), seen.end(), 0) == seen.end(), "every row is shown");
  promise(std::memcmp(shown.data, result.frame.data, shown.total() * shown.elemSize()) == 0, "rows are shown final");
  decoder.read_metadata(result.metadata);
  check_metadata(result.metadata);
  return result;
}

void check_header(const CodecStatus& status, const ImageHeader& header) {
  promise(status.verdict != Verdict::repaired, "headers are not repaired");
  promise(status.usable() || !status.detail.empty(), "what is not ok says why");
  if (!status.usable()) return;
  const kernels::FrameShape& shape = header.shape;
  promise(shape.width > 0 && shape.height > 0 && shape.pixels() <= kLimits.max_pixels &&
              static_cast<std::uint64_t>(std::max(shape.width, shape.height)) <= kLimits.max_side,
          "sizes are within the limits");
  promise(shape.channels >= 1 && shape.channels <= 4, "one to four channels");
  promise(header.orientation >= 1 && header.orientation <= 8, "an orientation from 1 to 8");
  promise(header.decoder_bytes <= kLimits.max_memory, "memory is within the limits");
}

bool same(const Result& a, const Result& b) {
  if (a.status.verdict != b.status.verdict || a.status.detail != b.status.detail) return false;
  if (!a.status.usable()) return true;
  return a.metadata.icc == b.metadata.icc && a.metadata.exif == b.metadata.exif &&
         std::memcmp(a.frame.data, b.frame.data, a.frame.total() * a.frame.elemSize()) == 0;
}

/// Once with the decoder that all inputs share, once with a new one whose memory is measured. What was in the frame
/// before differs, so bytes that were never written show.
Result decode_twice(const Codec& codec, Decoder& kept, Bytes file, const DecodeRequest& request) {
  ImageHeader header;
  promise(kept.read_header(file, kLimits, header).usable(), "the same header again");
  const Result first = decode(kept, header, request, 0x55);

  const tests::Allocations allocations;
  const std::unique_ptr<Decoder> fresh = codec.make_decoder();
  promise(fresh->read_header(file, kLimits, header).usable(), "the same header for a new decoder");
  Result second = decode(*fresh, header, request, 0xAA);
  const std::size_t taken = tests::Allocations::most();
  const std::size_t metadata = second.metadata.icc.size() + second.metadata.exif.size();
  if (taken > header.decoder_bytes + 2 * metadata + kSmallBytes) {
    std::fprintf(stderr, "%zu bytes were taken, %llu reckoned\n", taken,
                 static_cast<unsigned long long>(header.decoder_bytes));
    promise(false, "a decoder takes no more than it reckons");
  }
  promise(same(first, second), "the result depends on the file alone");
  return second;
}

}  // namespace

int fuzz_decoder(std::string_view format, const std::uint8_t* data, std::size_t size) {
  static const Codec& codec = *find_codec(format);
  static const std::unique_ptr<Decoder> kept = codec.make_decoder();

  const Bytes file = std::as_bytes(std::span(data, size));
  ImageHeader header;
  CodecStatus status;
  {
    const tests::Allocations allocations;
    status = codec.make_decoder()->read_header(file, kLimits, header);
    promise(!status.usable() || tests::Allocations::most() <= header.decoder_bytes + kSmallBytes,
            "a header takes no more than it reckons");
  }
  check_header(status, header);
  if (!status.usable()) return 0;

  for (const bool luma : {false, true}) {
    if (luma && !header.stores_luma) continue;
    for (const bool keep_alpha : {false, true}) {
      if (keep_alpha && !kernels::has_alpha(header.shape.channels)) continue;
      const DecodeRequest strict{.luma = luma, .keep_alpha = keep_alpha};
      const DecodeRequest lenient{.luma = luma, .keep_alpha = keep_alpha, .lenient = true};
      const Result sound = decode_twice(codec, *kept, file, strict);
      const Result rest = decode_twice(codec, *kept, file, lenient);
      promise((sound.status.verdict == Verdict::ok) == (rest.status.verdict == Verdict::ok),
              "strict and lenient agree on what is sound");
      promise(sound.status.verdict != Verdict::ok || same(sound, rest), "strict and lenient agree on sound pixels");
    }
  }
  return 0;
}

}  // namespace pixmill::pipeline
