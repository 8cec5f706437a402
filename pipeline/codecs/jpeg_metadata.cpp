#include "pipeline/codecs/jpeg_metadata.hpp"

#include "pipeline/codecs/byte_order.hpp"
#include "pipeline/codecs/exif.hpp"
#include "pipeline/codecs/jpeg_markers.hpp"

#include <array>
#include <cmath>
#include <cstring>

namespace pixmill::pipeline {

namespace {

constexpr std::uint32_t kApp0 = 0xE0;
constexpr std::uint32_t kApp1 = 0xE1;
constexpr std::uint32_t kApp2 = 0xE2;
constexpr std::string_view kJfifPrefix{"JFIF\0", 5};
constexpr std::size_t kJfifBytes = 14;

constexpr double kInchesPerMetre = 1 / 0.0254;
constexpr double kCentimetresPerMetre = 100;

bool begins_with(Bytes data, std::string_view prefix) {
  return data.size() >= prefix.size() && std::memcmp(data.data(), prefix.data(), prefix.size()) == 0;
}

void take_density(Bytes jfif, Metadata& metadata) {
  const std::uint32_t unit = byte_at(jfif, 7);
  const double scale = unit == 1 ? kInchesPerMetre : unit == 2 ? kCentimetresPerMetre : 0;
  const double x = read_big16(jfif, 8) * scale;
  const double y = read_big16(jfif, 10) * scale;
  if (x <= 0 || y <= 0) return;
  metadata.pixels_per_metre_x = x;
  metadata.pixels_per_metre_y = y;
}

/// `block` is what follows the prefix: nothing else vouches for it being EXIF.
void take_exif(Bytes block, Metadata& metadata) {
  if (!begins_like_exif(block)) return metadata.leave_out("its EXIF block is damaged and was left out");
  metadata.exif.assign(block.begin(), block.end());
}

/// Puts the pieces of a profile together (ICC.1:2022, B.4).
class ProfilePieces {
 public:
  /// `data` begins with the prefix.
  void add(Bytes data) {
    any_ = true;
    const Bytes numbered = data.subspan(kJpegIccPrefix.size());
    if (numbered.size() < 2) {
      broken_ = true;
      return;
    }
    const std::size_t number = byte_at(numbered, 0);
    const std::size_t count = byte_at(numbered, 1);
    broken_ = broken_ || number == 0 || number > count || (count_ != 0 && count_ != count) || seen_[number];
    seen_[number] = true;
    count_ = count;
    pieces_[number] = numbered.subspan(2);
    bytes_ += numbered.size() - 2;
  }

  void put_together(Metadata& metadata) const {
    if (!any_) return;
    bool whole = !broken_;
    for (std::size_t i = 1; i <= count_; ++i) whole = whole && seen_[i];
    if (!whole) return metadata.leave_out("the pieces of its ICC profile do not fit together, and it was left out");
    if (bytes_ > kMostMetadataBytes) return metadata.leave_out("its ICC profile is too large and was left out");
    metadata.icc.reserve(bytes_);
    for (std::size_t i = 1; i <= count_; ++i) {
      metadata.icc.insert(metadata.icc.end(), pieces_[i].begin(), pieces_[i].end());
    }
  }

 private:
  std::array<Bytes, 256> pieces_{};
  std::array<bool, 256> seen_{};
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
  bool any_ = false;
  bool broken_ = false;
};

/// How far the rounded density is from the true one, relative to it; more than anything where it cannot be said.
double rounding_error(double density) {
  const double rounded = std::round(density);
  return rounded >= 1 && rounded <= 65535 ? std::abs(rounded - density) / density : 2;
}

}  // namespace

void read_jpeg_metadata(Bytes file, Metadata& metadata) {
  JpegSegmentWalk walk(file);
  JpegSegment segment;
  ProfilePieces profile;
  bool seen_exif = false;
  while (walk.next(segment)) {
    const Bytes data = segment.data;
    if (segment.marker == kApp0 && data.size() >= kJfifBytes && begins_with(data, kJfifPrefix)) {
      take_density(data, metadata);
    } else if (segment.marker == kApp1 && !seen_exif && begins_with(data, kJpegExifPrefix)) {
      seen_exif = true;
      take_exif(data.subspan(kJpegExifPrefix.size()), metadata);
    } else if (segment.marker == kApp2 && begins_with(data, kJpegIccPrefix)) {
      profile.add(data);
    }
  }
  profile.put_together(metadata);
}

JpegDensity jpeg_density(double pixels_per_metre_x, double pixels_per_metre_y) {
  constexpr double kNone = 2;
  JpegDensity best;
  double best_error = kNone;
  for (const auto& [unit, scale] : {std::pair{1, 1 / kInchesPerMetre}, std::pair{2, 1 / kCentimetresPerMetre}}) {
    const double x = pixels_per_metre_x * scale;
    const double y = pixels_per_metre_y * scale;
    const double error = std::max(rounding_error(x), rounding_error(y));
    if (error >= best_error) continue;
    best_error = error;
    best = {unit, static_cast<int>(std::round(x)), static_cast<int>(std::round(y))};
  }
  return best;
}

}  // namespace pixmill::pipeline
