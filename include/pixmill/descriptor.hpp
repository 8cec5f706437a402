#pragma once

#include <span>
#include <string_view>

/// What a kernel or a reduction is, as data. Help, validation, `pixmill kernels` and the documentation are read from
/// these.
namespace pixmill {

/// How the text of an argument is read.
enum class ParamType : unsigned char {
  choice,           ///< One of `choices`.
  integer,          ///< A whole number in [min, max]; odd if `odd`.
  number,           ///< A decimal number in [min, max].
  level,            ///< A pixel value in [0, 65535] of the image's own depth, or `P%` of full scale.
  level_or_choice,  ///< Either of the two.
  size,             ///< `WxH`, `Wx`, `xH` in pixels, or `P%` of each side.
  region,           ///< `WxH+X+Y` in pixels: a size, and the left and upper edge.
  text,             ///< Any text without `,`, `:` and `=`, such as the name of a file.
};

/// One of the words that a choice may be.
struct Choice {
  std::string_view name = {};     ///< As it is written.
  std::string_view summary = {};  ///< One line.
};

/// One parameter of a kernel. All views refer to static storage.
struct ParamDescriptor {
  std::string_view name = {};          ///< As it is written before the `=`.
  std::string_view summary = {};       ///< One line.
  ParamType type = ParamType::number;  ///< How its text is read.
  /// As it would be written in a chain. Empty: it must be given, or the kernel computes it (`summary` says which).
  std::string_view default_text = {};
  /// Whether a chain must name it.
  bool required = false;
  double min = 0;                        ///< The least that is taken (integer, number).
  double max = 0;                        ///< The most (integer, number).
  bool odd = false;                      ///< Even numbers are refused (integer).
  std::span<const Choice> choices = {};  ///< Its words (choice, level_or_choice).
};

/// The channels that a kernel can take.
enum class ChannelNeed : unsigned char {
  any,  ///< Each channel by itself.
  one,  ///< One channel; `gray` is put before it where a chain does not.
};

/// The depths that a kernel can keep.
enum class DepthNeed : unsigned char {
  any,         ///< 8 and 16 bits.
  eight_bits,  ///< Works on (v + 128) / 257 of a 16-bit image, and gives 8 bits.
  depends,     ///< eight_bits with some arguments, any with others; `notes` says with which.
};

/// One kernel. All views refer to static storage.
struct KernelDescriptor {
  std::string_view name = {};                    ///< As written in a chain.
  std::string_view summary = {};                 ///< One line.
  std::string_view notes = {};                   ///< Definition, rounding, edge cases; a few sentences.
  std::string_view source = {};                  ///< The paper or the reference implementation.
  std::span<const ParamDescriptor> params = {};  ///< The first may be given bare if `has_bare`.
  bool has_bare = true;                          ///< Whether the first parameter may stand without its name.
  ChannelNeed channels = ChannelNeed::any;       ///< What it can take.
  DepthNeed depth = DepthNeed::any;              ///< What it can keep.
  bool keeps_alpha = false;  ///< Alpha passes through it untouched or resampled; otherwise it is dropped before.
  /// Chains that show it, each fit for `--ops`; at least one, the most telling first. Documentation, benchmark and the
  /// tests of every kernel run them, so there is one for each thing that it does in a different way.
  std::span<const std::string_view> examples = {};
};

/// One reduction of a batch. All views refer to static storage.
struct ReductionDescriptor {
  std::string_view name = {};     ///< As written in `--reduce`.
  std::string_view summary = {};  ///< One line.
  std::string_view notes = {};    ///< Definition, rounding, range.
  bool makes_image = false;       ///< Written NAME=FILE: its result is an image, pixel by pixel, in a file of its own.
};

}  // namespace pixmill
