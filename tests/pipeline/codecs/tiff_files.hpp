#pragma once

#include "pipeline/codecs/codec.hpp"

#include <cstdint>
#include <span>
#include <vector>

/// TIFF files of every kind: sound ones by libtiff, the others tag by tag.
namespace pixmill::pipeline {

struct TiffSpec {
  std::uint32_t width = 1;
  std::uint32_t height = 1;
  int bits = 8;
  int samples = 1;
  int photometric = 1;
  int compression = 1;
  int predictor = 1;
  int sample_format = 1;
  bool separate = false;
  std::uint32_t rows_per_strip = 0;  ///< 0: all.
  std::uint32_t tile = 0;            ///< 0: strips, else the tile's sides.
  bool big_endian = false;
  bool big_tiff = false;
  bool reversed_bits = false;
  int orientation = 0;  ///< 0: not said.
  std::vector<std::uint16_t> extra_samples = {};
  std::vector<std::uint16_t> colour_map = {};  ///< R, then G, then B.
  int group3_options = 0;
  std::vector<float> white_point = {};  ///< x and y.
};

/// The file, its samples in the order of pixels; floating point as the bits of that many.
[[nodiscard]] std::vector<std::byte> make_tiff(const TiffSpec& spec, std::span<const std::uint64_t> samples);
/// Samples that use all their bits, the same for the same arguments. Of one bit, with runs as in a fax.
[[nodiscard]] std::vector<std::uint64_t> make_tiff_samples(const TiffSpec& spec);

/// A directory written by hand, in which anything may be wrong.
class TiffBuilder {
 public:
  explicit TiffBuilder(bool big_endian = false, bool big_tiff = false) : big_endian_(big_endian), big_tiff_(big_tiff) {}
  /// A tag of SHORT (3), LONG (4) or LONG8 (16) values.
  TiffBuilder& tag(int tag, int type, const std::vector<std::uint64_t>& values);
  /// A tag that says what it wants: `value` is its offset field.
  TiffBuilder& lie(int tag, int type, std::uint64_t count, std::uint64_t value);
  /// Header, `data` (at byte data_at()), then the directory; `claimed_tags`: its count, if it is to be wrong.
  [[nodiscard]] std::vector<std::byte> file(Bytes data, std::int64_t claimed_tags = -1) const;
  [[nodiscard]] std::uint64_t data_at() const { return big_tiff_ ? 16 : 8; }

 private:
  struct Field {
    int tag;
    int type;
    std::uint64_t count;
    std::vector<std::byte> values;
    std::uint64_t offset;
    bool lies;
  };
  void put(std::vector<std::byte>& out, std::uint64_t value, int bytes) const;

  bool big_endian_;
  bool big_tiff_;
  std::vector<Field> fields_;
};

/// A builder with the tags that a gray 8-bit image of one strip has, whose `data` lies at data_at().
[[nodiscard]] TiffBuilder gray_tiff(std::uint64_t width, std::uint64_t height, std::uint64_t data_bytes,
                                    int compression = 1);

}  // namespace pixmill::pipeline
