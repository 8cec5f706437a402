#pragma once

#include "kernels/frame.hpp"
#include "kernels/histogram.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

/// What is gathered of the levels of a batch, and what every reduction over levels is finished from.
///
/// A monoid over integers (identity, accumulate, merge), so neither the order of the images nor the way they are split
/// over workers can change a bit. What needs a division or a root is computed once, at the end (reduction.hpp).
namespace pixmill::kernels {

__extension__ using Uint128 = unsigned __int128;

__extension__ using Int128 = __int128;

/// What one channel of one image adds to a batch.
struct ChannelPartial {
  std::uint32_t min = 0;
  std::uint32_t max = 0;
  std::uint64_t sum = 0;
  std::uint64_t sum_of_squares = 0;      ///< < 2^60 for 2^28 pixels of 16 bits.
  std::vector<std::uint32_t> histogram;  ///< level_count(depth) counts, or empty where not asked for.
};

/// What one image adds to a batch: the state that travels from a worker to the coordinator.
struct Partial {
  Depth depth = Depth::eight;
  std::uint64_t pixels = 0;
  std::vector<ChannelPartial> channels;  ///< One (gray) or three, in R, G, B order.
  std::vector<std::byte> own;            ///< States of own reductions, whose meaning is not known here.
};

/// The partial of an image from its histogram (whose channels are gray, or B, G, R). With `with_histogram` the counts
/// themselves are kept as well. Exact.
[[nodiscard]] Partial make_partial(const Histogram& histogram, bool with_histogram);

/// Everything that is known of one channel of a batch of at least one pixel.
struct ChannelTotals {
  Depth depth = Depth::eight;
  std::uint64_t pixels = 0;
  std::uint32_t min = 0;
  std::uint32_t max = 0;
  Uint128 sum = 0;
  Uint128 sum_of_squares = 0;
  std::vector<std::uint64_t> histogram;  ///< level_count(depth) counts, or empty where not asked for.
};

/// The state of a batch.
///
/// Gray and colour images, and 8- and 16-bit ones, are kept apart until the end: if both colour and gray were seen,
/// gray counts as R = G = B; if both depths were seen, an 8-bit level v counts as 257 v. So the result does not depend
/// on which came first. Not thread-safe. About 2 KiB a channel and depth with 8-bit histograms, 512 KiB with 16-bit
/// ones.
class Accumulator {
 public:
  explicit Accumulator(bool with_histogram = true);
  void add(const Partial& partial);
  void merge(const Accumulator& other);

  struct Result {
    std::uint64_t images = 0;
    std::uint64_t pixels = 0;
    Depth depth = Depth::eight;
    std::vector<ChannelTotals> channels;  ///< Empty when no image entered; one (gray), or R, G, B.
    /// What each own reduction reports. Not of this accumulator: put there by who knows it.
    std::vector<std::vector<double>> own = {};
  };
  [[nodiscard]] Result finish() const;

 private:
  struct Channel {
    std::uint32_t min = 0xFFFFFFFF;
    std::uint32_t max = 0;
    Uint128 sum = 0;
    Uint128 sum_of_squares = 0;
    std::vector<std::uint64_t> histogram;
    /// Adds what `from` counted, its levels times `lift`.
    void take(const Channel& from, std::uint32_t lift, bool with_histogram);
  };
  struct Group {
    std::uint64_t images = 0;
    std::uint64_t pixels = 0;
    std::vector<Channel> channels;
  };
  [[nodiscard]] static std::size_t group_index(Depth depth, std::size_t channels) {
    return (depth == Depth::sixteen ? 2U : 0U) + (channels == 3 ? 1U : 0U);
  }
  bool with_histogram_;
  std::array<Group, 4> groups_;  // {8, 16 bits} × {gray, colour}
};

}  // namespace pixmill::kernels
