#include "pipeline/codecs/tiff_directory.hpp"

#include "pipeline/codecs/byte_order.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

namespace pixmill::pipeline {

namespace {

constexpr std::uint64_t kMostTags = 65535;

// BYTE, ASCII, SHORT, LONG, RATIONAL, SBYTE, UNDEFINED, SSHORT, SLONG, SRATIONAL, FLOAT, DOUBLE, IFD, -, -, LONG8,
// SLONG8, IFD8; 0 for what is none.
constexpr std::array<std::uint8_t, 19> kTypeBytes{0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8};

constexpr std::array kTags{
    TiffTag::image_width,        TiffTag::image_length,         TiffTag::bits_per_sample,
    TiffTag::compression,        TiffTag::photometric,          TiffTag::fill_order,
    TiffTag::strip_offsets,      TiffTag::orientation,          TiffTag::samples_per_pixel,
    TiffTag::rows_per_strip,     TiffTag::strip_byte_counts,    TiffTag::x_resolution,
    TiffTag::y_resolution,       TiffTag::planar_configuration, TiffTag::t4_options,
    TiffTag::t6_options,         TiffTag::resolution_unit,      TiffTag::predictor,
    TiffTag::colour_map,         TiffTag::tile_width,           TiffTag::tile_length,
    TiffTag::tile_offsets,       TiffTag::tile_byte_counts,     TiffTag::ink_set,
    TiffTag::extra_samples,      TiffTag::sample_format,        TiffTag::jpeg_tables,
    TiffTag::ycbcr_coefficients, TiffTag::ycbcr_subsampling,    TiffTag::reference_black_white,
    TiffTag::icc_profile,        TiffTag::white_point,
};

}  // namespace

std::uint32_t TiffDirectory::read16(std::size_t at) const {
  return little_ ? read_little16(file_, at) : read_big16(file_, at);
}

std::uint32_t TiffDirectory::read32(std::size_t at) const {
  return little_ ? read_little32(file_, at) : read_big32(file_, at);
}

std::uint64_t TiffDirectory::read64(std::size_t at) const {
  const std::uint64_t first = read32(at);
  const std::uint64_t second = read32(at + 4);
  return little_ ? second << 32 | first : first << 32 | second;
}

CodecStatus TiffDirectory::open(Bytes file) {
  file_ = file;
  used_ = 0;
  if (file.size() < 8) return {Verdict::truncated, "cut short within its header"};
  little_ = byte_at(file, 0) == 'I';
  const bool big = read16(2) == 43;
  if (big && file.size() < 16) return {Verdict::truncated, "cut short within its header"};
  const std::uint64_t begin = big ? read64(8) : read32(4);
  if (begin == 0) return {Verdict::corrupt, "it has no directory"};
  const std::uint64_t count_bytes = big ? 8 : 2;
  if (begin > file.size() || file.size() - begin < count_bytes) {
    return {Verdict::truncated,
            fmt::format("its directory lies at byte {}, beyond the end of the file at {}", begin, file.size())};
  }
  const std::uint64_t count = big ? read64(begin) : read16(begin);
  if (count == 0) return {Verdict::corrupt, "its directory is empty"};
  if (count > kMostTags) {
    return {Verdict::too_large, fmt::format("its directory claims {} tags; up to {} are read", count, kMostTags)};
  }
  const std::uint64_t entry_bytes = big ? 20 : 12;
  const std::uint64_t there = (file.size() - begin - count_bytes) / entry_bytes;
  for (std::uint64_t i = 0; i < std::min(count, there); ++i) take(begin + count_bytes + i * entry_bytes, big);
  if (there >= count) return {};
  return {Verdict::truncated, fmt::format("cut short within its directory: {} of {} tags are there", there, count)};
}

void TiffDirectory::take(std::size_t at, bool big) {
  Entry entry;
  entry.tag = static_cast<std::uint16_t>(read16(at));
  if (std::none_of(kTags.begin(), kTags.end(), [&](TiffTag t) { return static_cast<int>(t) == entry.tag; })) return;
  if (find(static_cast<TiffTag>(entry.tag)) != nullptr) return;
  entry.type = static_cast<std::uint16_t>(read16(at + 2));
  entry.count = big ? read64(at + 4) : read32(at + 4);
  const std::uint64_t size = entry.type < kTypeBytes.size() ? kTypeBytes.at(entry.type) : 0;
  if (size == 0 || entry.count == 0) return;
  const std::uint64_t inline_bytes = big ? 8 : 4;
  const std::uint64_t value_at = at + (big ? 12 : 8);
  entry.at = entry.count <= inline_bytes / size ? value_at : big ? read64(value_at) : read32(value_at);
  entry.held = entry.at < file_.size() ? std::min(entry.count, (file_.size() - entry.at) / size) : 0;
  entries_.at(used_++) = entry;
}

const TiffDirectory::Entry* TiffDirectory::find(TiffTag tag) const {
  const auto end = entries_.begin() + static_cast<std::ptrdiff_t>(used_);
  const auto found =
      std::find_if(entries_.begin(), end, [tag](const Entry& e) { return e.tag == static_cast<std::uint16_t>(tag); });
  return found == end ? nullptr : &*found;
}

std::uint64_t TiffDirectory::number(const Entry& entry, std::uint64_t index) const {
  if (index >= entry.held) return 0;
  switch (entry.type) {
    case 1:
    case 7:
      return byte_at(file_, entry.at + index);
    case 3:
      return read16(entry.at + index * 2);
    case 4:
    case 13:
      return read32(entry.at + index * 4);
    case 16:
    case 18:
      return read64(entry.at + index * 8);
    default:
      return 0;
  }
}

std::uint64_t TiffDirectory::number_or(TiffTag tag, std::uint64_t otherwise) const {
  const Entry* entry = find(tag);
  return entry == nullptr ? otherwise : number(*entry, 0);
}

double TiffDirectory::real(const Entry& entry, std::uint64_t index) const {
  if (index >= entry.held) return 0;
  if (entry.type == 5 || entry.type == 10) {
    const std::uint32_t above = read32(entry.at + index * 8);
    const std::uint32_t below = read32(entry.at + index * 8 + 4);
    if (below == 0) return 0;
    if (entry.type == 5) return static_cast<double>(above) / below;
    return static_cast<double>(static_cast<std::int32_t>(above)) / static_cast<std::int32_t>(below);
  }
  if (entry.type == 11) return static_cast<double>(std::bit_cast<float>(read32(entry.at + index * 4)));
  if (entry.type == 12) return std::bit_cast<double>(read64(entry.at + index * 8));
  return static_cast<double>(number(entry, index));
}

Bytes TiffDirectory::bytes(const Entry& entry) const {
  return entry.held == 0 ? Bytes{} : file_.subspan(entry.at, entry.held * kTypeBytes.at(entry.type));
}

}  // namespace pixmill::pipeline
