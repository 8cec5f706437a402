#include "pipeline/codecs/tiff_block_reader.hpp"

#include "pipeline/codecs/jpeg_markers.hpp"
#include "pipeline/codecs/tiff_schemes.hpp"
#include "pipeline/codecs/tiff_strip_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <new>

namespace pixmill::pipeline {

namespace {

/// Blocks up to this size are decoded at once, for which libtiff has a faster inflate. Larger ones take no memory but
/// for a row.
constexpr std::uint64_t kMostWhole = std::uint64_t{16} << 20;

constexpr int kMostJpegScans = 100;

std::uint8_t reversed(std::uint8_t byte) {
  byte = static_cast<std::uint8_t>(byte >> 4 | byte << 4);
  byte = static_cast<std::uint8_t>((byte & 0xCC) >> 2 | (byte & 0x33) << 2);
  return static_cast<std::uint8_t>((byte & 0xAA) >> 1 | (byte & 0x55) << 1);
}

void reverse_bits(const std::byte* from, std::size_t count, std::byte* to) {
  for (std::size_t i = 0; i < count; ++i) {
    to[i] = static_cast<std::byte>(reversed(std::to_integer<std::uint8_t>(from[i])));
  }
}

void swap_samples(std::byte* bytes, std::size_t count, std::size_t sample_bytes) {
  for (std::size_t i = 0; i + sample_bytes <= count; i += sample_bytes) {
    std::reverse(bytes + i, bytes + i + sample_bytes);
  }
}

/// Bytes that a sample has, if they come in the byte order of the file; else 0.
std::size_t ordered_bytes(const TiffLayout& layout) {
  const bool native = layout.directory.little_endian() == (std::endian::native == std::endian::little);
  const int bits = layout.bits;
  return !native && (bits == 16 || bits == 32 || bits == 64) ? static_cast<std::size_t>(bits) / 8 : 0;
}

/// Whether bits are reversed before libtiff sees them; its fax decoders do it themselves, and JPEG has no such thing.
bool reverses_block(const TiffLayout& layout) {
  return layout.reversed_bits && !is_tiff_fax(layout.compression) && layout.compression != tiff::kJpeg;
}

bool reads_rows(const TiffLayout& layout, std::uint64_t block_bytes) {
  return block_bytes > kMostWhole && decodes_tiff_rows(layout.compression);
}

struct FreeOptions {
  void operator()(TIFFOpenOptions* options) const { TIFFOpenOptionsFree(options); }
};

/// How many bytes come out of PackBits data before it ends or breaks off.
std::uint64_t unpacked_bytes(Bytes data) {
  std::uint64_t bytes = 0;
  std::size_t at = 0;
  while (at < data.size()) {
    const auto code = std::to_integer<std::size_t>(data[at++]);
    if (code == 128) continue;  // says nothing
    const std::size_t taken = code > 128 ? 1 : code + 1;
    if (data.size() - at < taken) break;
    at += taken;
    bytes += code > 128 ? 257 - code : taken;
  }
  return bytes;
}

/// How many rows of a damaged block, decoded at once by a scheme without rows, came out of its data. Of
/// NeXT and ThunderScan nothing tells where that ends: trailing rows that are as libtiff leaves them do not count.
std::uint32_t rows_that_came_out(int compression, Bytes data, Bytes decoded, std::uint64_t row_bytes,
                                 std::uint32_t rows) {
  if (compression == tiff::kPackBits) {
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(rows, unpacked_bytes(data) / row_bytes));
  }
  const std::byte untouched = compression == tiff::kNext ? std::byte{0xFF} : std::byte{0};
  const auto blank = [untouched](std::byte b) { return b == untouched || b == std::byte{0}; };
  const auto last = std::find_if_not(decoded.rbegin(), decoded.rend(), blank);
  const auto touched = static_cast<std::uint64_t>(decoded.rend() - last);
  return static_cast<std::uint32_t>((touched + row_bytes - 1) / row_bytes);
}

/// Whether a fax has an end-of-line code, eleven bits 0 and a 1 (ITU-T T.4, 4.1.2). Most begin with one.
bool has_eol(Bytes fax, bool reversed_bits) {
  int zeros = 0;
  for (const std::byte byte : fax) {
    for (int i = 0; i < 8; ++i) {
      if ((std::to_integer<int>(byte) >> (reversed_bits ? i : 7 - i) & 1) == 0) {
        ++zeros;
      } else {
        if (zeros >= 11) return true;
        zeros = 0;
      }
    }
  }
  return false;
}

tmsize_t refuse_write(thandle_t /*self*/, void* /*bytes*/, tmsize_t /*count*/) { return 0; }
int nothing_to_close(thandle_t /*self*/) { return 0; }

}  // namespace

