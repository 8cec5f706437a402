#pragma once

#include <pixmill/descriptor.hpp>
#include <pixmill/export.hpp>

#include <opencv2/core/mat.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

/// Own reductions: once registered, BatchOptions::reductions and `--reduce` may name them.
///
///     struct Bright { std::uint64_t samples; };
///     pixmill::register_reduction(pixmill::reduction_of<Bright>(
///         {.name = "bright", .summary = "Samples brighter than 200"},
///         [](const cv::Mat& image, Bright& state) { state.samples = cv::countNonZero(image.reshape(1) > 200); },
///         [](const Bright& from, Bright& into) { into.samples += from.samples; },
///         [](const Bright& state, std::uint64_t images) { return std::vector{double(state.samples)}; }));
///
/// A reduction has a state of so many bytes. Each image makes one, in its worker; it travels to the coordinator, is
/// kept for `--resume`, and is merged there with those of all other images, in whatever order they come.
///
/// What makes the same bits everywhere: the state holds whole numbers, and merging is commutative and associative to
/// the bit, so sums of floating-point numbers are out. It is tried on the first images of every batch, and a reduction
/// that fails it has no result.
namespace pixmill {

/// What an own reduction is. All functions may be called by several threads at once, each with states of its own. What
/// they throw fails the image (`add`), or leaves the reduction without a result (`merge`, `report`).
struct ReductionDefinition {
  /// Copied with all that it refers to. A name like that of a kernel; `makes_image` must be false.
  ReductionDescriptor descriptor = {};
  /// Of the code behind it: change it when results change, and `--resume` adds images again.
  std::string version = "1";
  /// Of the state, from 1 to 32768. States of zeros are those of no image.
  std::size_t state_bytes = 0;

  /// Makes the state of one image after the chain: CV_8U or CV_16U, 1 (gray) or 3 channels (B, G, R), no alpha, rows as
  /// they are. `state` is zeros, and aligned to 16. In the worker, so system calls are those of SECURITY.md and below.
  std::function<void(const cv::Mat& image, std::span<std::byte> state)> add = nullptr;
  /// Adds one state to another. In the coordinator, with states that a worker made: where images are not trusted,
  /// neither are these, so any bytes must be safe.
  std::function<void(std::span<const std::byte> from, std::span<std::byte> into)> merge = nullptr;
  /// The result of `images` > 0 images: any number of values, the same number for every batch. Likewise safe.
  std::function<std::vector<double>(std::span<const std::byte> state, std::uint64_t images)> report = nullptr;

  /// Memory that add() takes, as a multiple of the bytes of the image.
  double scratch_images = 1;
  /// As KernelDefinition::system_calls.
  std::vector<int> system_calls = {};
};

/// A reduction whose state is a struct of whole numbers, without a gap between them. `add(const cv::Mat&, State&)`,
/// `merge(const State&, State&)` and `report(const State&, std::uint64_t images)` are as in ReductionDefinition.
template <typename State, typename Add, typename Merge, typename Report>
[[nodiscard]] ReductionDefinition reduction_of(const ReductionDescriptor& descriptor, Add add, Merge merge,
                                               Report report) {
  static_assert(std::is_trivially_copyable_v<State>, "a state travels as bytes");
  static_assert(std::has_unique_object_representations_v<State>,
                "a state holds whole numbers without gaps: sums of floating-point numbers depend on their order");
  const auto load = [](std::span<const std::byte> bytes) {
    State state;
    std::memcpy(&state, bytes.data(), sizeof state);
    return state;
  };
  ReductionDefinition definition;
  definition.descriptor = descriptor;
  definition.state_bytes = sizeof(State);
  definition.add = [load, add](const cv::Mat& image, std::span<std::byte> bytes) {
    State state = load(bytes);
    add(image, state);
    std::memcpy(bytes.data(), &state, sizeof state);
  };
  definition.merge = [load, merge](std::span<const std::byte> from, std::span<std::byte> into) {
    State state = load(into);
    merge(load(from), state);
    std::memcpy(into.data(), &state, sizeof state);
  };
  definition.report = [load, report](std::span<const std::byte> bytes, std::uint64_t images) {
    return report(load(bytes), images);
  };
  return definition;
}

/// Registers a reduction for the life of the process. Throws Error (usage) for a name that is taken, and for a
/// definition that contradicts itself. Any thread, at any time; what runs already is not touched.
PIXMILL_API void register_reduction(const ReductionDefinition& definition);

}  // namespace pixmill
