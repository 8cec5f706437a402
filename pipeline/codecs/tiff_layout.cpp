#include "pipeline/codecs/tiff_layout.hpp"

#include "pipeline/codecs/tiff_schemes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace pixmill::pipeline {

namespace {

using Entry = TiffDirectory::Entry;

/// Samples of a pixel beyond which a TIFF is a measurement and no picture.
constexpr std::uint64_t kMostSamples = 1024;

/// Sides of images and tiles beyond which nothing is reckoned with: so many pixels of so many samples do not overflow.
constexpr std::uint64_t kMostSide = std::uint64_t{1} << 24;

/// Tiles of at least 16 x 16 pixels, as TIFF 6.0 wants them, are never too many; a few may be smaller.
constexpr std::uint64_t kTilesOfAnySize = 65536;

/// Decoded bytes beside the picture that its tiles may always have: those of one tile of 4096 x 4096 pixels.
constexpr double kPaddingOfAnyPicture = 64.0 * 1024 * 1024;

CodecStatus corrupt(std::string detail) { return {Verdict::corrupt, std::move(detail)}; }
CodecStatus unsupported(std::string detail) { return {Verdict::unsupported, std::move(detail)}; }

/// Whether every value of that tag (as many as the pixel has samples, or one for all) is the same; an absent one is.
bool same_for_all(const TiffDirectory& directory, TiffTag tag, int samples) {
  const Entry* entry = directory.find(tag);
  if (entry == nullptr) return true;
  const std::uint64_t count = std::min<std::uint64_t>(entry->held, static_cast<std::uint64_t>(samples));
  for (std::uint64_t i = 1; i < count; ++i) {
    if (directory.number(*entry, i) != directory.number(*entry, 0)) return false;
  }
  return true;
}

CodecStatus read_size(TiffLayout& layout) {
  const TiffDirectory& directory = layout.directory;
  const std::uint64_t width = directory.number_or(TiffTag::image_width, 0);
  const std::uint64_t height = directory.number_or(TiffTag::image_length, 0);
  if (width == 0) return corrupt("its directory gives no width");
  if (height == 0) return corrupt("its directory gives no height");
  if (width > kMostSide || height > kMostSide) {
    return {Verdict::too_large, fmt::format("the header claims {} x {} pixels", width, height)};
  }
  layout.width = static_cast<std::uint32_t>(width);
  layout.height = static_cast<std::uint32_t>(height);
  return {};
}

CodecStatus read_samples(TiffLayout& layout) {
  const TiffDirectory& directory = layout.directory;
  const Entry* bits = directory.find(TiffTag::bits_per_sample);
  // Some writers leave SamplesPerPixel out; the number of depths tells it then.
  const std::uint64_t samples = directory.number_or(TiffTag::samples_per_pixel, bits == nullptr ? 1 : bits->count);
  if (samples == 0) return corrupt("its directory gives a pixel no samples");
  if (samples > kMostSamples) return unsupported(fmt::format("{} samples a pixel", samples));
  layout.samples = static_cast<int>(samples);
  if (!same_for_all(directory, TiffTag::bits_per_sample, layout.samples)) {
    return unsupported("samples of different depths in one pixel");
  }
  if (!same_for_all(directory, TiffTag::sample_format, layout.samples)) {
    return unsupported("samples of different formats in one pixel");
  }
  const std::uint64_t depth = bits == nullptr ? 1 : directory.number(*bits, 0);
  if (depth == 0) return corrupt("its directory gives a sample no bits");
  if (depth > 64) return unsupported(fmt::format("samples of {} bits", depth));
  layout.bits = static_cast<int>(depth);
  const std::uint64_t format = directory.number_or(TiffTag::sample_format, 1);
  if (format == 5 || format == 6) return unsupported("complex numbers as samples");
  if (format == 3) {
    layout.sample = TiffSample::floating_point;
  } else {
    layout.sample = format == 2 ? TiffSample::signed_integer : TiffSample::unsigned_integer;
  }
  return {};
}

CodecStatus check_samples(const TiffLayout& layout) {
  if (layout.colour == TiffColour::raster) return {};
  const int bits = layout.bits;
  switch (layout.sample) {
    case TiffSample::floating_point:
      if (bits == 16 || bits == 32 || bits == 64) return {};
      return unsupported(fmt::format("floating-point samples of {} bits", bits));
    case TiffSample::signed_integer:
      if (bits == 8 || bits == 16) return {};
      return unsupported(fmt::format("signed samples of {} bits: those of 8 and 16 are read", bits));
    default:
      if (bits <= 16) return {};
      return unsupported(fmt::format("integer samples of {} bits: those of up to 16 are read", bits));
  }
}

bool is_jpeg(const TiffLayout& layout) { return layout.compression == tiff::kJpeg; }

CodecStatus read_raster_colour(TiffLayout& layout) {
  const bool log = layout.photometric == tiff::kLogL || layout.photometric == tiff::kLogLuv;
  layout.colour = TiffColour::raster;
  if (layout.separate) return unsupported(tiff_photometric_name(layout.photometric) + " in separate planes");
  if (log) {
    const bool packed = layout.compression == tiff::kSgiLog || layout.compression == tiff::kSgiLog24;
    return packed ? CodecStatus{} : unsupported("LogL and LogLuv that are not compressed as SGI Log");
  }
  const bool known_depth = layout.bits == 8 || (layout.bits == 16 && layout.photometric == tiff::kCieLab);
  if (known_depth && layout.samples == 3 && layout.sample != TiffSample::floating_point) return {};
  return unsupported(fmt::format("{} of {} samples of {} bits", tiff_photometric_name(layout.photometric),
                                 layout.samples, layout.bits));
}

CodecStatus check_palette(const TiffLayout& layout) {
  if (layout.bits > 16 || layout.sample != TiffSample::unsigned_integer) {
    return unsupported("a palette whose indices are no whole numbers of up to 16 bits");
  }
  const Entry* map = layout.directory.find(TiffTag::colour_map);
  if (map == nullptr) return corrupt("it has a palette without colours");
  const std::uint64_t needed = std::uint64_t{3} << layout.bits;
  if (map->count >= needed) return {};
  return corrupt(fmt::format("its palette has {} of {} values", map->count, needed));
}

CodecStatus read_colour(TiffLayout& layout) {
  const TiffDirectory& directory = layout.directory;
  int photometric = layout.samples >= 3 ? tiff::kRgb : tiff::kBlackIsZero;
  if (is_tiff_fax(layout.compression)) photometric = tiff::kWhiteIsZero;
  photometric = static_cast<int>(directory.number_or(TiffTag::photometric, static_cast<std::uint64_t>(photometric)));
  layout.photometric = photometric;
  switch (photometric) {
    case tiff::kWhiteIsZero:
    case tiff::kBlackIsZero:
      layout.colour = photometric == tiff::kWhiteIsZero ? TiffColour::inverse : TiffColour::gray;
      break;
    case tiff::kRgb:
      layout.colour = TiffColour::rgb;
      break;
    case tiff::kPalette:
      layout.colour = TiffColour::palette;
      return check_palette(layout);
    case tiff::kSeparated:
      if (directory.number_or(TiffTag::ink_set, 1) != 1 || layout.samples < 4) {
        return unsupported("separated inks that are not cyan, magenta, yellow and black");
      }
      layout.colour = TiffColour::cmyk;
      break;
    case tiff::kYcbcr:
      // libjpeg turns it into RGB on the way.
      if (is_jpeg(layout) && layout.samples == 3 && !layout.separate) {
        layout.colour = TiffColour::rgb;
        break;
      }
      return read_raster_colour(layout);
    case tiff::kCieLab:
    case tiff::kLogL:
    case tiff::kLogLuv:
      return read_raster_colour(layout);
    default:
      return unsupported(tiff_photometric_name(photometric));
  }
  if (layout.samples >= layout.colour_samples()) return {};
  return corrupt(fmt::format("{} samples a pixel, and its colours need {}", layout.samples, layout.colour_samples()));
}

/// Only what is declared to be alpha is; other samples beyond the colours are dropped.
void read_alpha(TiffLayout& layout) {
  const Entry* extra = layout.directory.find(TiffTag::extra_samples);
  if (extra == nullptr ||
      (layout.colour != TiffColour::gray && layout.colour != TiffColour::inverse && layout.colour != TiffColour::rgb)) {
    return;
  }
  const int colours = layout.colour_samples();
  const std::uint64_t count =
      std::min<std::uint64_t>(extra->held, static_cast<std::uint64_t>(layout.samples - colours));
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t kind = layout.directory.number(*extra, i);
    if (kind != 1 && kind != 2) continue;
    layout.alpha_sample = colours + static_cast<int>(i);
    layout.associated_alpha = kind == 1;
    return;
  }
}

