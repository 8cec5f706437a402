#pragma once

#include "kernels/frame.hpp"
#include "kernels/level_table.hpp"
#include "kernels/workspace.hpp"

#include <pixmill/verdict.hpp>

#include <opencv2/core/mat.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// The only code that untrusted bytes meet. A format is chosen by content, never by name; limits hold from the header
/// on, before memory is taken.
namespace pixmill::pipeline {

using Bytes = std::span<const std::byte>;

/// How reading or writing one image went. ok: `detail` is empty, or says what a frame cannot hold as the file has it,
/// or which metadata the output does not have. repaired: usable, with `detail` saying what is missing.
struct CodecStatus {
  Verdict verdict = Verdict::ok;
  std::string detail;  ///< Plain words: which chunk, scan line or marker, and why.
  [[nodiscard]] bool usable() const { return verdict == Verdict::ok || verdict == Verdict::repaired; }
};

/// What the header says, not yet believed.
struct ImageHeader {
  kernels::FrameShape shape;  ///< As stored: before orientation; alpha counted in channels; palettes as what they hold.
  int orientation = 1;        ///< EXIF, 1–8.
  bool stores_luma = false;   ///< The decoder can give `gray=luma` by itself, at less cost.
  bool two_level = false;     ///< One bit a pixel, black and white.
  std::uint64_t decoder_bytes = 0;  ///< Upper bound of what the decoder takes beside file and frame (luma or not).
};

/// Refused from the header alone.
struct DecodeLimits {
  std::uint64_t max_pixels = 268435456;
  std::uint64_t max_side = 65535;
  std::uint64_t max_memory = std::uint64_t{1} << 30;  ///< A cap for the decoder's own allocations.
};

struct DecodeRequest {
  bool luma = false;        ///< One channel of luma; only where the header said stores_luma.
  bool keep_alpha = false;  ///< Otherwise alpha is dropped (not composited).
  bool lenient = false;     ///< Keep what decodes; the rest of the frame is 0 and the status is repaired.
};

/// What a file says beside its pixels and some formats can hold. Copies; nothing here was checked beyond its length.
struct Metadata {
  std::vector<std::byte> icc;     ///< An ICC profile, or empty.
  std::vector<std::byte> exif;    ///< EXIF as a TIFF structure ("II*\0" or "MM\0*" first), or empty.
  double pixels_per_metre_x = 0;  ///< 0: not said.
  double pixels_per_metre_y = 0;
  std::string left_out;  ///< In words for `detail`: what the file says, but damaged or too large. Empty: nothing.
  [[nodiscard]] bool empty() const { return icc.empty() && exif.empty() && pixels_per_metre_x == 0; }
  /// Adds a sentence to `left_out`.
  void leave_out(std::string_view sentence);
  /// Empties it, and keeps its memory.
  void clear();
};

/// A profile or EXIF block beyond this many bytes is dropped, and `detail` says so.
inline constexpr std::size_t kMostMetadataBytes = std::size_t{4} << 20;

/// Sees rows as they are decoded, while they are in cache: every pixel of the frame exactly once, in any order of
/// bands; only called with final values.
using BandObserver = std::function<void(const cv::Mat& rows)>;

/// Decodes images of one format, one at a time; keeps its buffers between images. One a worker; not thread-safe.
/// Throws nothing but std::bad_alloc.
class Decoder {
 public:
  virtual ~Decoder() = default;
  /// Reads the header of `file`, which must stay alive until decode() is done. Checks sides and pixels against the
  /// limits (`too-large`) and never takes memory in proportion to what the header claims.
  virtual CodecStatus read_header(Bytes file, const DecodeLimits& limits, ImageHeader& header) = 0;
  /// The shape that decode() gives for this request: the header's, with luma and alpha taken into account.
  [[nodiscard]] static kernels::FrameShape decoded_shape(const ImageHeader& header, const DecodeRequest& request);
  /// Decodes the file of the last read_header() into `frame`, allocated to decoded_shape(); orientation is not applied.
  /// `observer` may be empty. When the status is not usable, the frame's content is undefined.
  virtual CodecStatus decode(const DecodeRequest& request, cv::Mat& frame, const BandObserver& observer) = 0;
  /// What the file of the last read_header() says beside its pixels, into `metadata` (which comes empty). Call after
  /// decode(): some formats say it after their pixels. Damaged metadata is left out: it never spoils an image.
  virtual void read_metadata(Metadata& /*metadata*/) {}
  /// Gives back memory beyond `keep_bytes` that an unusually large image left behind.
  virtual void trim(std::size_t keep_bytes) = 0;
};

struct EncodeOptions {
  int quality = 95;     ///< 1–100, jpg and webp.
  int compression = 1;  ///< 0–9, png.
};

/// What is to be written: a frame seen through a table of levels (null: as it is).
struct EncodeSource {
  const cv::Mat* frame = nullptr;
  const kernels::LevelTable* table = nullptr;
  bool two_level = false;  ///< One channel whose levels, through the table, are 0 and the largest only.
  /// With `--format same`, what the input was: its name is kept, so the output should be of its kind. Null otherwise.
  const ImageHeader* like = nullptr;
  /// Null: none is written. The encoder writes what its format can hold of it, as it is: orientation is already set to
  /// 1 where it was applied, and a profile that does not fit the channels is already left out. Where a format that can
  /// hold such a thing cannot hold this one, the status is ok, and its detail says that it was left out.
  const Metadata* metadata = nullptr;
};

/// Writes images of one format; keeps its buffers between images. One a worker; not thread-safe.
class Encoder {
 public:
  virtual ~Encoder() = default;
  /// An upper bound of the output and of the memory that encode() takes beside the frame and the output, without
  /// metadata: for that, output and scratch may together grow by 2 1/64 times its bytes and 64 KiB.
  struct Need {
    std::uint64_t output_bytes = 0;
    std::uint64_t scratch_bytes = 0;
  };
  [[nodiscard]] virtual Need need(const kernels::FrameShape& shape, bool two_level) const = 0;
  /// Replaces the content of `out` with the encoded image. Deterministic: same input, same bytes. What the format
  /// cannot hold (a 16-bit JPEG, alpha in a JPEG) is reduced: (v + 128) / 257, alpha dropped. A detail with ok is what
  /// people should know of the file. Throws std::bad_alloc.
  virtual CodecStatus encode(const EncodeSource& source, const EncodeOptions& options, std::vector<std::byte>& out) = 0;
  /// Gives back memory beyond `keep_bytes` that an unusually large image left behind.
  virtual void trim(std::size_t keep_bytes) = 0;
};

/// A row of the codec table.
struct Codec {
  std::string_view name;        ///< As in `--format`: "png", "jpg", …
  std::string_view title;       ///< For people: "PNG".
  std::string_view extension;   ///< Without the dot; what outputs get.
  bool (*matches)(Bytes head);  ///< Whether a file that begins like this (≥ 32 bytes, or all of it) is of this format.
  std::unique_ptr<Decoder> (*make_decoder)();
  std::unique_ptr<Encoder> (*make_encoder)();  ///< Null: not written.
  bool holds_alpha = false;                    ///< Whether the encoder writes 2 and 4 channels.
  bool holds_sixteen_bits = false;             ///< Otherwise 16 bits are written as 8.
  bool holds_one_bit = false;                  ///< Two levels are written with one bit a pixel.
  bool heeds_quality = false;                  ///< EncodeOptions::quality.
  bool heeds_compression = false;              ///< EncodeOptions::compression.
};

/// How many bytes of a file `matches` wants to see.
inline constexpr std::size_t kSniffBytes = 64;

/// Every format, static storage.
[[nodiscard]] std::span<const Codec> all_codecs();
/// The format of a file that begins like this, or null.
[[nodiscard]] const Codec* recognise(Bytes head);
[[nodiscard]] const Codec* find_codec(std::string_view name);

}  // namespace pixmill::pipeline
