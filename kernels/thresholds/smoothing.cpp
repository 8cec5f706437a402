#include "kernels/thresholds/smoothing.hpp"

#include "kernels/thresholds/smoothing_pass.hpp"

#include <algorithm>
#include <cmath>

namespace pixmill::kernels {

namespace {

// As many heights as stay in the nearest cache while all passes are made.
constexpr int kTile = 1024;

/// The heights of the watched indices after each pass.
using WatchedHeights = std::array<std::array<double, std::tuple_size_v<ThreePeaks>>, kMaxPassesAtOnce>;

bool shows_three(const std::array<double, std::tuple_size_v<ThreePeaks>>& h) {
  return h[0] > h[1] && h[1] < h[2] && h[2] > h[3] && h[3] < h[4] && h[4] > h[5];
}

/// The index of a height beyond the ends, which repeat in the mirror.
int mirrored(int index, int size) {
  while (index < 0 || index >= size) index = index < 0 ? -1 - index : 2 * size - 1 - index;
  return index;
}

/// All passes over the heights [begin, end), from as many more on either side as there are passes.
class Tile {
 public:
  Tile(std::span<const double> from, double scale, int passes, int begin, int end)
      : begin_(begin), end_(end), halo_(passes) {
    const int size = static_cast<int>(from.size());
    const auto load = [&](int index) {
      const double height = from[static_cast<std::size_t>(index)] * scale;
      return height < 1e-250 ? 0 : height;
    };
    const int first = begin - passes;
    const int inside_begin = std::max(first, 0);
    const int inside_end = std::min(end + passes, size);
    for (int i = first; i < inside_begin; ++i) heights_[static_cast<std::size_t>(i - first)] = load(mirrored(i, size));
    for (int i = inside_begin; i < inside_end; ++i) heights_[static_cast<std::size_t>(i - first)] = load(i);
    for (int i = inside_end; i < end + passes; ++i) {
      heights_[static_cast<std::size_t>(i - first)] = load(mirrored(i, size));
    }
  }

  void pass() {
    --halo_;
    add_neighbours(heights_.data(), end_ - begin_ + 2 * halo_);
  }

  [[nodiscard]] bool holds(int index) const { return index >= begin_ && index < end_; }
  [[nodiscard]] double at(int index) const { return heights_.data()[index - begin_ + halo_]; }
  void store(std::span<double> to) const { std::copy_n(heights_.begin() + halo_, end_ - begin_, to.begin() + begin_); }

 private:
  int begin_;
  int end_;
  int halo_;
  std::array<double, kTile + 2 * kMaxPassesAtOnce> heights_;
};

/// Keeps the last six turns, and the best of all sixes that begin with a peak.
class WitnessSearch {
 public:
  void add_turn(int index, double height) {
    std::rotate(turns_.begin(), turns_.begin() + 1, turns_.end());
    turns_.back() = {index, height};
    ++count_;
    if (count_ < turns_.size() || count_ % 2 != 0) return;
    double smallest_step = std::abs(turns_[0].height - turns_[1].height);
    for (std::size_t i = 1; i + 1 < turns_.size(); ++i) {
      smallest_step = std::min(smallest_step, std::abs(turns_[i].height - turns_[i + 1].height));
    }
    if (smallest_step <= best_step_) return;
    best_step_ = smallest_step;
    for (std::size_t i = 0; i < turns_.size(); ++i) best_[i] = turns_[i].index;
  }
  [[nodiscard]] const ThreePeaks& best() const { return best_; }

 private:
  struct Turn {
    int index = 0;
    double height = 0;
  };
  std::array<Turn, std::tuple_size_v<ThreePeaks>> turns_ = {};
  std::size_t count_ = 0;
  double best_step_ = 0;
  ThreePeaks best_ = {};
};

}  // namespace

Peaks find_peaks(std::span<const double> heights) {
  Peaks peaks;
  WitnessSearch search;
  bool rising = true;
  for (std::size_t i = 0; i + 1 < heights.size(); ++i) {
    const bool turns = rising ? heights[i + 1] < heights[i] : heights[i + 1] > heights[i];
    if (!turns) continue;
    search.add_turn(static_cast<int>(i), heights[i]);
    if (rising) {
      if (peaks.count < 2) peaks.at[static_cast<std::size_t>(peaks.count)] = static_cast<int>(i);
      ++peaks.count;
    }
    rising = !rising;
  }
  if (!heights.empty()) search.add_turn(static_cast<int>(heights.size()) - 1, heights.back());
  peaks.rises_at_end = rising;
  peaks.witness = search.best();
  return peaks;
}

int smooth(std::span<const double> from, double scale, int passes, const ThreePeaks& witness, std::span<double> to) {
  WatchedHeights watched = {};
  const int size = static_cast<int>(from.size());
  for (int begin = 0; begin < size; begin += kTile) {
    Tile tile(from, scale, passes, begin, std::min(begin + kTile, size));
    for (int pass = 0; pass < passes; ++pass) {
      tile.pass();
      for (std::size_t i = 0; i < witness.size(); ++i) {
        if (tile.holds(witness[i])) watched[static_cast<std::size_t>(pass)][i] = tile.at(witness[i]);
      }
    }
    tile.store(to);
  }
  for (int pass = 0; pass < passes; ++pass) {
    if (!shows_three(watched[static_cast<std::size_t>(pass)])) return pass;
  }
  return passes;
}

}  // namespace pixmill::kernels