std::uint64_t TiffBlockReader::working_bytes(const TiffLayout& layout, std::uint64_t largest) {
  const std::uint64_t row = layout.row_bytes();
  if (layout.stored_plain) return row + 64;
  // libtiff's handle and directory, and the states of LZW, inflate and libjpeg.
  constexpr std::uint64_t kFixed = std::uint64_t{2} << 20;
  // Run lengths of a fax, rows of libjpeg and of predictors.
  const std::uint64_t rows_in_work = std::uint64_t{64} * layout.block_width + 64 * row;
  std::uint64_t bytes = kFixed + rows_in_work + 2 * (largest + 4096) + kMostJpegTables;
  const std::uint64_t area = std::uint64_t{layout.block_width} * layout.block_height;
  const std::uint64_t decoded = row * layout.block_height;
  if (layout.compression == tiff::kZstd) bytes += std::uint64_t{130} << 20;  // the largest window that it may ask for
  if (layout.compression == tiff::kJpeg && jpeg_keeps_coefficients(layout.block_data(0))) {
    // Two bytes a coefficient, blocks of up to 32 pixels on a side.
    bytes += std::uint64_t{layout.block_width + 32} * (layout.block_height + 32) * 2 *
             static_cast<std::uint64_t>(layout.samples);
  }
  if (layout.colour == TiffColour::raster) return bytes + 4 * area + 2 * (16 * area + decoded);
  return bytes + (reads_rows(layout, decoded) ? row : decoded);
}

void TiffBlockReader::start(const TiffLayout& layout, std::uint64_t largest_alloc) {
  close();
  layout_ = &layout;
  largest_alloc_ = largest_alloc;
  row_bytes_ = layout.row_bytes();
  several_scans_ = layout.compression == tiff::kJpeg && jpeg_keeps_coefficients(layout.block_data(0));
}

/// With what libtiff said.
void TiffBlockReader::fail_as_said() {
  fail(messages_.status());
  damaged_row_ = messages_.line();
}

void TiffBlockReader::open(std::uint64_t index, std::uint32_t rows) {
  const TiffBlock block = layout_->block(index);
  rows_ = rows;
  next_ = 0;
  damage_ = {};
  damaged_row_.reset();
  block_ = layout_->block_data(index);
  if (layout_->stored_plain) {
    mode_ = Mode::plain;
    decoded_.resize(row_bytes_);
    const bool whole = block_.size() >= row_bytes_ * rows;
    if (!whole && !block.cut_short) fail({Verdict::corrupt, "its data ends early"});
  } else if (block_.empty()) {
    rows_ = 0;
    fail({Verdict::corrupt, "it has no data"});
  } else if (layout_->compression == tiff::kJpeg && refuse_jpeg()) {
    rows_ = 0;
  } else {
    make_ready();
    if (layout_->colour == TiffColour::raster) {
      read_raster(rows);
    } else if (reads_rows(*layout_, row_bytes_ * rows)) {
      start_rows(rows);
    } else {
      read_whole(rows);
    }
  }
  if (block.cut_short && (block_.size() < row_bytes_ * rows || !layout_->stored_plain)) {
    damage_ = {Verdict::truncated, "the file ends within it"};
  }
}

/// What libtiff is to see instead of the bytes in the file, if anything.
void TiffBlockReader::make_ready() {
  constexpr std::uint64_t kTwoDimensions = 1;
  without_eols_ = layout_->compression == tiff::kFaxGroup3 && !has_eol(block_, layout_->reversed_bits) &&
                  (layout_->directory.number_or(TiffTag::t4_options, 0) & kTwoDimensions) == 0;
  if (reverses_block(*layout_)) {
    ready_.resize(block_.size());
    reverse_bits(block_.data(), block_.size(), ready_.data());
    block_ = ready_;
  } else if (layout_->compression == tiff::kFaxRle || without_eols_) {
    // At the end of its data libtiff makes up bits, and then does not find the byte at which the next line begins.
    ready_.assign(block_.begin(), block_.end());
    ready_.resize(block_.size() + 4);
    block_ = ready_;
  }
}

