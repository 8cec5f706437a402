#include "pipeline/codecs/jpeg_markers.hpp"

#include "pipeline/codecs/byte_order.hpp"

#include <cstring>

namespace pixmill::pipeline {

namespace {

constexpr std::uint32_t kFirstFrame = 0xC0;
constexpr std::uint32_t kLastFrame = 0xCF;
constexpr std::uint32_t kFirstRestart = 0xD0;
constexpr std::uint32_t kStartOfImage = 0xD8;
constexpr std::uint32_t kEndOfImage = 0xD9;
constexpr std::uint32_t kStartOfScan = 0xDA;
constexpr std::uint32_t kTemporary = 0x01;

bool stands_alone(std::uint32_t marker) {
  return (marker >= kFirstRestart && marker <= kStartOfImage) || marker == kTemporary;
}

}  // namespace

bool JpegSegmentWalk::next(JpegSegment& segment) {
  while (at_ + 1 < file_.size()) {
    const void* found = std::memchr(file_.data() + at_, 0xFF, file_.size() - at_ - 1);
    if (found == nullptr) break;
    at_ = static_cast<std::size_t>(static_cast<const std::byte*>(found) - file_.data()) + 1;
    const std::uint32_t marker = byte_at(file_, at_);
    if (marker == 0xFF) continue;  // a fill byte; this one may begin a marker
    ++at_;
    if (marker == 0 || stands_alone(marker)) continue;
    if (marker == kEndOfImage || marker == kStartOfScan || file_.size() - at_ < 2) break;
    const std::size_t length = read_big16(file_, at_);
    if (length < 2 || length > file_.size() - at_) break;
    segment = {marker, file_.subspan(at_ + 2, length - 2)};
    at_ += length;
    return true;
  }
  at_ = file_.size();
  return false;
}

int count_jpeg_scans(Bytes rest, int enough) {
  int scans = 0;
  std::size_t at = 0;
  while (at + 1 < rest.size() && scans <= enough) {
    const void* found = std::memchr(rest.data() + at, 0xFF, rest.size() - at - 1);
    if (found == nullptr) break;
    at = static_cast<std::size_t>(static_cast<const std::byte*>(found) - rest.data());
    const std::uint32_t marker = byte_at(rest, at + 1);
    if (marker == 0xFF) {  // a fill byte; the next one may begin a marker
      ++at;
      continue;
    }
    at += 2;
    if (marker == kEndOfImage) break;
    if (marker == 0 || stands_alone(marker)) continue;
    if (marker == kStartOfScan) ++scans;
    if (at + 2 > rest.size()) break;
    at += read_big16(rest, at);
  }
  return scans;
}

bool jpeg_keeps_coefficients(Bytes rest) {
  std::uint32_t components = 0;
  std::size_t at = 0;
  while (at + 1 < rest.size()) {
    const std::uint32_t marker = byte_at(rest, at + 1);
    if (byte_at(rest, at) != 0xFF || marker == 0 || marker == 0xFF) {
      ++at;  // libjpeg too looks for the next marker
      continue;
    }
    at += 2;
    if (stands_alone(marker)) continue;
    if (marker == kEndOfImage || rest.size() - at < 8) return true;
    if (marker == kStartOfScan) return byte_at(rest, at + 2) != components;
    if (marker >= kFirstFrame && marker <= kLastFrame && (marker - kFirstFrame) % 4 != 0) {
      // 0xC0, 0xC1 and 0xC9 are sequential; 0xC4, 0xC8 and 0xCC are no frames.
      if (marker != 0xC1 && marker != 0xC9) return true;
    }
    if (marker == 0xC0 || marker == 0xC1 || marker == 0xC9) components = byte_at(rest, at + 7);
    at += read_big16(rest, at);
  }
  return true;
}

}  // namespace pixmill::pipeline