CodecStatus read_compression(TiffLayout& layout) {
  const TiffDirectory& directory = layout.directory;
  layout.compression = static_cast<int>(directory.number_or(TiffTag::compression, 1) & 0xFFFF);
  if (!reads_tiff_compression(layout.compression)) {
    return unsupported("compressed as " + tiff_compression_name(layout.compression));
  }
  layout.reversed_bits = directory.number_or(TiffTag::fill_order, 1) == 2;
  const std::uint64_t planes = directory.number_or(TiffTag::planar_configuration, 1);
  if (planes != 1 && planes != 2) return corrupt(fmt::format("planar configuration {} does not exist", planes));
  layout.separate = planes == 2 && layout.samples > 1;
  if (is_tiff_fax(layout.compression) && (layout.bits != 1 || (layout.samples != 1 && !layout.separate))) {
    return corrupt("fax encoding of pixels of more than a bit");
  }
  // The only depths that these two have.
  if (layout.compression == tiff::kNext && layout.bits != 2) {
    return unsupported(fmt::format("NeXT encoding of samples of {} bits", layout.bits));
  }
  if (layout.compression == tiff::kThunderScan && layout.bits != 4) {
    return unsupported(fmt::format("ThunderScan encoding of samples of {} bits", layout.bits));
  }
  if (is_jpeg(layout) && layout.bits != 8) return unsupported(fmt::format("JPEG data of {} bits", layout.bits));
  return {};
}

