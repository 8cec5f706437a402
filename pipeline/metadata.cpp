#include "pipeline/metadata.hpp"

#include "pipeline/codecs/exif.hpp"
#include "pipeline/codecs/exif_edit.hpp"
#include "pipeline/codecs/icc_profile.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace pixmill::pipeline {
namespace {

void edit_or_leave_out(Metadata& metadata, const MetadataUse& use) {
  if (metadata.pixels_per_metre_x <= 0) {
    const ExifResolution said = exif_resolution(metadata.exif);
    metadata.pixels_per_metre_x = said.x;
    metadata.pixels_per_metre_y = said.y;
  }
  const ExifEdit edit{static_cast<std::uint32_t>(use.written.width), static_cast<std::uint32_t>(use.written.height),
                      use.oriented, use.sideways};
  if (edit_exif(metadata.exif, edit)) return;
  metadata.exif.clear();
  metadata.leave_out("its EXIF block is damaged and was left out");
}

void adapt_exif(Metadata& metadata, const MetadataUse& use) {
  if (!metadata.exif.empty()) edit_or_leave_out(metadata, use);
  if (metadata.exif.empty() && use.orientation_left != 1) metadata.exif = orientation_exif(use.orientation_left);
}

void adapt_profile(Metadata& metadata, int channels) {
  if (metadata.icc.empty()) return;
  cut_icc_padding(metadata.icc);
  const IccFit fit = icc_fit(metadata.icc, channels);
  if (fit == IccFit::fits) return;
  if (fit == IccFit::damaged) {
    metadata.leave_out("its ICC profile is damaged and was left out");
  } else {
    metadata.leave_out(fmt::format("its {} profile does not fit the {} result and was left out",
                                   icc_colour_space(metadata.icc), channels <= 2 ? "gray" : "RGB"));
  }
  metadata.icc.clear();
}

}  // namespace

void adapt_metadata(Metadata& metadata, const MetadataUse& use) {
  adapt_exif(metadata, use);
  adapt_profile(metadata, use.written.channels);
  if (use.sideways) std::swap(metadata.pixels_per_metre_x, metadata.pixels_per_metre_y);
}

std::uint64_t metadata_bytes(std::uint64_t file_bytes) {
  constexpr std::uint64_t kInflates = 1032;
  constexpr std::uint64_t kBlocks = 2;
  constexpr std::uint64_t kMost = kBlocks * kMostMetadataBytes;
  const std::uint64_t held = file_bytes < kMost / kInflates ? file_bytes * kInflates : kMost;
  // Held, twice in the output where that moves to a larger place, and what framing and incompressible blocks add.
  constexpr std::uint64_t kFraming = std::uint64_t{64} << 10;
  return 3 * held + held / 64 + kFraming;
}

}  // namespace pixmill::pipeline
