#include "kernels/level_table.hpp"

#include "kernels/level_rows.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>

namespace pixmill::kernels {

LevelTable::LevelTable(Depth depth) : depth_(depth), map_(static_cast<std::size_t>(level_count(depth))) {
  std::iota(map_.begin(), map_.end(), std::uint16_t{0});
  classify();
}

std::size_t LevelTable::run_end(const Split::Piece& piece, std::size_t begin) const {
  std::size_t level = begin;
  while (level < map_.size() && map_[level] == ((level & piece.keep) ^ piece.flip)) ++level;
  return level;
}

std::optional<LevelTable::Split> LevelTable::find_split() const {
  const auto largest = static_cast<std::uint16_t>(max_level(depth_));
  const auto pieces_at = [&](std::size_t level) {
    return std::array<Split::Piece, 3>{{{0, map_[level]}, {largest, 0}, {largest, largest}}};
  };
  for (const Split::Piece& low : pieces_at(0)) {
    const std::size_t middle = run_end(low, 0);
    if (middle == 0) continue;
    if (middle == map_.size()) return Split{largest, low, low};
    // A shorter first piece would only leave more for the second to match.
    for (const Split::Piece& high : pieces_at(middle)) {
      if (run_end(high, middle) == map_.size()) return Split{static_cast<int>(middle) - 1, low, high};
    }
  }
  return std::nullopt;
}

void LevelTable::classify() {
  const auto largest = static_cast<std::uint16_t>(max_level(depth_));
  split_ = find_split();
  identity_ = run_end({largest, 0}, 0) == map_.size();
  two_level_ = std::all_of(map_.begin(), map_.end(), [largest](auto level) { return level == 0 || level == largest; });
  step_.reset();
  if (!two_level_ || !split_ || split_->low.keep != 0 || split_->high.keep != 0) return;
  const bool white_below = split_->low.flip != 0;
  const bool white_above = split_->high.flip != 0;
  if (white_below == white_above) {
    step_ = Step{white_below ? -1 : largest, false};
  } else {
    step_ = Step{split_->threshold, white_below};
  }
}

namespace {

void map_row(const LevelTable& table, const void* in, std::size_t count, void* out) {
  if (table.as_split()) {
    map_row(*table.as_split(), table.depth(), in, count, out);
  } else {
    map_row_by_lookup(table, in, count, out);
  }
}

template <typename T>
void map_row_beside_alpha(const LevelTable& table, const T* in, int width, int channels, T* out) {
  for (int x = 0; x < width; ++x, in += channels, out += channels) {
    for (int channel = 0; channel < channels - 1; ++channel) out[channel] = static_cast<T>(table[in[channel]]);
    out[channels - 1] = in[channels - 1];
  }
}

}  // namespace

void apply_table(const LevelTable& table, const cv::Mat& in, cv::Mat& out) {
  out.create(in.size(), in.type());
  const bool in_place = in.data == out.data;
  if (table.is_identity() && in_place) return;
  const int channels = in.channels();
  const std::size_t row_levels = static_cast<std::size_t>(in.cols) * static_cast<std::size_t>(channels);
  for (int y = 0; y < in.rows; ++y) {
    if (table.is_identity()) {
      std::memcpy(out.ptr(y), in.ptr(y), row_levels * in.elemSize1());
    } else if (!has_alpha(channels)) {
      map_row(table, in.ptr(y), row_levels, out.ptr(y));
    } else if (table.depth() == Depth::eight) {
      map_row_beside_alpha(table, in.ptr<std::uint8_t>(y), in.cols, channels, out.ptr<std::uint8_t>(y));
    } else {
      map_row_beside_alpha(table, in.ptr<std::uint16_t>(y), in.cols, channels, out.ptr<std::uint16_t>(y));
    }
  }
}

void pack_row(const LevelTable& table, const void* row, int width, std::uint8_t* bits) {
  if (table.as_step()) {
    pack_row(*table.as_step(), table.depth(), row, width, bits);
  } else {
    pack_row_by_lookup(table, row, width, bits);
  }
}

}  // namespace pixmill::kernels
