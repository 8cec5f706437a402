#pragma once

#include "pipeline/codecs/tiff_layout.hpp"
#include "pipeline/codecs/tiff_messages.hpp"

#include <tiffio.h>

#include <memory>
#include <optional>
#include <vector>

namespace pixmill::pipeline {

/// Decodes the blocks of one plane, row by row.
///
/// libtiff never sees the file: each block is handed to it as the only strip of a small TIFF whose directory we write,
/// so that what it allocates follows from numbers that were checked, not from the file's tables. What is stored plain
/// does without libtiff. Keeps its buffers between blocks and images. Throws nothing but std::bad_alloc.
class TiffBlockReader {
 public:
  /// Readies for the blocks of an image. `layout` must stay alive. `largest_alloc` is the most that libtiff may ask for
  /// at once.
  void start(const TiffLayout& layout, std::uint64_t largest_alloc);
  /// Begins a block of `rows` rows.
  void open(std::uint64_t index, std::uint32_t rows);
  /// The next row of the block in hand, its samples in this machine's byte order (or, for raster, four bytes R, G, B, A
  /// a pixel); packed samples are packed as in the file, most significant bit first. Valid until the next call. Null:
  /// it cannot be had, and damage() says why.
  [[nodiscard]] const std::byte* next_row();
  [[nodiscard]] const CodecStatus& damage() const { return damage_; }
  /// The row of the block that damage() is about, if that is known before the rows are there.
  [[nodiscard]] std::optional<std::uint32_t> damaged_row() const { return damaged_row_; }
  /// Gives libtiff's memory back; start() is needed before the next block.
  void close() { tiff_.reset(); }
  void trim(std::size_t keep_bytes);

  /// An upper bound of what one reader takes for that image. `largest` is its largest block in the file.
  [[nodiscard]] static std::uint64_t working_bytes(const TiffLayout& layout, std::uint64_t largest);

 private:
  enum class Mode : unsigned char { plain, whole, rows, raster };
  struct Close {
    void operator()(TIFF* tiff) const { TIFFClose(tiff); }
  };

  void open_tiff(std::uint32_t rows);
  void read_whole(std::uint32_t rows);
  void read_raster(std::uint32_t rows);
  void start_rows(std::uint32_t rows);
  [[nodiscard]] bool refuse_jpeg();
  void make_ready();
  [[nodiscard]] const std::byte* plain_row();
  void fail(CodecStatus status) { damage_ = std::move(status); }
  void fail_as_said();
  static tmsize_t on_read(thandle_t self, void* out, tmsize_t bytes);
  static toff_t on_seek(thandle_t self, toff_t offset, int whence);
  static toff_t on_size(thandle_t self);

  const TiffLayout* layout_ = nullptr;
  std::uint64_t largest_alloc_ = 0;
  std::uint64_t row_bytes_ = 0;
  bool several_scans_ = false;  // the first block's JPEG data has
  Mode mode_ = Mode::plain;
  std::uint32_t rows_ = 0;  // of the block in hand
  std::uint32_t next_ = 0;
  CodecStatus damage_;
  std::optional<std::uint32_t> damaged_row_;

  std::unique_ptr<TIFF, Close> tiff_;
  TiffMessages messages_;
  std::uint32_t tiff_rows_ = 0;       // of the strip that tiff_ was opened for
  bool without_eols_ = false;         // the block in hand: a Group 3 fax that has only its lines
  bool tiff_without_eols_ = false;    // what tiff_ was opened for
  std::vector<std::byte> directory_;  // the small file: this, then block_
  Bytes block_;
  std::size_t position_ = 0;
  std::vector<std::byte> ready_;    // the block, where libtiff cannot take it as it is
  std::vector<std::byte> raw_;      // libtiff's copy of the block
  std::vector<std::byte> decoded_;  // the whole block, or a row
};

}  // namespace pixmill::pipeline
