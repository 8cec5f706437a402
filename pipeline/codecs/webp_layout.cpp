#include "pipeline/codecs/webp_layout.hpp"

#include "pipeline/codecs/byte_order.hpp"
#include "pipeline/codecs/exif.hpp"
#include "pipeline/codecs/signatures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace pixmill::pipeline {

namespace {

constexpr std::size_t kRiffBytes = 12;   // "RIFF", a size, "WEBP"
constexpr std::size_t kPrefixBytes = 8;  // type and size of a chunk
constexpr std::size_t kExtendedBytes = 10;
constexpr std::size_t kFrameBytes = 16;  // of ANMF, before its own chunks
constexpr std::uint32_t kAnimationFlag = 0x02;
constexpr std::uint32_t kAlphaFlag = 0x10;

std::string_view type_of(const WebpChunk& chunk) { return {chunk.type.data(), chunk.type.size()}; }

std::uint32_t read_little24(Bytes bytes, std::size_t offset) {
  return read_little16(bytes, offset) | byte_at(bytes, offset + 2) << 16;
}

CodecStatus corrupt(std::string detail) { return {Verdict::corrupt, std::move(detail)}; }

/// Walks over the chunks up to the end of the RIFF container or of the file, whichever comes first. What follows the
/// container is not ours.
class ChunkWalk {
 public:
  ChunkWalk(Bytes file, WebpLayout& layout) : file_(file), layout_(layout) {}

  CodecStatus run() {
    const std::size_t promised = kPrefixBytes + read_little32(file_, 4);
    cut_ = promised > file_.size();
    if (promised < kRiffBytes + kPrefixBytes) {
      return corrupt(fmt::format("its RIFF header promises {} bytes, which hold no image", promised));
    }
    walk(kRiffBytes, std::min(promised, file_.size()), false);
    if (cut_) {
      note({Verdict::truncated,
            fmt::format("cut short: its RIFF header promises {} bytes, the file has {}", promised, file_.size())});
    }
    if (!refusal_.usable()) return refusal_;
    if (found_) return check_places();
    if (!layout_.damage.usable()) return layout_.damage;
    return corrupt(layout_.animated ? "an animation without a frame (ANMF)" : "it has no image data (VP8 or VP8L)");
  }

 private:
  void note(CodecStatus damage) {
    if (layout_.damage.usable()) layout_.damage = std::move(damage);
  }
  void refuse(CodecStatus status) {
    if (refusal_.usable()) refusal_ = std::move(status);
  }
  [[nodiscard]] bool done() const { return !refusal_.usable(); }

  /// Over the chunks in [at, end): of the file, or those `in_frame`.
  void walk(std::size_t at, std::size_t end, bool in_frame) {
    while (!done() && end - at >= kPrefixBytes) {
      WebpChunk chunk;
      chunk.offset = at;
      for (std::size_t i = 0; i < 4; ++i) chunk.type[i] = static_cast<char>(byte_at(file_, at + i));
      const std::size_t claimed = read_little32(file_, at + 4);
      const std::size_t left = end - at - kPrefixBytes;
      chunk.length = std::min(claimed, left);
      const bool whole = claimed <= left;
      if (!whole) note_overrun(chunk, in_frame);
      take(chunk, whole, in_frame);
      // Chunks begin at even places; the last may lack its padding.
      at += kPrefixBytes + chunk.length;
      at = std::min(end, at + (chunk.length & 1));
    }
  }

  void note_overrun(const WebpChunk& chunk, bool in_frame) {
    if (cut_ && chunk.offset + kPrefixBytes + chunk.length == file_.size()) {
      return note({Verdict::truncated,
                   fmt::format("cut short inside the {} chunk at byte {}", webp_name(chunk), chunk.offset)});
    }
    // After the picture it harms nothing but the chunk itself.
    if (found_ && !in_frame) return;
    note(corrupt(fmt::format("the {} chunk at byte {} is larger than what holds it", webp_name(chunk), chunk.offset)));
  }

