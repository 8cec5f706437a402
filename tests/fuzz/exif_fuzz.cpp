#include "pipeline/codecs/exif.hpp"

#include <cstdint>
#include <cstdlib>

/// Any bytes: an orientation from 1 to 8.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const int orientation = pixmill::pipeline::exif_orientation(std::as_bytes(std::span(data, size)));
  if (orientation < 1 || orientation > 8) std::abort();
  return 0;
}