CodecStatus read_predictor(TiffLayout& layout) {
  const int scheme = layout.compression;
  if (scheme != tiff::kLzw && scheme != tiff::kDeflate && scheme != tiff::kOldDeflate && scheme != tiff::kZstd) {
    return {};
  }
  layout.predictor = static_cast<int>(layout.directory.number_or(TiffTag::predictor, 1));
  const int bits = layout.bits;
  switch (layout.predictor) {
    case 1:
      return {};
    case 2:
      if (bits == 8 || bits == 16 || bits == 32 || bits == 64) return {};
      return unsupported(fmt::format("a horizontal predictor for samples of {} bits", bits));
    case 3:
      if (layout.sample == TiffSample::floating_point) return {};
      return corrupt("a floating-point predictor for whole numbers");
    default:
      return unsupported(fmt::format("predictor {}", layout.predictor));
  }
}

CodecStatus read_blocks(TiffLayout& layout) {
  const TiffDirectory& directory = layout.directory;
  layout.tiled = directory.find(TiffTag::tile_width) != nullptr || directory.find(TiffTag::tile_offsets) != nullptr;
  std::uint64_t width = layout.width;
  std::uint64_t height = 0;
  if (layout.tiled) {
    width = directory.number_or(TiffTag::tile_width, 0);
    height = directory.number_or(TiffTag::tile_length, 0);
  } else {
    height = std::min<std::uint64_t>(directory.number_or(TiffTag::rows_per_strip, layout.height), layout.height);
  }
  if (width == 0 || height == 0) return corrupt(fmt::format("its {}s have no size", layout.block_word()));
  if (width > kMostSide || height > kMostSide) {
    return {Verdict::too_large, fmt::format("its tiles claim {} x {} pixels", width, height)};
  }
  layout.block_width = static_cast<std::uint32_t>(width);
  layout.block_height = static_cast<std::uint32_t>(height);
  layout.blocks_across = (layout.width - 1) / layout.block_width + 1;
  layout.blocks_down = (layout.height - 1) / layout.block_height + 1;
  const TiffTag offsets =
      layout.tiled && directory.find(TiffTag::tile_offsets) != nullptr ? TiffTag::tile_offsets : TiffTag::strip_offsets;
  if (directory.find(offsets) == nullptr) {
    return corrupt(fmt::format("its directory does not say where its {}s lie", layout.block_word()));
  }
  return {};
}

