#include "kernels/level_rows.hpp"

#include <cstring>
#include <limits>

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
  if (split.threshold == std::numeric_limits<T>::max()) {
    for (; i + hn::Lanes(d) <= count; i += hn::Lanes(d)) {
      hn::StoreU(hn::Xor(hn::And(hn::LoadU(d, in + i), low_keep), low_flip), d, out + i);
    }
  }
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
// The levels of each block of 16 bytes with every eight of them the other way round: Highway's masks begin with the
// least significant bit, PNG's bytes with the most significant.
template <class D, class V>
HWY_INLINE V reverse_eights(D d, V levels) {
  alignas(16) static constexpr std::uint8_t kBytes[16] = {7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8};
  alignas(16) static constexpr std::uint8_t kWords[16] = {14, 15, 12, 13, 10, 11, 8, 9, 6, 7, 4, 5, 2, 3, 0, 1};
  const hn::Repartition<std::uint8_t, D> d8;
  const auto order = hn::LoadDup128(d8, sizeof(hn::TFromD<D>) == 1 ? kBytes : kWords);
  return hn::BitCast(d, hn::TableLookupBytes(hn::BitCast(d8, levels), order));
}

// Packs levels > threshold, or those that are not. The last, incomplete vector is one of a copy.
template <bool Inverted, typename T>
void pack_by_comparing(T threshold, const T* row, std::size_t count, std::uint8_t* bits) {
  const hn::ScalableTag<T> d;
  const auto limit = hn::Set(d, threshold);
  const auto pack = [&](const T* levels, std::uint8_t* to) HWY_ATTR {
    const auto above = hn::Gt(reverse_eights(d, hn::LoadU(d, levels)), limit);
    if constexpr (Inverted) {
      hn::StoreMaskBits(d, hn::Not(above), to);
    } else {
      hn::StoreMaskBits(d, above, to);
    }
  };
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) pack(row + i, bits + i / 8);
  if (i == count) return;
  T last_levels[HWY_MAX_BYTES / sizeof(T)] = {};
  std::uint8_t last_bits[HWY_MAX_BYTES / 8];
  std::memcpy(last_levels, row + i, (count - i) * sizeof(T));
  pack(last_levels, last_bits);
  std::memcpy(bits + i / 8, last_bits, (count - i + 7) / 8);
}

template <typename T>
void pack_levels(const LevelTable::Step& step, const T* row, std::size_t count, std::uint8_t* bits) {
  const std::size_t bytes = (count + 7) / 8;
  if (step.threshold < 0) {
    std::memset(bits, step.inverted ? 0 : 0xFF, bytes);
  } else if (step.inverted) {
    pack_by_comparing<true>(static_cast<T>(step.threshold), row, count, bits);
  } else {
    pack_by_comparing<false>(static_cast<T>(step.threshold), row, count, bits);
  }
  if (count % 8 != 0) bits[bytes - 1] = static_cast<std::uint8_t>(bits[bytes - 1] & (0xFF00U >> (count % 8)));
}

#else  // whose masks do not fill a byte

template <typename T>
void pack_levels(const LevelTable::Step& step, const T* row, std::size_t count, std::uint8_t* bits) {
  for (std::size_t i = 0; i < count;) {
    std::uint8_t& byte = bits[i / 8];
    byte = 0;
    for (unsigned bit = 0x80; bit != 0 && i < count; bit >>= 1, ++i) {
      if ((static_cast<int>(row[i]) > step.threshold) != step.inverted) byte = static_cast<std::uint8_t>(byte | bit);
    }
  }
}

#endif

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