/// What libjpeg would take was reckoned from the first block; a later one may not ask for more.
bool TiffBlockReader::refuse_jpeg() {
  if (!jpeg_keeps_coefficients(block_)) return false;
  if (!several_scans_) {
    fail({Verdict::corrupt, "its JPEG data is of another kind than the first one's"});
    return true;
  }
  if (count_jpeg_scans(block_, kMostJpegScans) <= kMostJpegScans) return false;
  fail({Verdict::too_large, fmt::format("its JPEG data has more than {} scans", kMostJpegScans)});
  return true;
}

void TiffBlockReader::open_tiff(std::uint32_t rows) {
  close();
  // libtiff 4.5 looks for the end-of-line codes of Group 3; without them it is what TIFF calls CCITT RLE.
  const int compression = without_eols_ ? tiff::kFaxRle : layout_->compression;
  write_tiff_strip_file(*layout_, compression, rows, block_.size(), directory_);
  const std::unique_ptr<TIFFOpenOptions, FreeOptions> options(TIFFOpenOptionsAlloc());
  if (!options) throw std::bad_alloc();
  constexpr std::uint64_t kMost = std::numeric_limits<tmsize_t>::max();
  TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), static_cast<tmsize_t>(std::min(largest_alloc_, kMost)));
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), TiffMessages::on_error, &messages_);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), TiffMessages::on_warning, &messages_);
  position_ = 0;
  // m: no mapping; c: the strip stays one.
  tiff_.reset(TIFFClientOpenExt("it", "rmc", this, on_read, refuse_write, on_seek, nothing_to_close, on_size, nullptr,
                                nullptr, options.get()));
  tiff_rows_ = rows;
  tiff_without_eols_ = without_eols_;
  if (!tiff_) {
    fail(messages_.status());
    return;
  }
  if (without_eols_) {
    constexpr std::uint64_t kFillBits = 4;
    const bool aligned = (layout_->directory.number_or(TiffTag::t4_options, 0) & kFillBits) != 0;
    TIFFSetField(tiff_.get(), TIFFTAG_FAXMODE, FAXMODE_NORTC | FAXMODE_NOEOL | (aligned ? FAXMODE_BYTEALIGN : 0));
  }
  if (layout_->photometric == tiff::kYcbcr && layout_->compression == tiff::kJpeg) {
    TIFFSetField(tiff_.get(), TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
  }
  messages_.clear();  // remarks on the directory, which is ours
}

void TiffBlockReader::read_whole(std::uint32_t rows) {
  mode_ = Mode::whole;
  const std::size_t bytes = row_bytes_ * rows;
  // JPEG data may have fewer rows than it should, and libtiff leaves the others as they are.
  decoded_.assign(bytes, std::byte{0});
  messages_.clear();
  if (!tiff_ || tiff_rows_ != rows || tiff_without_eols_ != without_eols_) open_tiff(rows);
  if (!tiff_) {
    rows_ = 0;
    return;
  }
  // libtiff writes to its input only to reverse bits, which is done.
  void* input = const_cast<std::byte*>(block_.data());
  const int read = TIFFReadFromUserBuffer(tiff_.get(), 0, input, static_cast<tmsize_t>(block_.size()), decoded_.data(),
                                          static_cast<tmsize_t>(bytes));
  if (read == 1 && !messages_.damaged()) return;
  fail_as_said();
  close();
  // A fax of one dimension finds its way again in the next line.
  const bool goes_on = read == 1 && is_tiff_fax(layout_->compression) && layout_->compression != tiff::kFaxGroup4;
  if (goes_on) return;
  if (decodes_tiff_rows(layout_->compression)) {
    start_rows(rows);
  } else {
    rows_ = rows_that_came_out(layout_->compression, block_, decoded_, row_bytes_, rows);
  }
}

