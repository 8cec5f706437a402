#pragma once

#include "pipeline/codecs/codec.hpp"

#include <array>
#include <cstdint>

namespace pixmill::pipeline {

/// The tags that reading a picture takes; every other is passed over.
enum class TiffTag : std::uint16_t {
  image_width = 256,
  image_length = 257,
  bits_per_sample = 258,
  compression = 259,
  photometric = 262,
  fill_order = 266,
  strip_offsets = 273,
  orientation = 274,
  samples_per_pixel = 277,
  rows_per_strip = 278,
  strip_byte_counts = 279,
  x_resolution = 282,
  y_resolution = 283,
  planar_configuration = 284,
  t4_options = 292,
  t6_options = 293,
  resolution_unit = 296,
  predictor = 317,
  white_point = 318,
  colour_map = 320,
  tile_width = 322,
  tile_length = 323,
  tile_offsets = 324,
  tile_byte_counts = 325,
  ink_set = 332,
  extra_samples = 338,
  sample_format = 339,
  jpeg_tables = 347,
  ycbcr_coefficients = 529,
  ycbcr_subsampling = 530,
  reference_black_white = 532,
  icc_profile = 34675,
};

/// The first directory of a TIFF file, classic or BigTIFF, in either byte order.
///
/// Nothing is allocated and no value is copied: entries say where in the file their values lie, and values are read
/// from there, so what a directory claims costs nothing. Of a tag given twice the first counts. TIFF 6.0, section 2.
class TiffDirectory {
 public:
  struct Entry {
    std::uint16_t tag = 0;
    std::uint16_t type = 0;
    std::uint64_t count = 0;  ///< As claimed.
    std::uint64_t held = 0;   ///< How many of the values lie in the file.
    std::uint64_t at = 0;     ///< Where the first one lies.
  };

  /// Finds the directory and its entries. `file` must outlive this object's use. Costs a pass over at most 65,535
  /// entries.
  CodecStatus open(Bytes file);
  [[nodiscard]] Bytes file() const { return file_; }
  [[nodiscard]] bool little_endian() const { return little_; }
  /// Null: not there, or not one value of a known type.
  [[nodiscard]] const Entry* find(TiffTag tag) const;
  /// Value `index` of an entry of whole numbers; 0 if it has none there, or is of another type.
  [[nodiscard]] std::uint64_t number(const Entry& entry, std::uint64_t index) const;
  /// The first value of a tag of whole numbers.
  [[nodiscard]] std::uint64_t number_or(TiffTag tag, std::uint64_t otherwise) const;
  /// Value `index` of an entry of any numeric type; 0 if it has none there.
  [[nodiscard]] double real(const Entry& entry, std::uint64_t index) const;
  /// The bytes of an entry's values, as far as they lie in the file.
  [[nodiscard]] Bytes bytes(const Entry& entry) const;

 private:
  [[nodiscard]] std::uint32_t read16(std::size_t at) const;
  [[nodiscard]] std::uint32_t read32(std::size_t at) const;
  [[nodiscard]] std::uint64_t read64(std::size_t at) const;
  void take(std::size_t at, bool big);

  Bytes file_;
  bool little_ = true;
  std::array<Entry, 32> entries_{};
  std::size_t used_ = 0;
};

}  // namespace pixmill::pipeline
