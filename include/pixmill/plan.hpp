#pragma once

#include <pixmill/descriptor.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace pixmill {

class Plan;

namespace pipeline {
struct Chain;
const Chain& chain_of(const Plan& plan);
}  // namespace pipeline

/// A chain of kernels as the user wrote it, checked: every name, key, type and range is right.
///
/// A value: cheap to copy (shared, immutable), usable from any thread.
class Plan {
 public:
  /// The empty chain: images are decoded and encoded, nothing between.
  Plan();

  /// Reads `NAME[=ARG[:ARG]...]` separated by commas, as in "gray,threshold=otsu:type=binary_inv". The empty text is
  /// the empty chain. Throws Error (usage) whose one line names the token, what was expected and the nearest right
  /// name.
  [[nodiscard]] static Plan parse(std::string_view chain);

  /// The chain as it will run, with every default written out and `gray` where a kernel needs one channel. Two plans
  /// that do the same have the same text; parse(text()) is the same plan.
  [[nodiscard]] const std::string& text() const;
  [[nodiscard]] bool empty() const;

 private:
  friend const pipeline::Chain& pipeline::chain_of(const Plan& plan);
  explicit Plan(std::shared_ptr<const pipeline::Chain> chain);
  std::shared_ptr<const pipeline::Chain> chain_;
};

/// Every kernel, in the order of the documentation. Static storage.
[[nodiscard]] const std::vector<const KernelDescriptor*>& kernel_descriptors();

/// Every reduction that `--reduce` may name, in the order of reports. Static storage.
[[nodiscard]] const std::vector<const ReductionDescriptor*>& reduction_descriptors();

/// Of `candidates` the one that `word` was most likely meant to be, or an empty text when none is near.
[[nodiscard]] std::string nearest_name(std::string_view word, const std::vector<std::string_view>& candidates);

}  // namespace pixmill
