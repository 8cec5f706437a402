#pragma once

#include <pixmill/descriptor.hpp>
#include <pixmill/export.hpp>

#include <opencv2/core/mat.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// Own kernels: once registered, they stand in chains beside those of pixmill, and run wherever those run.
///
///     pixmill::KernelDefinition sepia;
///     sepia.descriptor = {.name = "sepia", .summary = "Brown, as old prints are"};
///     sepia.image = [](const cv::Mat& in, cv::Mat& out, const pixmill::KernelArguments&) { ... };
///     pixmill::register_kernel(sepia);
///     const pixmill::Plan plan = pixmill::Plan::parse("sepia,resize=50%");
///
/// What makes the same bits everywhere, whichever backend, worker and order:
/// - The result depends on the pixels and the arguments alone: not on time, addresses, the thread, or earlier images.
/// - It may run in several threads at once, and in processes that were forked after it was bound. Start no thread.
/// - Those of StartMethod::program bind it once more, with the same arguments: it must become the same.
/// - Random numbers come from cv::theRNG(), which begins at the same place for each image.
namespace pixmill {

/// Size and kind of an image, without its pixels.
struct ImageShape {
  int width = 0;     ///< Pixels, at least 1.
  int height = 0;    ///< Pixels, at least 1.
  int channels = 1;  ///< 1 (gray), 2 (gray, alpha), 3 (B, G, R) or 4 (B, G, R, alpha).
  int bits = 8;      ///< Of a level: 8 or 16.

  /// Its type as OpenCV names it, such as CV_8UC3.
  [[nodiscard]] int type() const { return CV_MAKETYPE(bits == 16 ? CV_16U : CV_8U, channels); }
  /// Whether all four are the same.
  friend bool operator==(const ImageShape&, const ImageShape&) = default;
};

/// `WxH`, `Wx`, `xH` or `P%`, as an argument of ParamType::size has it.
struct SizeArgument {
  std::int64_t width = 0;   ///< Pixels; 0: not said.
  std::int64_t height = 0;  ///< Pixels; 0: not said.
  double percent = 0;       ///< Of each side; 0 unless a share was asked for.
};

/// `WxH+X+Y`, as an argument of ParamType::region has it, in pixels.
struct RegionArgument {
  std::int64_t width = 0;   ///< At least 1.
  std::int64_t height = 0;  ///< At least 1.
  std::int64_t x = 0;       ///< Of the left edge.
  std::int64_t y = 0;       ///< Of the upper edge.
};

/// The arguments of one kernel in a chain: checked against its descriptor, defaults filled in.
///
/// Valid for the duration of the call that it is passed to. Each function throws std::invalid_argument for a name that
/// the descriptor has not, a parameter of another type, or one that was not given and has no default. Any thread.
class KernelArguments {
 public:
  KernelArguments() = default;
  KernelArguments(const KernelArguments&) = delete;
  KernelArguments& operator=(const KernelArguments&) = delete;
  virtual ~KernelArguments() = default;

  /// Whether it has a value: false if it was not given and has no default.
  [[nodiscard]] virtual bool given(std::string_view name) const = 0;
  /// Of ParamType::integer.
  [[nodiscard]] virtual std::int64_t integer(std::string_view name) const = 0;
  /// Of ParamType::number.
  [[nodiscard]] virtual double number(std::string_view name) const = 0;
  /// Of ParamType::choice, and level_or_choice where a choice was given: its name, as in the descriptor.
  [[nodiscard]] virtual std::string_view choice(std::string_view name) const = 0;
  /// Of ParamType::level, and level_or_choice where a level was given: as a level of images with so many bits (8 or
  /// 16), which may have a fraction. Throws std::out_of_range for one beyond the largest level; left to escape from
  /// apply(), it is the reason why the image failed.
  [[nodiscard]] virtual double level(std::string_view name, int bits) const = 0;
  /// Of ParamType::size.
  [[nodiscard]] virtual SizeArgument size(std::string_view name) const = 0;
  /// Of ParamType::region.
  [[nodiscard]] virtual RegionArgument region(std::string_view name) const = 0;
  /// Of ParamType::text.
  [[nodiscard]] virtual std::string_view text(std::string_view name) const = 0;
};

/// An own kernel bound to its arguments. Used by any number of threads at once.
class KernelOperation {
 public:
  KernelOperation() = default;
  KernelOperation(const KernelOperation&) = delete;
  KernelOperation& operator=(const KernelOperation&) = delete;
  virtual ~KernelOperation() = default;

