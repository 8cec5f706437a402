#pragma once

#include <pixmill/descriptor.hpp>
#include <pixmill/export.hpp>
#include <pixmill/image.hpp>

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pixmill {

class Plan;

namespace pipeline {
struct Chain;
class FrameRunner;
const Chain& chain_of(const Plan& plan);
}  // namespace pipeline

/// One argument of a kernel, as Plan::then() takes it: {"window", 41}, {"method", "sauvola"}, {"sigma", 1.5}.
class PIXMILL_API Argument {
 public:
  /// `text` is what stands behind the `=` in a chain.
  Argument(std::string_view name, std::string_view text) : name_(name), text_(text) {}
  /// The same, of a text that it takes over.
  Argument(std::string_view name, std::string&& text) : name_(name), text_(std::move(text)) {}
  /// The same, of a literal.
  Argument(std::string_view name, const char* text) : Argument(name, std::string_view(text)) {}
  /// A whole number.
  template <std::integral Number>
  Argument(std::string_view name, Number number) : Argument(name, std::to_string(number)) {}
  /// Written with as many digits as it takes to read the same number again.
  Argument(std::string_view name, double number);

  /// The parameter's name.
  [[nodiscard]] const std::string& name() const { return name_; }
  /// What stands behind the `=`.
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string name_;
  std::string text_;
};

/// A chain of kernels, checked: every name, key, type and range is right.
///
/// A value: cheap to copy (shared, immutable), usable from any thread.
class PIXMILL_API Plan {
 public:
  /// The empty chain: images are decoded and encoded, nothing between.
  Plan();

  /// Reads `NAME[=ARG[:ARG]...]` separated by commas, as in "gray,threshold=otsu:type=binary_inv". The empty text is
  /// the empty chain. Throws Error (usage) whose one line names the token, what was expected and the nearest right
  /// name.
  [[nodiscard]] static Plan parse(std::string_view chain);

  /// This plan with one more kernel at its end, as Plan().then("gray").then("adaptive", {{"window", 41}, {"c", 20}}).
  /// Arguments have names here, in any order; those not given have their defaults. Throws as parse() does.
  [[nodiscard]] Plan then(std::string_view kernel, std::initializer_list<Argument> arguments = {}) const;

  /// Runs the chain over one image in memory and gives the bits that a batch would give for a file of these pixels
  /// (`gray=luma` weighs as bt601, since no luma is stored here; `scope=batch` takes the image for the whole batch).
  /// Alpha is dropped unless every kernel keeps it.
  ///
  /// The image is only read, and not referred to afterwards. What befalls it is in the result: `unsupported` for
  /// anything but what <pixmill/image.hpp> names, `kernel_failed`, `out_of_memory`. Throws std::bad_alloc alone.
  ///
  /// Any number of threads at once. Runs in the calling thread; kernels that are OpenCV's use its threads as far as the
  /// process lets them. Working memory is kept with the plan and its copies for the next call (at most as many sets as
  /// calls ran at once), so calls of one plan that is kept allocate nothing but the result.
  [[nodiscard]] ImageResult apply(const cv::Mat& image) const;
  /// The same into `result`, whose image is written over where it has the right size and type: then nothing is
  /// allocated. Headers that share these pixels see the new ones. `image` may be `result.image`.
  void apply(const cv::Mat& image, ImageResult& result) const;

  /// The chain as it will run, with every default written out and `gray` where a kernel needs one channel. Two plans
  /// that do the same have the same text; parse(text()) is the same plan.
  [[nodiscard]] const std::string& text() const;
  /// Whether it has no kernel.
  [[nodiscard]] bool empty() const;

 private:
  friend const pipeline::Chain& pipeline::chain_of(const Plan& plan);
  friend class pipeline::FrameRunner;
  explicit Plan(std::shared_ptr<const pipeline::Chain> chain);
  std::shared_ptr<const pipeline::Chain> chain_;
  std::shared_ptr<pipeline::FrameRunner> runner_;
};

/// Every kernel at this moment, pixmill's in the order of the documentation, then own ones (<pixmill/kernel.hpp>) as
/// they were registered. What is pointed at lasts as long as the process. Any thread.
[[nodiscard]] PIXMILL_API std::vector<const KernelDescriptor*> kernel_descriptors();

/// Every reduction that `--reduce` may name at this moment, in the order of reports: pixmill's, then own ones
/// (<pixmill/reduction.hpp>) as they were registered. What is pointed at lasts as long as the process. Any thread.
[[nodiscard]] PIXMILL_API std::vector<const ReductionDescriptor*> reduction_descriptors();

/// Of `candidates` the one that `word` was most likely meant to be, or an empty text when none is near.
[[nodiscard]] PIXMILL_API std::string nearest_name(std::string_view word,
                                                   const std::vector<std::string_view>& candidates);

}  // namespace pixmill
