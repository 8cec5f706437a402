#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace pixmill::ipc {

/// The numbers from `begin` up to, and not including, `end`.
struct Range {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;

  [[nodiscard]] std::uint64_t size() const { return end - begin; }
  friend bool operator==(const Range&, const Range&) = default;
};

/// What two ranges share; empty (size 0) when nothing.
[[nodiscard]] Range overlap(Range a, Range b);

/// A set of numbers, kept as few ranges: sorted, none empty, none touching the next. Every operation is linear in the
/// number of ranges, which is small where it is used (one more than there are frames lent). Private memory; one thread.
class RangeSet {
 public:
  /// Adds what of the range is not in the set yet.
  void insert(Range range);
  /// Takes out what of the range is in the set.
  void erase(Range range);
  void clear() { ranges_.clear(); }

  [[nodiscard]] std::span<const Range> ranges() const { return ranges_; }
  [[nodiscard]] std::uint64_t size() const;
  /// How many numbers of `range` are in the set.
  [[nodiscard]] std::uint64_t size_within(Range range) const;

 private:
  /// Index of the first range that ends at or behind `begin`.
  [[nodiscard]] std::ptrdiff_t first_reaching(std::uint64_t begin) const;

  std::vector<Range> ranges_;
};

}  // namespace pixmill::ipc
