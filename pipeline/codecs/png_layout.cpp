#include "pipeline/codecs/png_layout.hpp"

#include "pipeline/codecs/byte_order.hpp"
#include "pipeline/codecs/exif.hpp"
#include "pipeline/codecs/signatures.hpp"

#include <fmt/format.h>
#include <libdeflate.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace pixmill::pipeline {

namespace {

constexpr std::size_t kSignatureBytes = 8;
constexpr std::size_t kHeaderBytes = 13;
constexpr std::size_t kPrefixBytes = 8;  // length and type, before the data
constexpr std::size_t kFrameBytes = 12;  // the same and the checksum after it
constexpr std::uint32_t kMaxLength = 0x7FFFFFFF;

std::string_view name_of(const PngChunk& chunk) { return {chunk.type.data(), chunk.type.size()}; }

bool is_letter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

/// The case of a chunk's first letter says whether a reader may pass it over (PNG, 5.4).
bool is_critical(const PngChunk& chunk) { return chunk.type[0] >= 'A' && chunk.type[0] <= 'Z'; }

/// The chunk at `offset`, which has at least kFrameBytes; its length may go beyond the file.
PngChunk chunk_at(Bytes file, std::size_t offset) {
  PngChunk chunk;
  chunk.offset = offset;
  chunk.length = read_big32(file, offset);
  for (std::size_t i = 0; i < 4; ++i) chunk.type[i] = static_cast<char>(byte_at(file, offset + 4 + i));
  return chunk;
}

CodecStatus corrupt(std::string detail) { return {Verdict::corrupt, std::move(detail)}; }

CodecStatus wrong_sum(const PngChunk& chunk) {
  return corrupt(fmt::format("the checksum of the {} chunk at byte {} is wrong", name_of(chunk), chunk.offset));
}

/// IHDR (PNG, 11.2.2).
CodecStatus read_image_header(Bytes data, PngLayout& layout) {
  layout.width = read_big32(data, 0);
  layout.height = read_big32(data, 4);
  layout.bit_depth = static_cast<int>(byte_at(data, 8));
  layout.colour_type = static_cast<int>(byte_at(data, 9));
  layout.interlaced = byte_at(data, 12) == 1;
  if (layout.width == 0 || layout.height == 0 || layout.width > kMaxLength || layout.height > kMaxLength) {
    return corrupt(fmt::format("the header claims {} x {} pixels", layout.width, layout.height));
  }
  const int depth = layout.bit_depth;
  const bool small = depth == 1 || depth == 2 || depth == 4;
  const bool usual = depth == 8 || depth == 16;
  const int type = layout.colour_type;
  const bool known = (type == 0 && (small || usual)) || (type == 3 && (small || depth == 8)) ||
                     ((type == 2 || type == 4 || type == 6) && usual);
  if (!known)
    return corrupt(fmt::format("the header claims colour type {} of {} bits, which PNG has not", type, depth));
  if (byte_at(data, 10) != 0 || byte_at(data, 11) != 0 || byte_at(data, 12) > 1) {
    return {Verdict::unsupported, "its compression, filter or interlace method is none that PNG defines"};
  }
  return {};
}

/// Walks over the chunks after IHDR, up to IEND or to where the file makes no sense any more.
class ChunkWalk {
 public:
  ChunkWalk(Bytes file, PngLayout& layout) : file_(file), layout_(layout) {}

  void run() {
    while (!done_) step();
    if (!seen_data()) note(corrupt("it has no image data (IDAT)"));
  }

 private:
  [[nodiscard]] bool seen_data() const { return layout_.data_end > 0; }
  void note(CodecStatus damage) {
    if (layout_.damage.usable()) layout_.damage = std::move(damage);
  }
  void stop(CodecStatus damage) {
    note(std::move(damage));
    done_ = true;
  }

  void step() {
    const std::size_t left = file_.size() - at_;
    if (left < kFrameBytes) {
      return stop({Verdict::truncated, seen_data() ? "cut short: the end chunk (IEND) is missing"
                                                   : "cut short: it ends before its image data"});
    }
    PngChunk chunk = chunk_at(file_, at_);
    if (chunk.length > kMaxLength || !std::all_of(chunk.type.begin(), chunk.type.end(), is_letter)) {
      return stop(corrupt(fmt::format("there is no chunk at byte {}, where one should begin", at_)));
    }
    if (chunk.length <= left - kFrameBytes) {
      at_ += kFrameBytes + chunk.length;
      return take(chunk);
    }
    stop({Verdict::truncated, fmt::format("cut short inside the {} chunk at byte {}", name_of(chunk), at_)});
    chunk.length = std::min(chunk.length, left - kPrefixBytes);
    if (name_of(chunk) == "IDAT" && take_data(chunk, file_.size())) layout_.cut_data = chunk;
  }