  void take(const WebpChunk& chunk, bool whole, bool in_frame) {
    const std::string_view type = type_of(chunk);
    if (!in_frame && chunk.offset == kRiffBytes && type == "VP8X") {
      take_extended(chunk, whole);
    } else if (!in_frame && type == "ANMF" && layout_.animated && !found_) {
      take_animation_frame(chunk);
    } else if (type == "ALPH" && extended_ && whole && !found_) {
      layout_.transparency = chunk;
    } else if ((type == "VP8 " || type == "VP8L") && !found_) {
      take_picture(chunk, whole);
    } else if (!in_frame && extended_ && whole && type == "ICCP" && !layout_.profile) {
      layout_.profile = chunk;
    } else if (!in_frame && extended_ && whole && type == "EXIF" && !layout_.exif) {
      layout_.exif = chunk;
      layout_.orientation = exif_orientation(webp_exif(file_, layout_));
    }
  }

  void take_extended(const WebpChunk& chunk, bool whole) {
    if (!whole) return refuse({Verdict::truncated, "the file ends in its header"});
    if (chunk.length != kExtendedBytes) {
      return refuse(corrupt(fmt::format("its header (VP8X) has {} bytes", chunk.length)));
    }
    const Bytes data = webp_data(file_, chunk);
    const std::uint32_t flags = byte_at(data, 0);
    extended_ = true;
    layout_.animated = (flags & kAnimationFlag) != 0;
    layout_.has_alpha = (flags & kAlphaFlag) != 0;
    layout_.width = 1 + read_little24(data, 4);
    layout_.height = 1 + read_little24(data, 7);
  }

  void take_animation_frame(const WebpChunk& chunk) {
    if (chunk.length < kFrameBytes) {
      return refuse(cut_ ? CodecStatus{Verdict::truncated, "cut short: it ends before its first frame"}
                         : corrupt(fmt::format("its first frame (ANMF) has {} bytes", chunk.length)));
    }
    const Bytes data = webp_data(file_, chunk);
    layout_.x = 2 * read_little24(data, 0);
    layout_.y = 2 * read_little24(data, 3);
    claimed_width_ = 1 + read_little24(data, 6);
    claimed_height_ = 1 + read_little24(data, 9);
    const std::size_t begin = chunk.offset + kPrefixBytes;
    walk(begin + kFrameBytes, begin + chunk.length, true);
    if (found_ || done()) return;
    refuse(layout_.damage.usable() ? corrupt("its first frame (ANMF) has no image data") : layout_.damage);
  }

  void take_picture(const WebpChunk& chunk, bool whole) {
    layout_.lossless = type_of(chunk) == "VP8L";
    layout_.picture = chunk;
    const Bytes data = webp_data(file_, chunk);
    if (data.size() < (layout_.lossless ? 5U : 10U)) {
      return refuse(!whole && cut_
                        ? CodecStatus{Verdict::truncated, "the file ends in its header"}
                        : corrupt(fmt::format("its image data ({}) has {} bytes", webp_name(chunk), data.size())));
    }
    CodecStatus status = layout_.lossless ? read_lossless_header(data) : read_lossy_header(data);
    if (!status.usable()) return refuse(std::move(status));
    found_ = true;
    if (layout_.lossless) layout_.transparency.reset();
    if (layout_.transparency) layout_.has_alpha = true;
    if (extended_) return;
    layout_.width = layout_.frame_width;
    layout_.height = layout_.frame_height;
  }

  /// RFC 9649, 3.4: 14 bits a side, then whether alpha is used, then a version.
  CodecStatus read_lossless_header(Bytes data) {
    if (byte_at(data, 0) != 0x2F) return corrupt("its image data (VP8L) does not begin as it should");
    const std::uint32_t bits = read_little32(data, 1);
    layout_.frame_width = 1 + (bits & 0x3FFF);
    layout_.frame_height = 1 + (bits >> 14 & 0x3FFF);
    const bool alpha = (bits >> 28 & 1) != 0;
    // In a still image this bit counts, whatever the extended header says.
    layout_.has_alpha = layout_.animated ? layout_.has_alpha || alpha : alpha;
    if (bits >> 29 != 0)
      return {Verdict::unsupported, "its image data (VP8L) is of a version that WebP does not define"};
    return {};
  }

