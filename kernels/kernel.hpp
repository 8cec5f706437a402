#pragma once

#include "kernels/accumulator.hpp"
#include "kernels/frame.hpp"
#include "kernels/histogram.hpp"
#include "kernels/level_table.hpp"
#include "kernels/workspace.hpp"

#include <pixmill/descriptor.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace pixmill::kernels {

/// A pixel value in a chain: a number of the image's own levels, or a share of full scale.
struct Level {
  double value = 0;
  bool percent = false;
  /// The value at that depth. Throws KernelFailure if it is beyond the largest level.
  [[nodiscard]] double at(Depth depth, std::string_view what) const;
};

/// `WxH`, `Wx`, `xH` (the missing side 0) or `P%`.
struct SizeWish {
  std::int64_t width = 0;
  std::int64_t height = 0;
  double percent = 0;  ///< 0 unless a share was asked for.
};

/// `WxH+X+Y`.
struct RegionWish {
  std::int64_t width = 0;
  std::int64_t height = 0;
  std::int64_t x = 0;  ///< Of the left edge.
  std::int64_t y = 0;  ///< Of the upper edge.
};

/// Index into ParamDescriptor::choices.
struct ChoiceIndex {
  std::size_t index = 0;
};

/// What a parameter that takes any text was given.
struct Text {
  std::string text;
};

/// A checked argument. monostate: not given, and without a default.
using Value = std::variant<std::monostate, ChoiceIndex, std::int64_t, double, Level, SizeWish, RegionWish, Text>;

/// The arguments of one kernel in a chain, one a parameter in the descriptor's order, all within their ranges.
using Arguments = std::vector<Value>;

/// A point-wise kernel bound to its arguments: a function of the level alone, or of the level and the image's
/// histogram. Immutable; may be used by any number of threads.
class LevelOperation {
 public:
  virtual ~LevelOperation() = default;
  [[nodiscard]] virtual bool needs_histogram() const { return false; }
  /// Whether the histogram of the whole batch decides what it does; then it takes part in decided() before compose().
  [[nodiscard]] virtual bool needs_batch() const { return false; }
  /// This operation for a batch whose images, as they come to it, have these levels (one channel); null totals: none
  /// does. It needs no batch any more. Throws KernelFailure.
  [[nodiscard]] virtual std::unique_ptr<const LevelOperation> decided(const ChannelTotals* /*batch*/) const {
    return nullptr;
  }
  /// What was decided, for records and hashes: "threshold=otsu: 117 of 255"; empty where nothing was.
  [[nodiscard]] virtual std::string decision() const { return {}; }
  /// What was decided, as numbers of which decided_as() makes it again in another process; empty where nothing was.
  [[nodiscard]] virtual std::vector<std::int64_t> decided_numbers() const { return {}; }
  /// As decided() once gave it, of what an operation with the same arguments decided; null where the numbers make no
  /// sense.
  [[nodiscard]] virtual std::unique_ptr<const LevelOperation> decided_as(
      std::span<const std::int64_t> /*numbers*/) const {
    return nullptr;
  }
  /// Composes this after `table`. `histogram` is of the levels that come out of `table` (one channel), null unless
  /// needs_histogram(). Throws KernelFailure.
  virtual void compose(const Histogram* histogram, LevelTable& table) const = 0;
};

/// Any other kernel bound to its arguments. Immutable; may be used by any number of threads, each with its workspace.
class FrameOperation {
 public:
  virtual ~FrameOperation() = default;
  /// The shape that comes out. Throws KernelFailure when the kernel cannot be applied to it.
  [[nodiscard]] virtual FrameShape output_shape(const FrameShape& in) const { return in; }
  /// An upper bound of the scratch memory that apply() takes beside `in` and `out`.
  [[nodiscard]] virtual std::uint64_t scratch_bytes(const FrameShape& in) const = 0;
  /// Whether only the levels 0 and largest come out, given whether that holds of what goes in.
  [[nodiscard]] virtual bool output_is_two_level(bool input_is_two_level) const = 0;
  /// Computes `out`, already allocated to output_shape() and not overlapping `in`. Writes every pixel. Throws
  /// KernelFailure, std::bad_alloc.
  virtual void apply(const cv::Mat& in, cv::Mat& out, Workspace& workspace) const = 0;
  /// Whether a 16-bit frame is to be brought to 8 bits before apply(): so of every kernel whose descriptor says
  /// eight_bits, and of those that `depends` where these arguments ask for it.
  [[nodiscard]] virtual bool needs_eight_bits() const { return false; }
  /// Whether a frame of that shape comes out as it went in, so that apply() need not be called.
  [[nodiscard]] virtual bool leaves_unchanged(const FrameShape& /*in*/) const { return false; }
  /// Whether the picture is turned by a quarter, so that its horizontal resolution becomes the vertical one.
  [[nodiscard]] virtual bool turns_sideways() const { return false; }
  /// Whether this is `gray=luma`, which a decoder that stores luma does by itself.
  [[nodiscard]] virtual bool is_luma() const { return false; }
};

using Operation = std::variant<std::unique_ptr<const LevelOperation>, std::unique_ptr<const FrameOperation>>;

/// A kernel that is in no table of ours, because the user of the library has registered it.
class OwnKernel {
 public:
  OwnKernel() = default;
  OwnKernel(const OwnKernel&) = delete;
  OwnKernel& operator=(const OwnKernel&) = delete;
  virtual ~OwnKernel() = default;
  [[nodiscard]] virtual Operation bind(const Arguments& arguments) const = 0;
  /// Of its code, and whatever else decides its results beside the arguments.
  [[nodiscard]] virtual std::string identity(const Operation& operation) const = 0;
  /// Numbers of the system calls that it needs beside those of every worker.
  [[nodiscard]] virtual std::span<const int> system_calls() const = 0;
  /// The plug-in that it is from, by a path that is good in any process; empty if this program registered it.
  [[nodiscard]] virtual const std::string& plugin() const = 0;
};

/// A row of the kernel table.
struct Kernel {
  const KernelDescriptor* descriptor;
  /// Binds checked arguments. Throws pixmill::Error (usage) where arguments do not fit each other. Null in the row of
  /// an own kernel.
  Operation (*bind)(const Arguments& arguments);
  const OwnKernel* own = nullptr;

  /// Binds them, whoever made the kernel.
  [[nodiscard]] Operation bound(const Arguments& arguments) const {
    return own != nullptr ? own->bind(arguments) : bind(arguments);
  }
};

/// Every kernel, in the order of the documentation. Static storage.
[[nodiscard]] std::span<const Kernel> all_kernels();
/// The kernel of that name, or null.
[[nodiscard]] const Kernel* find_kernel(std::string_view name);

}  // namespace pixmill::kernels