  void take(const PngChunk& chunk) {
    const std::string_view name = name_of(chunk);
    if (name == "IDAT") {
      take_data(chunk, at_);
      return;
    }
    if (seen_data()) data_ended_ = true;
    if (name == "PLTE") return take_palette(chunk);
    if (name == "tRNS") return take_transparency(chunk);
    if (name == "eXIf") return take_exif(chunk);
    if (!is_critical(chunk)) return note_place(name, chunk);
    if (!png_sum_is_right(file_, chunk)) return stop(wrong_sum(chunk));
    if (name == "IEND") {
      done_ = true;
    } else if (name == "IHDR") {
      stop(corrupt(fmt::format("a second header (IHDR) at byte {}", chunk.offset)));
    } else {
      stop({Verdict::unsupported, fmt::format("it needs the {} chunk, which PNG does not define", name)});
    }
  }

  bool take_data(const PngChunk& chunk, std::size_t end) {
    if (layout_.colour_type == 3 && !layout_.palette) {
      stop(corrupt("its palette (PLTE) is missing"));
      return false;
    }
    if (data_ended_) {
      stop(corrupt(fmt::format("image data (IDAT) at byte {}, apart from the rest", chunk.offset)));
      return false;
    }
    if (!seen_data()) layout_.data_begin = chunk.offset;
    layout_.data_end = end;
    return true;
  }

  void take_palette(const PngChunk& chunk) {
    if (seen_data() || seen_palette_) {
      return stop(corrupt(fmt::format("a palette (PLTE) at byte {}, out of place", chunk.offset)));
    }
    seen_palette_ = true;
    if (!png_sum_is_right(file_, chunk)) note(wrong_sum(chunk));
    // In a true-colour image it is a mere suggestion.
    if (layout_.colour_type != 3) return;
    const std::size_t most = std::size_t{1} << layout_.bit_depth;
    if (chunk.length == 0 || chunk.length % 3 != 0 || chunk.length / 3 > most) {
      return stop(corrupt(fmt::format("its palette (PLTE) has {} bytes", chunk.length)));
    }
    layout_.palette = chunk;
  }

  /// Ancillary: where it makes no sense, or its sum is wrong, the image simply has no transparency, as in libpng.
  void take_transparency(const PngChunk& chunk) {
    if (seen_data() || layout_.transparency || !png_sum_is_right(file_, chunk)) return;
    const int type = layout_.colour_type;
    const auto entries = static_cast<std::size_t>(layout_.palette_entries());
    const bool fits = (type == 0 && chunk.length == 2) || (type == 2 && chunk.length == 6) ||
                      (type == 3 && chunk.length > 0 && chunk.length <= entries);
    if (fits) layout_.transparency = chunk;
  }

  void take_exif(const PngChunk& chunk) {
    if (layout_.exif || !png_sum_is_right(file_, chunk)) return;
    layout_.exif = chunk;
    layout_.orientation = exif_orientation(png_chunk_data(file_, chunk));
  }

  void note_place(std::string_view name, const PngChunk& chunk) {
    if (seen_data()) return;
    if (name == "iCCP" && !layout_.profile) layout_.profile = chunk;
    if (name == "pHYs" && !layout_.density) layout_.density = chunk;
  }

  Bytes file_;
  PngLayout& layout_;
  std::size_t at_ = kPngHeaderEnd;
  bool seen_palette_ = false;
  bool data_ended_ = false;
  bool done_ = false;
};

}  // namespace

Bytes png_chunk_data(Bytes file, const PngChunk& chunk) {
  return file.subspan(chunk.offset + kPrefixBytes, chunk.length);
}

bool png_sum_is_right(Bytes file, const PngChunk& chunk) {
  const Bytes summed = file.subspan(chunk.offset + 4, chunk.length + 4);
  return libdeflate_crc32(0, summed.data(), summed.size()) ==
         read_big32(file, chunk.offset + kPrefixBytes + chunk.length);
}

CodecStatus read_png_layout(Bytes file, PngLayout& layout) {
  layout = {};
  if (!has_png_signature(file)) {
    if (!looks_like_png(file)) return {Verdict::unsupported, "it does not begin like a PNG"};
    return corrupt("its first eight bytes are damaged, as by a transfer in text mode");
  }
  if (file.size() < kPngHeaderEnd) return {Verdict::truncated, "the file ends in its header"};
  const PngChunk header = chunk_at(file, kSignatureBytes);
  if (name_of(header) != "IHDR" || header.length != kHeaderBytes) {
    return corrupt("it does not begin with a header (IHDR)");
  }
  // Nothing that a header with a wrong sum says can be relied on, not even leniently.
  if (!png_sum_is_right(file, header)) return wrong_sum(header);
  CodecStatus status = read_image_header(png_chunk_data(file, header), layout);
  if (!status.usable()) return status;
  ChunkWalk(file, layout).run();
  return layout.data_end > 0 ? CodecStatus{} : layout.damage;
}

void check_png_data(Bytes file, PngLayout& layout) {
  std::size_t at = layout.data_begin;
  const std::size_t end = layout.cut_data ? layout.cut_data->offset : layout.data_end;
  while (at < end && layout.damage.usable()) {
    const PngChunk chunk = chunk_at(file, at);
    if (!png_sum_is_right(file, chunk)) layout.damage = wrong_sum(chunk);
    at += kFrameBytes + chunk.length;
  }
}

}  // namespace pixmill::pipeline