  /// RFC 6386, 9.1: a frame tag of three bytes, a start code, 14 bits a side each with two of scaling.
  CodecStatus read_lossy_header(Bytes data) {
    const std::uint32_t tag = read_little24(data, 0);
    if (read_little24(data, 3) != 0x2A019D) return corrupt("its image data (VP8) does not begin as it should");
    if ((tag & 1) != 0 || (tag >> 4 & 1) == 0) return corrupt("its image data (VP8) is not a picture of its own");
    if ((tag >> 1 & 7) > 3) {
      return {Verdict::unsupported, "its image data (VP8) is of a version that WebP does not define"};
    }
    layout_.frame_width = read_little16(data, 6) & 0x3FFF;
    layout_.frame_height = read_little16(data, 8) & 0x3FFF;
    if (layout_.frame_width == 0 || layout_.frame_height == 0) {
      return corrupt(
          fmt::format("its image data (VP8) claims {} x {} pixels", layout_.frame_width, layout_.frame_height));
    }
    return {};
  }

  /// Whether picture, frame and canvas fit together.
  CodecStatus check_places() {
    const auto wide = std::uint64_t{layout_.x} + layout_.frame_width;
    const auto high = std::uint64_t{layout_.y} + layout_.frame_height;
    if (layout_.animated && claimed_width_ != 0) {
      if (claimed_width_ != layout_.frame_width || claimed_height_ != layout_.frame_height) {
        return corrupt(fmt::format("its first frame claims {} x {} pixels and has {} x {}", claimed_width_,
                                   claimed_height_, layout_.frame_width, layout_.frame_height));
      }
      if (wide > layout_.width || high > layout_.height) {
        return corrupt(fmt::format("its first frame reaches to {} x {} on a canvas of {} x {}", wide, high,
                                   layout_.width, layout_.height));
      }
      const bool covers = layout_.frame_width == layout_.width && layout_.frame_height == layout_.height;
      layout_.has_alpha = layout_.has_alpha || !covers;
    } else if (wide != layout_.width || high != layout_.height) {
      return corrupt(fmt::format("its header claims {} x {} pixels, its image data {} x {}", layout_.width,
                                 layout_.height, layout_.frame_width, layout_.frame_height));
    }
    return {};
  }

  Bytes file_;
  WebpLayout& layout_;
  CodecStatus refusal_;
  bool cut_ = false;       // the container goes on beyond the file
  bool extended_ = false;  // there is a VP8X
  bool found_ = false;     // the picture
  std::uint32_t claimed_width_ = 0;
  std::uint32_t claimed_height_ = 0;
};

}  // namespace

CodecStatus read_webp_layout(Bytes file, WebpLayout& layout) {
  layout = {};
  if (!looks_like_webp(file)) return {Verdict::unsupported, "it does not begin like a WebP"};
  return ChunkWalk(file, layout).run();
}

Bytes webp_data(Bytes file, const WebpChunk& chunk) { return file.subspan(chunk.offset + kPrefixBytes, chunk.length); }

Bytes webp_exif(Bytes file, const WebpLayout& layout) {
  if (!layout.exif) return {};
  constexpr std::string_view kMark("Exif\0\0", 6);
  const Bytes data = webp_data(file, *layout.exif);
  const auto same = [](char a, std::byte b) { return static_cast<std::byte>(a) == b; };
  const bool marked = data.size() >= kMark.size() && std::equal(kMark.begin(), kMark.end(), data.begin(), same);
  return marked ? data.subspan(kMark.size()) : data;
}

std::string webp_name(const WebpChunk& chunk) {
  std::string name(type_of(chunk));
  for (char& c : name) c = c >= ' ' && c <= '~' ? c : '?';
  while (!name.empty() && name.back() == ' ') name.pop_back();
  return name;
}

}  // namespace pixmill::pipeline
