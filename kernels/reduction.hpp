#pragma once

#include "kernels/accumulator.hpp"

#include <pixmill/descriptor.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

/// Reductions: from a whole batch to a few numbers, or to one image. A new one is a file and a row.
namespace pixmill::kernels {

/// A finished value of one channel: a whole number, a number, or a list of counts.
using ReductionValue = std::variant<Uint128, double, std::vector<std::uint64_t>>;

/// A reduction of the levels of a batch, channel by channel: a function of what the Accumulator has gathered.
struct LevelReduction {
  /// Whether ChannelTotals::histogram must be there.
  bool needs_histogram = false;
  /// Whether it gives counts, one a level, and not a single number: reported of the whole batch alone.
  bool makes_counts = false;
  /// Null: the report has it anyway (`count`). Deterministic: the same totals give the same bits on every machine.
  ReductionValue (*finish)(const ChannelTotals& totals) = nullptr;
};

/// A reduction pixel by pixel, of images of one size, to an image of that size.
///
/// A monoid whose state is one plain record a sample (a channel of a pixel). Levels come as 16 bits, an 8-bit level v
/// as 257 v, so that a batch may mix depths; records are trivially copyable, so that a gray batch that meets a colour
/// image becomes a colour batch by copying each record three times. Adding must be commutative and exact. All functions
/// may run at the same time on different records.
struct PixelReduction {
  std::size_t record_bytes = 0;
  /// Makes records of no image. `records` holds a multiple of record_bytes, aligned to 16.
  void (*begin)(std::span<std::byte> records) = nullptr;
  /// Takes in one level a record.
  void (*add)(std::span<const std::uint16_t> levels, std::byte* records) = nullptr;
  /// The result, one 16-bit level a record, of `images` > 0 images (fewer than 2^32).
  void (*finish)(const std::byte* records, std::uint64_t images, std::span<std::uint16_t> levels) = nullptr;
  /// Whether only levels that were in the images come out: then the image has 8 bits where all images had.
  bool keeps_levels = false;
};

/// A reduction that is in no table of ours, because the user of the library has registered it. Who did knows what it
/// is.
class OwnReduction {
 public:
  OwnReduction() = default;
  OwnReduction(const OwnReduction&) = delete;
  OwnReduction& operator=(const OwnReduction&) = delete;
  virtual ~OwnReduction() = default;
};

/// A row of the reduction table.
struct Reduction {
  const ReductionDescriptor* descriptor = nullptr;
  std::variant<LevelReduction, PixelReduction, const OwnReduction*> operation;
};

/// Every reduction, in the order of reports and documentation. Static storage.
[[nodiscard]] std::span<const Reduction> all_reductions();
/// The reduction of that name, or null.
[[nodiscard]] const Reduction* find_reduction(std::string_view name);

}  // namespace pixmill::kernels
