#pragma once

#include "pipeline/codecs/codec.hpp"
#include "pipeline/codecs/tiff_directory.hpp"

#include <cstdint>

namespace pixmill::pipeline {

enum class TiffSample : unsigned char { unsigned_integer, signed_integer, floating_point };

/// What the samples of a pixel are for.
enum class TiffColour : unsigned char {
  gray,     ///< One sample, 0 is black.
  inverse,  ///< One sample, 0 is white.
  palette,  ///< One sample, an index.
  rgb,      ///< Three.
  cmyk,     ///< Four.
  raster,   ///< libtiff makes 8-bit colours of it: YCbCr that no JPEG holds, CIE L*a*b*, LogL and LogLuv.
};

/// One strip or tile of one plane, as far as it lies in the file.
struct TiffBlock {
  std::uint64_t at = 0;
  std::uint64_t bytes = 0;    ///< In the file.
  bool cut_short = false;     ///< More was promised than the file has.
  std::uint64_t ends_at = 0;  ///< Where the promised bytes would end.
};

/// What the first directory says of the picture, checked: nothing here can overflow or name bytes outside the file.
///
/// A strip is a tile as wide as the image; both are called blocks.
struct TiffLayout {
  TiffDirectory directory;
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  int bits = 1;  ///< Of a sample.
  TiffSample sample = TiffSample::unsigned_integer;
  TiffColour colour = TiffColour::gray;
  int samples = 1;        ///< Of a pixel.
  int alpha_sample = -1;  ///< Which of them is alpha, or -1.
  bool associated_alpha = false;
  int photometric = 0;
  int compression = 1;
  int predictor = 1;
  bool reversed_bits = false;  ///< FillOrder 2.
  int orientation = 1;

  bool tiled = false;
  bool separate = false;  ///< Planes: each sample has its own blocks.
  std::uint32_t block_width = 0;
  std::uint32_t block_height = 0;
  std::uint32_t blocks_across = 0;
  std::uint32_t blocks_down = 0;
  bool stored_plain = false;  ///< Rows can be read where they lie: neither compressed nor raster.

  [[nodiscard]] const char* block_word() const { return tiled ? "tile" : "strip"; }
  [[nodiscard]] std::uint64_t blocks() const {
    return std::uint64_t{blocks_across} * blocks_down * (separate ? static_cast<std::uint64_t>(samples) : 1);
  }
  /// The block in that row and column of blocks, of that plane (0 unless separate).
  [[nodiscard]] std::uint64_t block_index(int plane, std::uint32_t down, std::uint32_t across) const {
    return (static_cast<std::uint64_t>(plane) * blocks_down + down) * blocks_across + across;
  }
  /// Rows of a block of that row of blocks: the last strip is shorter, tiles are whole.
  [[nodiscard]] std::uint32_t block_rows(std::uint32_t down) const;
  /// Bytes of one row of a decoded block; not for raster.
  [[nodiscard]] std::uint64_t row_bytes() const;
  [[nodiscard]] TiffBlock block(std::uint64_t index) const;
  /// Its bytes, as far as they lie in the file.
  [[nodiscard]] Bytes block_data(std::uint64_t index) const;
  /// 8 or 16 bits, and channels with alpha.
  [[nodiscard]] kernels::FrameShape shape() const;
  [[nodiscard]] int colour_samples() const;
};

/// Reads and checks the first directory. Unless the status is usable, only width and height mean anything (0: not
/// known). Costs a pass over the directory; allocates nothing.
CodecStatus read_tiff_layout(Bytes file, TiffLayout& layout);

/// ok, or too-large: more tiles, or more of them beyond the picture, than decoding it may cost. Of the header alone; no
/// strips and no tiles of sensible sizes are refused.
[[nodiscard]] CodecStatus check_tiff_block_sizes(const TiffLayout& layout);

/// How much of a TIFF's blocks the file really has. ok, or truncated or corrupt, naming the first that is not whole.
/// Costs a pass over the block table as far as it lies in the file.
[[nodiscard]] CodecStatus check_tiff_blocks(const TiffLayout& layout);

/// What the block table makes a decoder take.
struct TiffBlockSums {
  std::uint64_t largest = 0;  ///< Bytes of the largest block.
  std::uint64_t total = 0;    ///< Bytes of all blocks, those that overlap counted more than once.
};
[[nodiscard]] TiffBlockSums sum_tiff_blocks(const TiffLayout& layout);

}  // namespace pixmill::pipeline
