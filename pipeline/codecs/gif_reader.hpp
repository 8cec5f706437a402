#pragma once

#include "pipeline/codecs/codec.hpp"

#include <gif_lib.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

namespace pixmill::pipeline {

/// giflib over a file in memory, as far as the lines of the first frame. Keeps nothing of what it passes over.
class GifReader {
 public:
  using Palette = std::array<std::array<std::uint8_t, 3>, 256>;  // B, G, R; black beyond its entries

  GifReader() = default;
  GifReader(const GifReader&) = delete;
  GifReader& operator=(const GifReader&) = delete;
  ~GifReader() { close(); }

  /// Reads all that comes before the first frame's lines. `file` must stay alive until close(). Takes about 64 KiB.
  CodecStatus open(Bytes file);
  /// The next line of frame().Width indexes, in the order of the file. Not usable: it is lost, and so are all others.
  CodecStatus next_line(std::span<GifPixelType> line);
  void close();
  /// Whether the file ended before the first frame did.
  [[nodiscard]] bool ended() const { return ended_; }

  /// Of open(): the frame's place, and the canvas that holds it: the logical screen, or more where the frame sticks
  /// out.
  [[nodiscard]] const GifImageDesc& frame() const { return gif_->Image; }
  [[nodiscard]] std::int64_t canvas_width() const;
  [[nodiscard]] std::int64_t canvas_height() const;
  [[nodiscard]] bool covers_canvas() const;
  [[nodiscard]] const Palette& palette() const { return palette_; }
  [[nodiscard]] int palette_entries() const { return palette_entries_; }
  /// The colour of the canvas where the frame is not: as the file says, or black.
  [[nodiscard]] std::array<std::uint8_t, 3> background() const { return background_; }
  [[nodiscard]] std::optional<int> transparent_index() const { return transparent_; }

 private:
  static int on_read(GifFileType* gif, GifByteType* out, int wanted);
  int read(std::span<GifByteType> out);
  CodecStatus find_frame();
  CodecStatus read_extension();
  void take_palettes();
  [[nodiscard]] CodecStatus failure(int error) const;

  Bytes file_;
  std::size_t at_ = 0;
  bool in_lines_ = false;
  std::size_t block_left_ = 0;  // of the block among the lines that is being read
  bool ended_ = false;          // more was asked for than the file has
  GifFileType* gif_ = nullptr;
  Palette palette_{};
  int palette_entries_ = 0;
  std::array<std::uint8_t, 3> background_{};
  std::optional<int> transparent_;
};

}  // namespace pixmill::pipeline
