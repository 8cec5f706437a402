#include "kernels/accumulator.hpp"

#include <algorithm>
#include <utility>

namespace pixmill::kernels {

namespace {

// An 8-bit level v is the 16-bit level 257 v.
constexpr std::uint32_t kLift = 257;

ChannelPartial partial_of(std::span<const std::uint32_t> counts, bool with_histogram) {
  ChannelPartial partial;
  const auto counted = [](std::uint32_t count) { return count != 0; };
  const auto first = std::find_if(counts.begin(), counts.end(), counted);
  if (first != counts.end()) {
    const auto last = std::find_if(counts.rbegin(), counts.rend(), counted).base();
    partial.min = static_cast<std::uint32_t>(first - counts.begin());
    partial.max = static_cast<std::uint32_t>(last - counts.begin() - 1);
  }
  for (std::uint64_t level = partial.min; level <= partial.max; ++level) {
    const std::uint64_t weight = level * counts[level];
    partial.sum += weight;
    partial.sum_of_squares += level * weight;
  }
  if (with_histogram) partial.histogram.assign(counts.begin(), counts.end());
  return partial;
}

void add_counts(const std::vector<std::uint64_t>& counts, std::size_t step, std::vector<std::uint64_t>& sums) {
  for (std::size_t level = 0; level < counts.size(); ++level) sums[level * step] += counts[level];
}

}  // namespace

Partial make_partial(const Histogram& histogram, bool with_histogram) {
  Partial partial{histogram.depth(), histogram.pixels(), {}, {}};
  partial.channels.reserve(static_cast<std::size_t>(histogram.channels()));
  for (int channel = histogram.channels() - 1; channel >= 0; --channel) {  // B, G, R becomes R, G, B.
    partial.channels.push_back(partial_of(histogram.counts(channel), with_histogram));
  }
  return partial;
}

Accumulator::Accumulator(bool with_histogram) : with_histogram_(with_histogram) {}

void Accumulator::add(const Partial& partial) {
  if (partial.pixels == 0) return;
  Group& group = groups_[group_index(partial.depth, partial.channels.size())];
  group.images += 1;
  group.pixels += partial.pixels;
  group.channels.resize(partial.channels.size());
  for (std::size_t i = 0; i < partial.channels.size(); ++i) {
    const ChannelPartial& from = partial.channels[i];
    Channel& to = group.channels[i];
    to.min = std::min(to.min, from.min);
    to.max = std::max(to.max, from.max);
    to.sum += from.sum;
    to.sum_of_squares += from.sum_of_squares;
    if (!with_histogram_) continue;
    to.histogram.resize(static_cast<std::size_t>(level_count(partial.depth)));
    for (std::size_t level = 0; level < from.histogram.size(); ++level) to.histogram[level] += from.histogram[level];
  }
}

void Accumulator::merge(const Accumulator& other) {
  for (std::size_t index = 0; index < groups_.size(); ++index) {
    const Group& from = other.groups_[index];
    Group& to = groups_[index];
    to.images += from.images;
    to.pixels += from.pixels;
    to.channels.resize(std::max(to.channels.size(), from.channels.size()));
    for (std::size_t i = 0; i < from.channels.size(); ++i) to.channels[i].take(from.channels[i], 1, with_histogram_);
  }
}

void Accumulator::Channel::take(const Channel& from, std::uint32_t lift, bool with_histogram) {
  min = std::min(min, from.min * lift);
  max = std::max(max, from.max * lift);
  sum += from.sum * lift;
  sum_of_squares += from.sum_of_squares * lift * lift;
  if (!with_histogram || from.histogram.empty()) return;
  histogram.resize(std::max(histogram.size(), (from.histogram.size() - 1) * lift + 1));
  add_counts(from.histogram, lift, histogram);
}

Accumulator::Result Accumulator::finish() const {
  Result result;
  std::size_t channels = 0;
  for (std::size_t index = 0; index < groups_.size(); ++index) {
    const Group& group = groups_[index];
    if (group.images == 0) continue;
    result.images += group.images;
    result.pixels += group.pixels;
    channels = std::max(channels, group.channels.size());
    if (index >= 2) result.depth = Depth::sixteen;
  }
  if (channels == 0) return result;

  std::vector<Channel> totals(channels);
  for (std::size_t index = 0; index < groups_.size(); ++index) {
    const Group& group = groups_[index];
    if (group.images == 0) continue;
    const std::uint32_t lift = index < 2 && result.depth == Depth::sixteen ? kLift : 1;
    for (std::size_t i = 0; i < channels; ++i) {
      totals[i].take(group.channels[group.channels.size() == 1 ? 0 : i], lift, with_histogram_);
    }
  }
  for (Channel& total : totals) {
    result.channels.push_back({result.depth, result.pixels, total.min, total.max, total.sum, total.sum_of_squares,
                               std::move(total.histogram)});
  }
  return result;
}

}  // namespace pixmill::kernels