void TiffBlockReader::start_rows(std::uint32_t rows) {
  mode_ = Mode::rows;
  messages_.clear();
  open_tiff(rows);
  raw_.resize(block_.size());
  decoded_.resize(row_bytes_);
  if (tiff_ && TIFFReadBufferSetup(tiff_.get(), raw_.data(), static_cast<tmsize_t>(raw_.size())) == 1) return;
  fail(messages_.status());
  rows_ = 0;
}

void TiffBlockReader::read_raster(std::uint32_t rows) {
  mode_ = Mode::raster;
  messages_.clear();
  open_tiff(rows);
  const std::size_t bytes = std::size_t{4} * layout_->block_width * rows;
  decoded_.assign(bytes, std::byte{0});
  // Memory of a vector of bytes is aligned for any integer.
  auto* raster = reinterpret_cast<std::uint32_t*>(decoded_.data());
  if (tiff_ && TIFFReadRGBAStripExt(tiff_.get(), 0, raster, 1) == 1 && !messages_.damaged()) return;
  fail(messages_.status());
  rows_ = 0;
}

const std::byte* TiffBlockReader::plain_row() {
  if (block_.size() < row_bytes_ || block_.size() - row_bytes_ < row_bytes_ * next_) return nullptr;
  const std::byte* row = block_.data() + row_bytes_ * next_;
  const std::size_t ordered = ordered_bytes(*layout_);
  if (!layout_->reversed_bits && ordered == 0) return row;
  if (layout_->reversed_bits) {
    reverse_bits(row, row_bytes_, decoded_.data());
  } else {
    std::memcpy(decoded_.data(), row, row_bytes_);
  }
  if (ordered != 0) swap_samples(decoded_.data(), row_bytes_, ordered);
  return decoded_.data();
}

const std::byte* TiffBlockReader::next_row() {
  if (next_ >= rows_) return nullptr;
  const std::byte* row = nullptr;
  switch (mode_) {
    case Mode::plain:
      row = plain_row();
      break;
    case Mode::whole:
      row = decoded_.data() + row_bytes_ * next_;
      break;
    case Mode::raster:  // its last row comes first
      row = decoded_.data() + std::size_t{4} * layout_->block_width * (rows_ - 1 - next_);
      break;
    case Mode::rows:
      if (TIFFReadScanline(tiff_.get(), decoded_.data(), next_, 0) == 1 && !messages_.damaged()) {
        row = decoded_.data();
      } else if (damage_.usable()) {
        fail_as_said();
      }
      break;
  }
  if (row == nullptr) rows_ = next_;
  ++next_;
  return row;
}

void TiffBlockReader::trim(std::size_t keep_bytes) {
  close();
  for (std::vector<std::byte>* buffer : {&ready_, &raw_, &decoded_}) {
    if (buffer->capacity() > keep_bytes) std::vector<std::byte>().swap(*buffer);
  }
}

tmsize_t TiffBlockReader::on_read(thandle_t self, void* out, tmsize_t bytes) {
  auto& reader = *static_cast<TiffBlockReader*>(self);
  const std::size_t head = reader.directory_.size();
  std::size_t done = 0;
  const auto take = [&](Bytes from, std::size_t begin) {
    if (reader.position_ < begin || reader.position_ - begin >= from.size()) return;
    const Bytes rest = from.subspan(reader.position_ - begin);
    const std::size_t count = std::min(rest.size(), static_cast<std::size_t>(bytes) - done);
    if (count > 0) std::memcpy(static_cast<std::byte*>(out) + done, rest.data(), count);
    reader.position_ += count;
    done += count;
  };
  if (bytes <= 0) return 0;
  take(reader.directory_, 0);
  take(reader.block_, head);
  return static_cast<tmsize_t>(done);
}

toff_t TiffBlockReader::on_seek(thandle_t self, toff_t offset, int whence) {
  auto& reader = *static_cast<TiffBlockReader*>(self);
  if (whence == SEEK_CUR) offset += reader.position_;
  if (whence == SEEK_END) offset += on_size(self);
  reader.position_ = offset;
  return offset;
}

toff_t TiffBlockReader::on_size(thandle_t self) {
  const auto& reader = *static_cast<TiffBlockReader*>(self);
  return reader.directory_.size() + reader.block_.size();
}

}  // namespace pixmill::pipeline