/// Whether the values of some tag that the pixels need lie beyond the end of the file.
CodecStatus check_values(const TiffLayout& layout) {
  for (const TiffTag tag : {TiffTag::bits_per_sample, TiffTag::sample_format, TiffTag::extra_samples,
                            TiffTag::colour_map, TiffTag::jpeg_tables}) {
    const Entry* entry = layout.directory.find(tag);
    if (entry == nullptr || entry->held == entry->count) continue;
    return {Verdict::truncated, fmt::format("{} values of tag {} lie at byte {}, and the file ends at {}", entry->count,
                                            entry->tag, entry->at, layout.directory.file().size())};
  }
  return {};
}

/// libtiff takes either pair of tags for the other, because some writers do.
const Entry* block_entry(const TiffLayout& layout, TiffTag of_tiles, TiffTag of_strips) {
  const Entry* entry = layout.tiled ? layout.directory.find(of_tiles) : nullptr;
  return entry != nullptr ? entry : layout.directory.find(of_strips);
}

}  // namespace

std::uint32_t TiffLayout::block_rows(std::uint32_t down) const {
  return tiled ? block_height : std::min(block_height, height - down * block_height);
}

std::uint64_t TiffLayout::row_bytes() const {
  const auto of_pixel = static_cast<std::uint64_t>(bits) * (separate ? 1 : static_cast<std::uint64_t>(samples));
  return (of_pixel * block_width + 7) / 8;
}

int TiffLayout::colour_samples() const {
  switch (colour) {
    case TiffColour::rgb:
      return 3;
    case TiffColour::cmyk:
      return 4;
    default:
      return 1;
  }
}

kernels::FrameShape TiffLayout::shape() const {
  kernels::FrameShape shape{width, height, 3, kernels::Depth::eight};
  if (colour == TiffColour::gray || colour == TiffColour::inverse) shape.channels = 1;
  if (colour == TiffColour::raster && photometric == tiff::kLogL) shape.channels = 1;
  if (alpha_sample >= 0) ++shape.channels;
  if (colour != TiffColour::raster && colour != TiffColour::palette && bits > 8) shape.depth = kernels::Depth::sixteen;
  return shape;
}

TiffBlock TiffLayout::block(std::uint64_t index) const {
  const Entry* offsets = block_entry(*this, TiffTag::tile_offsets, TiffTag::strip_offsets);
  const Entry* counts = block_entry(*this, TiffTag::tile_byte_counts, TiffTag::strip_byte_counts);
  const std::uint64_t file_bytes = directory.file().size();
  TiffBlock block;
  if (offsets == nullptr || index >= offsets->held) return block;
  block.at = directory.number(*offsets, index);
  const std::uint64_t rows = block_rows(static_cast<std::uint32_t>(index / blocks_across % blocks_down));
  const std::uint64_t there = block.at < file_bytes ? file_bytes - block.at : 0;
  std::uint64_t bytes = counts != nullptr && index < counts->held ? directory.number(*counts, index) : 0;
  // Without a count, what is stored plain has the size of its pixels, and other blocks end where the next one begins.
  // No picture has no bytes: some writers of one strip never fill its count in.
  const bool counted = counts != nullptr && (bytes > 0 || (counts->count >= blocks() && blocks() > 1));
  if (stored_plain && (!counted || (blocks() == 1 && bytes < row_bytes() * rows))) {
    bytes = row_bytes() * rows;
  } else if (!counted) {
    const std::uint64_t next = directory.number(*offsets, index + 1);
    bytes = next > block.at ? std::min(next - block.at, there) : there;
  }
  if (block.at == 0) return block;  // left out: a sparse file
  block.cut_short = bytes > there || there == 0;
  block.ends_at = bytes > std::numeric_limits<std::uint64_t>::max() - block.at
                      ? std::numeric_limits<std::uint64_t>::max()
                      : block.at + bytes;
  block.bytes = std::min(bytes, there);
  return block;
}

Bytes TiffLayout::block_data(std::uint64_t index) const {
  const TiffBlock found = block(index);
  return found.bytes == 0 ? Bytes{} : directory.file().subspan(found.at, found.bytes);
}

