#include "pipeline/codecs/exif.hpp"
#include "pipeline/codecs/exif_edit.hpp"
#include "pipeline/codecs/exif_parts.hpp"

#include <cstdint>
#include <cstdlib>

using namespace pixmill::pipeline;

namespace {

void expect(bool holds) {
  if (!holds) std::abort();
}

void edit(Bytes tiff, const ExifEdit& wish) {
  const int orientation = exif_orientation(tiff);
  std::vector<std::byte> once(tiff.begin(), tiff.end());
  if (!edit_exif(once, wish)) return;
  expect(once.size() <= tiff.size());
  expect(exif_orientation(once) == (wish.upright ? 1 : orientation));
  ExifEdit as_it_stands = wish;
  as_it_stands.axes_swapped = false;
  std::vector<std::byte> twice = once;
  expect(edit_exif(twice, as_it_stands));
  expect(twice == once);
}

void copy(Bytes tiff) {
  const ExifParts parts(tiff);
  if (parts.empty() || parts.bytes(false) > kMostMetadataBytes) return;
  std::vector<std::byte> block = parts.block();
  expect(block.size() <= parts.bytes(false));
  const ExifParts again(block);
  expect(!again.empty() && !again.damaged() && again.block() == block);
  for (const bool big : {false, true}) {
    std::vector<std::byte> file(33);
    const ExifParts::Places places = again.append_directories(big, file);
    expect(file.size() <= 33 + again.bytes(big) && places.exif < file.size() && places.gps < file.size());
  }
  std::size_t texts = 0;
  again.each_text([&](std::uint32_t, const std::string& text) { texts += text.size(); });
  expect(texts <= block.size());
  expect(edit_exif(block, {.width = 7, .height = 9}));
}

}  // namespace

/// Any bytes: an orientation from 1 to 8, a resolution that is whole, and an edited block that says what was asked for
/// and is not changed by being edited again; a copy of its parts that is sound and the same when copied again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes tiff = std::as_bytes(std::span(data, size));
  const int orientation = exif_orientation(tiff);
  expect(orientation >= 1 && orientation <= 8);
  const ExifResolution resolution = exif_resolution(tiff);
  expect((resolution.x > 0) == (resolution.y > 0) && resolution.x < 1e12 && resolution.y < 1e12);
  copy(tiff);
  edit(tiff, {.width = 70000, .height = 3});
  edit(tiff, {.width = 1, .height = 65535, .upright = false, .axes_swapped = true});
  return 0;
}
