#pragma once

#include "kernels/frame.hpp"

#include <opencv2/core/mat.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace pixmill::kernels {

/// A function from level to level: what a chain of point-wise kernels is once composed.
///
/// 256 entries at 8 bits, 65536 at 16; every entry is at most max_level(depth).
class LevelTable {
 public:
  /// The identity.
  explicit LevelTable(Depth depth);

  [[nodiscard]] Depth depth() const { return depth_; }
  [[nodiscard]] std::uint16_t operator[](std::size_t level) const { return map_[level]; }
  /// Replaces f by g after f: every entry v becomes `function(v)`. Costs one call a level.
  template <typename Function>
  void then(Function&& function) {
    for (std::uint16_t& entry : map_) entry = static_cast<std::uint16_t>(function(static_cast<int>(entry)));
    classify();
  }
  [[nodiscard]] bool is_identity() const { return identity_; }
  /// Whether only 0 and the largest level come out, so that a pixel fits in one bit.
  [[nodiscard]] bool is_two_level() const { return two_level_; }

  /// A two-level table that is one step: `v > threshold` gives white (or black if `inverted`). threshold is in
  /// [-1, max_level]. Packing and comparing are several times faster than a look-up.
  struct Step {
    int threshold = 0;
    bool inverted = false;
  };
  [[nodiscard]] std::optional<Step> as_step() const { return step_; }

  /// A table of two pieces, each a constant, the identity or its inverse: what thresholds and inversions compose to.
  /// It maps v to (v & keep) ^ flip, with the values for `low` up to `threshold` and those for `high` above it.
  struct Split {
    struct Piece {
      std::uint16_t keep = 0;
      std::uint16_t flip = 0;
    };
    int threshold = 0;  ///< In [0, max_level].
    Piece low;
    Piece high;
  };
  /// Known without a search, as are the others.
  [[nodiscard]] const std::optional<Split>& as_split() const { return split_; }

  [[nodiscard]] const std::uint16_t* data() const { return map_.data(); }

 private:
  void classify();
  [[nodiscard]] std::size_t run_end(const Split::Piece& piece, std::size_t begin) const;
  [[nodiscard]] std::optional<Split> find_split() const;

  Depth depth_;
  std::vector<std::uint16_t> map_;
  // What the table is: found once when it changes, as rows ask for it one by one.
  bool identity_ = true;
  bool two_level_ = false;
  std::optional<Step> step_;
  std::optional<Split> split_;
};

/// Maps every colour channel of `in` through the table into `out` (same shape; may be `in` itself); alpha is copied.
/// `out` is allocated unless it already fits. One pass; allocates nothing else.
void apply_table(const LevelTable& table, const cv::Mat& in, cv::Mat& out);

/// Packs one row of a one-channel frame through a two-level table into bits, most significant bit first, white = 1;
/// spare bits of the last byte are 0. `row` is uint8_t or uint16_t by the table's depth; `bits` holds (width + 7) / 8.
void pack_row(const LevelTable& table, const void* row, int width, std::uint8_t* bits);

}  // namespace pixmill::kernels