CodecStatus read_tiff_layout(Bytes file, TiffLayout& layout) {
  layout = {};
  CodecStatus opened = layout.directory.open(file);
  CodecStatus status = read_size(layout);
  // Of a directory that is cut short, its first tags tell the size.
  if (!opened.usable()) return opened;
  if (status.usable()) status = check_values(layout);
  for (const auto step : {read_samples, read_compression, read_predictor, read_colour, read_blocks}) {
    if (status.usable()) status = step(layout);
  }
  if (status.usable()) status = check_samples(layout);
  if (!status.usable()) return status;
  layout.stored_plain = layout.compression == tiff::kNone && layout.colour != TiffColour::raster;
  read_alpha(layout);
  const std::uint64_t orientation = layout.directory.number_or(TiffTag::orientation, 1);
  layout.orientation = orientation >= 1 && orientation <= 8 ? static_cast<int>(orientation) : 1;
  return {};
}

CodecStatus check_tiff_block_sizes(const TiffLayout& layout) {
  const std::uint64_t planes = layout.separate ? static_cast<std::uint64_t>(layout.samples) : 1;
  const std::uint64_t blocks = layout.blocks();
  const auto sixteenths = [](std::uint64_t side) { return (side + 15) / 16; };
  const std::uint64_t most = planes * (4 * sixteenths(layout.width) * sixteenths(layout.height) + kTilesOfAnySize);
  if (layout.tiled && blocks > most) {
    return {Verdict::too_large, fmt::format("its {} x {} pixels are cut into {} tiles; {} are allowed", layout.width,
                                            layout.height, blocks, most)};
  }
  // Of what is stored plain nothing is decoded but the pixels themselves.
  if (layout.stored_plain) return {};
  // Floating point, since the product of such sides may overflow; its roundings do not matter here.
  const double bits_of_pixel = layout.bits * (layout.separate ? 1.0 : layout.samples);
  const auto row_bytes = static_cast<double>(layout.row_bytes());
  const double decoded = row_bytes * layout.block_height * static_cast<double>(blocks);
  const double picture = std::ceil(bits_of_pixel * layout.width / 8) * layout.height * static_cast<double>(planes);
  if (decoded <= 4 * picture + kPaddingOfAnyPicture) return {};
  return {Verdict::too_large,
          fmt::format("its {} {}s of {} x {} pixels are far more than its {} x {} pixels", blocks, layout.block_word(),
                      layout.block_width, layout.block_height, layout.width, layout.height)};
}

CodecStatus check_tiff_blocks(const TiffLayout& layout) {
  const Entry* offsets = block_entry(layout, TiffTag::tile_offsets, TiffTag::strip_offsets);
  if (offsets == nullptr) return {};
  const std::uint64_t blocks = layout.blocks();
  const char* word = layout.block_word();
  if (offsets->held < std::min(offsets->count, blocks)) {
    return {Verdict::truncated, fmt::format("cut short within the table of its {} {}s", blocks, word)};
  }
  if (offsets->held < blocks) {
    return {Verdict::corrupt, fmt::format("its directory lists {} of {} {}s", offsets->held, blocks, word)};
  }
  for (std::uint64_t i = 0; i < blocks; ++i) {
    const TiffBlock block = layout.block(i);
    if (block.cut_short) {
      return {Verdict::truncated, fmt::format("{} {} of {} ends at byte {}, and the file at {}", word, i + 1, blocks,
                                              block.ends_at, layout.directory.file().size())};
    }
    if (block.bytes == 0) return {Verdict::corrupt, fmt::format("{} {} of {} has no data", word, i + 1, blocks)};
  }
  return {};
}

TiffBlockSums sum_tiff_blocks(const TiffLayout& layout) {
  const Entry* offsets = block_entry(layout, TiffTag::tile_offsets, TiffTag::strip_offsets);
  TiffBlockSums sums;
  const std::uint64_t listed = offsets == nullptr ? 0 : std::min(layout.blocks(), offsets->held);
  for (std::uint64_t i = 0; i < listed; ++i) {
    const std::uint64_t bytes = layout.block(i).bytes;
    sums.largest = std::max(sums.largest, bytes);
    sums.total += bytes;
  }
  return sums;
}

}  // namespace pixmill::pipeline
