#include "pipeline/codecs/bmp_rle.hpp"

#include "pipeline/codecs/byte_order.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace pixmill::pipeline {

void BmpRle::open(Bytes data, const BmpHeader& header) {
  *this = {};
  data_ = data;
  packing_ = header.packing;
  width_ = static_cast<std::uint64_t>(header.width);
  height_ = static_cast<std::uint64_t>(header.height);
}

CodecStatus BmpRle::next_line(std::span<std::uint8_t> line) {
  std::fill(line.begin(), line.end(), std::uint8_t{0});
  Step step = Step::on;
  if (ended_ || blank_lines_ > 0) {
    if (!ended_) --blank_lines_;
    step = Step::line_done;
  }
  while (step == Step::on) {
    if (at_ + 2 > data_.size()) {
      // Nothing is missing but the marks of an end that has been reached.
      step = y_ + 1 == height_ && x_ >= width_ ? Step::line_done : damage(Verdict::truncated, "the file ends");
      break;
    }
    const std::uint32_t count = byte_at(data_, at_++);
    step = count > 0 ? run(line, count) : escape(line, byte_at(data_, at_++));
  }
  if (step == Step::damaged) return status_;
  ++y_;
  return {};
}

BmpRle::Step BmpRle::damage(Verdict verdict, const char* what) {
  status_ = {verdict, fmt::format("{} at column {} of scan line {} from below", what, x_, y_)};
  return Step::damaged;
}

BmpRle::Step BmpRle::escape(std::span<std::uint8_t> line, std::uint32_t code) {
  switch (code) {
    case 0:
      x_ = 0;
      return Step::line_done;
    case 1:
      ended_ = true;
      return Step::line_done;
    case 2:
      return skip();
    default:
      return literal(line, code);
  }
}

BmpRle::Step BmpRle::skip() {
  if (at_ + 2 > data_.size()) return damage(Verdict::truncated, "the file ends");
  const std::uint64_t right = byte_at(data_, at_);
  const std::uint64_t up = byte_at(data_, at_ + 1);
  at_ += 2;
  if ((right > 0 && x_ + right > width_) || y_ + up > height_)
    return damage(Verdict::corrupt, "the code skips out of the image");
  x_ += right;
  if (up == 0) return Step::on;
  if (y_ + up == height_) {
    ended_ = true;
  } else {
    blank_lines_ = up - 1;
  }
  return Step::line_done;
}

void BmpRle::put(std::span<std::uint8_t> line, std::uint64_t x, Bytes pixel, bool low_half) {
  any_pixel_ = true;
  const auto first = std::to_integer<std::uint8_t>(pixel[0]);
  switch (packing_) {
    case BmpPacking::rle4:
      line[x] = low_half ? first & 0x0F : first >> 4;
      break;
    case BmpPacking::rle24:
      for (std::size_t c = 0; c < 3; ++c) line[3 * x + c] = std::to_integer<std::uint8_t>(pixel[c]);
      break;
    default:
      line[x] = first;
      break;
  }
}

// Where a line may end. Some encoders compress its padding to four bytes with it.
std::uint64_t BmpRle::padded_width() const {
  const std::uint64_t pixels = packing_ == BmpPacking::rle4 ? 8 : packing_ == BmpPacking::rle24 ? 1 : 4;
  return (width_ + pixels - 1) / pixels * pixels;
}

BmpRle::Step BmpRle::literal(std::span<std::uint8_t> line, std::uint32_t count) {
  const std::size_t bytes = packing_ == BmpPacking::rle4    ? (count + 1) / 2
                            : packing_ == BmpPacking::rle24 ? 3 * count
                                                            : count;
  const std::size_t there = std::min(bytes, data_.size() - at_);
  const std::uint64_t room = padded_width() - std::min(x_, padded_width());
  const std::uint64_t wanted = std::min<std::uint64_t>(count, width_ - std::min(x_, width_));
  for (std::uint64_t i = 0; i < wanted; ++i) {
    const std::size_t offset = packing_ == BmpPacking::rle4 ? i / 2 : packing_ == BmpPacking::rle24 ? 3 * i : i;
    if (offset + (packing_ == BmpPacking::rle24 ? 3 : 1) > there) break;
    put(line, x_ + i, data_.subspan(at_ + offset), i % 2 != 0);
  }
  if (there < bytes) return damage(Verdict::truncated, "the file ends in the pixels that follow");
  if (count > room) return damage(Verdict::corrupt, "more pixels than the line has follow");
  x_ += count;
  // They are padded to 16 bits; the file may end without that.
  at_ = std::min(at_ + bytes + bytes % 2, data_.size());
  return Step::on;
}

BmpRle::Step BmpRle::run(std::span<std::uint8_t> line, std::uint32_t count) {
  const std::size_t bytes = packing_ == BmpPacking::rle24 ? 3 : 1;
  if (at_ + bytes > data_.size()) return damage(Verdict::truncated, "the file ends in a run");
  const std::uint64_t room = padded_width() - std::min(x_, padded_width());
  const std::uint64_t wanted = std::min<std::uint64_t>(count, width_ - std::min(x_, width_));
  for (std::uint64_t i = 0; i < wanted; ++i) put(line, x_ + i, data_.subspan(at_), i % 2 != 0);
  if (count > room) return damage(Verdict::corrupt, "a run goes beyond the end of the line");
  x_ += count;
  at_ += bytes;
  return Step::on;
}

}  // namespace pixmill::pipeline