  /// The shape that comes out: of 1 or 3 channels, and alpha where what goes in has it. Asked from the header alone,
  /// before the pixels are decoded, by batches and pools also in the process that makes them. What it throws is the
  /// reason why the image failed.
  [[nodiscard]] virtual ImageShape output_shape(const ImageShape& in) const { return in; }
  /// An upper bound of the memory that apply() takes beside `in` and `out`, in bytes. It counts against `--max-memory`
  /// before the image is decoded.
  [[nodiscard]] virtual std::uint64_t scratch_bytes(const ImageShape& in) const = 0;
  /// Computes `out`, which has output_shape() and undefined pixels, shares none with `in`, and may have padded rows, as
  /// `in` may. Writes every pixel. `in` must stay as it is.
  ///
  /// What it throws is the reason why the image failed (`kernel-failed`); std::bad_alloc makes it `out-of-memory`. A
  /// `cv::Mat` of the same shape may be assigned to `out`, at the price of a copy.
  virtual void apply(const cv::Mat& in, cv::Mat& out) const = 0;
  /// What decides the result beside the arguments, such as a checksum of a file that was loaded; `--resume` takes
  /// outputs that were made with another one for unfinished.
  [[nodiscard]] virtual std::string identity() const { return {}; }
};

/// What an own kernel is: its descriptor, and exactly one of `bind`, `image` and `level`.
struct KernelDefinition {
  /// Copied with all that it refers to. The name is lower-case letters, digits, `-` and `_`, a letter first, at
  /// most 64. `channels`, `depth` (any or eight_bits) and `keeps_alpha` say what comes in: with ChannelNeed::one,
  /// `gray` is put before it, and a JPEG of which only the luma is needed is decoded to luma alone.
  KernelDescriptor descriptor = {};
  /// Of the code behind it: change it when results change, and `--resume` makes outputs of older ones again.
  std::string version = "1";

  /// Makes the operation of such arguments. Called when a plan is parsed and whenever it is compiled, in the process
  /// that does that and before workers are locked in, so this is where files are opened. What it throws refuses the
  /// plan, as an Error (usage).
  std::function<std::unique_ptr<const KernelOperation>(const KernelArguments& arguments)> bind = nullptr;

  /// In place of `bind`, for a function that gives an image of the same size and type: KernelOperation::apply() with
  /// arguments.
  std::function<void(const cv::Mat& in, cv::Mat& out, const KernelArguments& arguments)> image = nullptr;
  /// Of `image`: memory that it takes beside `in` and `out`, as a multiple of the bytes of `in`.
  double scratch_images = 1;

  /// In place of `bind`, for a function from level to level, of every colour channel; alpha is left alone. It is called
  /// once for each level, not for each pixel, and shares a pass with its neighbours in the chain. `level` and the
  /// result are from 0 to `largest` (255 or 65535); what lies beyond is brought to the nearer end.
  std::function<int(int level, int largest, const KernelArguments& arguments)> level = nullptr;

  /// Numbers of system calls (`SYS_…` of <sys/syscall.h>) that a locked-in worker may make for it beside those that
  /// SECURITY.md lists. Any argument is allowed then, for every kernel in that chain: name as few as you can.
  std::vector<int> system_calls = {};
};

/// Registers a kernel for the life of the process, for every plan that is parsed from now on. Throws Error (usage) for
/// a name that is taken, by pixmill or by an own kernel, and for a definition that contradicts itself. Any thread, at
/// any time; what runs already is not touched.
PIXMILL_API void register_kernel(const KernelDefinition& definition);

}  // namespace pixmill
