#include "pipeline/codecs/gif_reader.hpp"

#include "pipeline/codecs/byte_order.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace pixmill::pipeline {

namespace {

std::array<std::uint8_t, 3> bgr(const GifColorType& colour) { return {colour.Blue, colour.Green, colour.Red}; }

}  // namespace

int GifReader::on_read(GifFileType* gif, GifByteType* out, int wanted) {
  return static_cast<GifReader*>(gif->UserData)->read({out, static_cast<std::size_t>(wanted)});
}

/// Among the lines, giflib reads the length of a block (one byte), then the block, in turns. The block that the file
/// ends in gets the length that it really has, and the file an end, so that every line that is there is decoded.
int GifReader::read(std::span<GifByteType> out) {
  const std::size_t left = file_.size() - at_;
  if (in_lines_ && block_left_ == 0 && out.size() == 1) {
    std::size_t block = 0;
    if (left > 0) block = byte_at(file_, at_++);
    block_left_ = std::min(block, file_.size() - at_);
    ended_ = ended_ || left == 0 || block_left_ < block;
    out[0] = static_cast<GifByteType>(block_left_);
    return 1;
  }
  block_left_ -= std::min(block_left_, out.size());
  const std::size_t count = std::min(out.size(), left);
  ended_ = ended_ || count < out.size();
  if (count > 0) std::memcpy(out.data(), file_.data() + at_, count);
  at_ += count;
  return static_cast<int>(count);
}

CodecStatus GifReader::open(Bytes file) {
  close();
  file_ = file;
  at_ = 0;
  block_left_ = 0;
  in_lines_ = ended_ = false;
  transparent_.reset();
  int error = 0;
  gif_ = DGifOpen(this, on_read, &error);
  if (gif_ == nullptr) return failure(error);
  CodecStatus status = find_frame();
  if (!status.usable()) return status;
  const GifImageDesc& frame = gif_->Image;
  if (frame.Width <= 0 || frame.Height <= 0) {
    return {Verdict::corrupt, fmt::format("its first frame claims {} x {} pixels", frame.Width, frame.Height)};
  }
  if (gif_->SColorMap == nullptr && frame.ColorMap == nullptr) {
    return {Verdict::unsupported, "a GIF without a colour table, whose colours are left to each reader"};
  }
  take_palettes();
  in_lines_ = true;
  return {};
}

CodecStatus GifReader::find_frame() {
  for (;;) {
    GifRecordType record = UNDEFINED_RECORD_TYPE;
    if (DGifGetRecordType(gif_, &record) == GIF_ERROR) return failure(gif_->Error);
    if (record == IMAGE_DESC_RECORD_TYPE) {
      return DGifGetImageHeader(gif_) == GIF_ERROR ? failure(gif_->Error) : CodecStatus{};
    }
    if (record == TERMINATE_RECORD_TYPE) return {Verdict::corrupt, "it ends without an image"};
    CodecStatus status = read_extension();
    if (!status.usable()) return status;
  }
}

CodecStatus GifReader::read_extension() {
  int code = 0;
  GifByteType* block = nullptr;
  int result = DGifGetExtension(gif_, &code, &block);
  while (result != GIF_ERROR && block != nullptr) {
    GraphicsControlBlock control{};
    if (code == GRAPHICS_EXT_FUNC_CODE && DGifExtensionToGCB(block[0], block + 1, &control) == GIF_OK) {
      transparent_.reset();
      if (control.TransparentColor != NO_TRANSPARENT_COLOR) transparent_ = control.TransparentColor;
    }
    result = DGifGetExtensionNext(gif_, &block);
  }
  return result == GIF_ERROR ? failure(gif_->Error) : CodecStatus{};
}

void GifReader::take_palettes() {
  const ColorMapObject* global = gif_->SColorMap;
  const ColorMapObject* colours = gif_->Image.ColorMap != nullptr ? gif_->Image.ColorMap : global;
  palette_ = {};
  palette_entries_ = std::min(colours->ColorCount, 256);
  for (int i = 0; i < palette_entries_; ++i) palette_[static_cast<std::size_t>(i)] = bgr(colours->Colors[i]);
  background_ = {};
  const int background = gif_->SBackGroundColor;
  if (global != nullptr && background < global->ColorCount) background_ = bgr(global->Colors[background]);
}

CodecStatus GifReader::next_line(std::span<GifPixelType> line) {
  if (DGifGetLine(gif_, line.data(), static_cast<int>(line.size())) == GIF_ERROR) return failure(gif_->Error);
  return {};
}

void GifReader::close() {
  if (gif_ == nullptr) return;
  int error = 0;
  DGifCloseFile(gif_, &error);
  gif_ = nullptr;
}

CodecStatus GifReader::failure(int error) const {
  if (error == D_GIF_ERR_NOT_ENOUGH_MEM) return {Verdict::out_of_memory, "not enough memory to decode it"};
  if (ended_) return {Verdict::truncated, in_lines_ ? "cut short" : "the file ends before its first image"};
  // All of it was read, so what failed was taking memory for its colours.
  if (error == D_GIF_ERR_NO_SCRN_DSCR) return {Verdict::out_of_memory, "not enough memory to decode it"};
  switch (error) {
    case D_GIF_ERR_WRONG_RECORD:
      return {Verdict::corrupt, "a block is of a kind that GIF does not define"};
    case D_GIF_ERR_EOF_TOO_SOON:
      return {Verdict::corrupt, "the image data ends early"};
    default:
      return {Verdict::corrupt, in_lines_ ? "the compressed data is damaged" : "its header is damaged"};
  }
}

std::int64_t GifReader::canvas_width() const {
  return std::max<std::int64_t>(gif_->SWidth, std::int64_t{gif_->Image.Left} + gif_->Image.Width);
}

std::int64_t GifReader::canvas_height() const {
  return std::max<std::int64_t>(gif_->SHeight, std::int64_t{gif_->Image.Top} + gif_->Image.Height);
}

bool GifReader::covers_canvas() const {
  return gif_->Image.Width == canvas_width() && gif_->Image.Height == canvas_height();
}

}  // namespace pixmill::pipeline
