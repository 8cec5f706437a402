#include "pipeline/codecs/exif.hpp"

#include "pipeline/codecs/byte_order.hpp"

#include "pipeline/codecs/exif_block.hpp"

namespace pixmill::pipeline {

namespace {

constexpr double kPerInch = 1 / 0.0254;
constexpr double kPerCentimetre = 100;
constexpr std::uint32_t kUnitInch = 2;
constexpr std::uint32_t kUnitCentimetre = 3;

double rational(const ExifBlock& block, const std::optional<ExifEntry>& entry) {
  if (!entry || entry->type != ExifEntry::kRational || entry->count != 1) return 0;
  const std::optional<ExifRange> place = block.value(*entry);
  if (!place) return 0;
  const std::uint32_t denominator = block.read32(place->begin + 4);
  return denominator == 0 ? 0 : static_cast<double>(block.read32(place->begin)) / denominator;
}

}  // namespace

bool begins_like_exif(Bytes tiff) { return ExifBlock(tiff).has_header(); }

int exif_orientation(Bytes tiff) {
  const ExifBlock block(tiff);
  if (!block.has_header()) return 1;
  const std::optional<ExifEntry> entry = block.find(block.first_directory(), exif_tags::kOrientation);
  if (!entry) return 1;
  // Some writers store it as LONG.
  const std::uint32_t value = block.number(*entry).value_or(1);
  return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
}

ExifResolution exif_resolution(Bytes tiff) {
  const ExifBlock block(tiff);
  if (!block.has_header()) return {};
  const ExifDirectory directory = block.first_directory();
  std::uint32_t unit = kUnitInch;
  if (const std::optional<ExifEntry> entry = block.find(directory, exif_tags::kResolutionUnit)) {
    unit = block.number(*entry).value_or(0);
  }
  if (unit != kUnitInch && unit != kUnitCentimetre) return {};
  const double scale = unit == kUnitInch ? kPerInch : kPerCentimetre;
  const ExifResolution found{rational(block, block.find(directory, exif_tags::kXResolution)) * scale,
                             rational(block, block.find(directory, exif_tags::kYResolution)) * scale};
  return found.x > 0 && found.y > 0 ? found : ExifResolution{};
}

}  // namespace pixmill::pipeline
