#include "ipc/range_set.hpp"

#include <algorithm>

namespace pixmill::ipc {

Range overlap(Range a, Range b) {
  const std::uint64_t begin = std::max(a.begin, b.begin);
  return {begin, std::max(begin, std::min(a.end, b.end))};
}

std::ptrdiff_t RangeSet::first_reaching(std::uint64_t begin) const {
  const auto reaches = [begin](const Range& range) { return range.end < begin; };
  return std::partition_point(ranges_.begin(), ranges_.end(), reaches) - ranges_.begin();
}

void RangeSet::insert(Range range) {
  if (range.size() == 0) return;
  const auto first = ranges_.begin() + first_reaching(range.begin);
  auto last = first;
  for (; last != ranges_.end() && last->begin <= range.end; ++last) {
    range.begin = std::min(range.begin, last->begin);
    range.end = std::max(range.end, last->end);
  }
  if (first == last) {
    ranges_.insert(first, range);
    return;
  }
  *first = range;
  ranges_.erase(first + 1, last);
}

void RangeSet::erase(Range range) {
  if (range.size() == 0) return;
  auto at = ranges_.begin() + first_reaching(range.begin);
  while (at != ranges_.end() && at->begin < range.end) {
    const Range before{at->begin, std::min(at->end, range.begin)};
    const Range behind{std::max(at->begin, range.end), at->end};
    const bool keep_before = before.begin < before.end;
    const bool keep_behind = behind.begin < behind.end;
    if (keep_before && keep_behind) {
      *at = behind;
      ranges_.insert(at, before);
      return;
    }
    if (keep_before)
      *at++ = before;
    else if (keep_behind)
      *at++ = behind;
    else
      at = ranges_.erase(at);
  }
}

std::uint64_t RangeSet::size() const {
  std::uint64_t sum = 0;
  for (const Range& range : ranges_) sum += range.size();
  return sum;
}

std::uint64_t RangeSet::size_within(Range range) const {
  std::uint64_t sum = 0;
  for (auto at = ranges_.begin() + first_reaching(range.begin); at != ranges_.end() && at->begin < range.end; ++at)
    sum += overlap(*at, range).size();
  return sum;
}

}  // namespace pixmill::ipc
