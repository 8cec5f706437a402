#include "kernels/level_rows.hpp"

#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/level_rows.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace pixmill::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

template <typename T>
void map_levels(const LevelTable::Split& split, const T* in, std::size_t count, T* out) {
  const hn::ScalableTag<T> d;
  const auto threshold = hn::Set(d, static_cast<T>(split.threshold));
  const auto low_keep = hn::Set(d, static_cast<T>(split.low.keep));
  const auto low_flip = hn::Set(d, static_cast<T>(split.low.flip));
  const auto high_keep = hn::Set(d, static_cast<T>(split.high.keep));
  const auto high_flip = hn::Set(d, static_cast<T>(split.high.flip));
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= count; i += hn::Lanes(d)) {
    const auto level = hn::LoadU(d, in + i);
    const auto high = hn::Gt(level, threshold);
    const auto kept = hn::And(level, hn::IfThenElse(high, high_keep, low_keep));
    hn::StoreU(hn::Xor(kept, hn::IfThenElse(high, high_flip, low_flip)), d, out + i);
  }
  for (; i < count; ++i) {
    const LevelTable::Split::Piece& piece = in[i] > split.threshold ? split.high : split.low;
    out[i] = static_cast<T>((in[i] & piece.keep) ^ piece.flip);
  }
}

void map_row(const LevelTable::Split& split, Depth depth, const void* in, std::size_t count, void* out) {
  if (depth == Depth::eight) {
    map_levels(split, static_cast<const std::uint8_t*>(in), count, static_cast<std::uint8_t*>(out));
  } else {
    map_levels(split, static_cast<const std::uint16_t*>(in), count, static_cast<std::uint16_t*>(out));
  }
}

#if HWY_TARGET != HWY_SCALAR
// Exchanges the order of the bits within each byte.
std::uint64_t reverse_bits_of_bytes(std::uint64_t bytes) {
  bytes = ((bytes >> 1) & 0x5555555555555555U) | ((bytes & 0x5555555555555555U) << 1);
  bytes = ((bytes >> 2) & 0x3333333333333333U) | ((bytes & 0x3333333333333333U) << 2);
  return ((bytes >> 4) & 0x0F0F0F0F0F0F0F0FU) | ((bytes & 0x0F0F0F0F0F0F0F0FU) << 4);
}

// Packs levels > threshold into whole bytes, as many as fill whole vectors; returns how many levels that were.
template <typename T>
std::size_t pack_whole_vectors(T threshold, std::uint64_t flip, const T* row, std::size_t count, std::uint8_t* bits) {
  const hn::ScalableTag<T> d;
  const auto limit = hn::Set(d, threshold);
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= count; i += hn::Lanes(d)) {
    hn::StoreMaskBits(d, hn::Gt(hn::LoadU(d, row + i), limit), bits + i / 8);
  }
  // Highway's masks begin with the least significant bit.
  const std::size_t bytes = i / 8;
  for (std::size_t byte = 0; byte < bytes; byte += 8) {
    const std::size_t size = bytes - byte < 8 ? bytes - byte : 8;
    std::uint64_t group = 0;
    std::memcpy(&group, bits + byte, size);
    group = reverse_bits_of_bytes(group) ^ flip;
    std::memcpy(bits + byte, &group, size);
  }
  return i;
}
#endif

template <typename T>
void pack_levels(const LevelTable::Step& step, const T* row, std::size_t count, std::uint8_t* bits) {
  std::size_t i = 0;
#if HWY_TARGET != HWY_SCALAR  // whose masks do not fill a byte
  if (step.threshold >= 0) {
    const std::uint64_t flip = step.inverted ? ~std::uint64_t{0} : 0;
    i = pack_whole_vectors(static_cast<T>(step.threshold), flip, row, count, bits);
  }
#endif
  while (i < count) {
    std::uint8_t& byte = bits[i / 8];
    byte = 0;
    for (unsigned bit = 0x80; bit != 0 && i < count; bit >>= 1, ++i) {
      if ((static_cast<int>(row[i]) > step.threshold) != step.inverted) byte = static_cast<std::uint8_t>(byte | bit);
    }
  }
}

void pack_row(const LevelTable::Step& step, Depth depth, const void* row, int width, std::uint8_t* bits) {
  const auto count = static_cast<std::size_t>(width);
  if (depth == Depth::eight) {
    pack_levels(step, static_cast<const std::uint8_t*>(row), count, bits);
  } else {
    pack_levels(step, static_cast<const std::uint16_t*>(row), count, bits);
  }
}

}  // namespace
}  // namespace pixmill::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pixmill::kernels {

HWY_EXPORT(map_row);
HWY_EXPORT(pack_row);

void map_row(const LevelTable::Split& split, Depth depth, const void* in, std::size_t count, void* out) {
  HWY_DYNAMIC_DISPATCH(map_row)(split, depth, in, count, out);
}

void pack_row(const LevelTable::Step& step, Depth depth, const void* row, int width, std::uint8_t* bits) {
  HWY_DYNAMIC_DISPATCH(pack_row)(step, depth, row, width, bits);
}

namespace {

template <typename T>
void look_up(const LevelTable& table, const T* in, std::size_t count, T* out) {
  const std::uint16_t* map = table.data();
  for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<T>(map[in[i]]);
}

template <typename T>
void look_up_bits(const LevelTable& table, const T* row, int width, std::uint8_t* bits) {
  for (int x = 0; x < width; ++x) {
    if (x % 8 == 0) bits[x / 8] = 0;
    if (table[row[x]] != 0) bits[x / 8] = static_cast<std::uint8_t>(bits[x / 8] | (0x80U >> (x % 8)));
  }
}

}  // namespace

void map_row_by_lookup(const LevelTable& table, const void* in, std::size_t count, void* out) {
  if (table.depth() == Depth::eight) {
    look_up(table, static_cast<const std::uint8_t*>(in), count, static_cast<std::uint8_t*>(out));
  } else {
    look_up(table, static_cast<const std::uint16_t*>(in), count, static_cast<std::uint16_t*>(out));
  }
}

void pack_row_by_lookup(const LevelTable& table, const void* row, int width, std::uint8_t* bits) {
  if (table.depth() == Depth::eight) {
    look_up_bits(table, static_cast<const std::uint8_t*>(row), width, bits);
  } else {
    look_up_bits(table, static_cast<const std::uint16_t*>(row), width, bits);
  }
}

}  // namespace pixmill::kernels
#endif  // HWY_ONCE
