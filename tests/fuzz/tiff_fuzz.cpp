#include "pipeline/codecs/tiff_decoder.hpp"

#include <cstdint>
#include <cstdlib>

using namespace pixmill;
using namespace pixmill::pipeline;

/// Any bytes: a verdict, never a crash; what is not ok says why (and what is ok may say what became of its samples); a
/// usable frame was shown whole to the observer.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::unique_ptr<Decoder> decoder = make_tiff_decoder();
  const Bytes file = std::as_bytes(std::span(data, size));
  const DecodeLimits limits{.max_pixels = std::uint64_t{1} << 18, .max_memory = std::uint64_t{256} << 20};
  for (const bool lenient : {false, true}) {
    ImageHeader header;
    CodecStatus status = decoder->read_header(file, limits, header);
    if (status.usable() != status.detail.empty()) std::abort();
    if (!status.usable()) return 0;
    const DecodeRequest request{.luma = header.stores_luma && lenient, .keep_alpha = !lenient, .lenient = lenient};
    const kernels::FrameShape shape = Decoder::decoded_shape(header, request);
    cv::Mat frame(static_cast<int>(shape.height), static_cast<int>(shape.width), shape.type());
    std::size_t seen = 0;
    status = decoder->decode(request, frame, [&](const cv::Mat& rows) { seen += rows.total(); });
    if (status.verdict != Verdict::ok && status.detail.empty()) std::abort();
    if (status.usable() && seen != frame.total()) std::abort();
  }
  return 0;
}
