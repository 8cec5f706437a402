#pragma once

#include <pixmill/descriptor.hpp>

#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace pixmill::pipeline {

/// A descriptor with all that it refers to, which whoever registered it may let go.
class StoredKernelDescriptor {
 public:
  explicit StoredKernelDescriptor(const KernelDescriptor& original);
  StoredKernelDescriptor(const StoredKernelDescriptor&) = delete;
  StoredKernelDescriptor& operator=(const StoredKernelDescriptor&) = delete;
  [[nodiscard]] const KernelDescriptor& get() const { return descriptor_; }

 private:
  std::string_view keep(std::string_view text);

  KernelDescriptor descriptor_;
  std::deque<std::string> texts_;
  std::deque<std::vector<Choice>> choices_;
  std::vector<ParamDescriptor> params_;
  std::vector<std::string_view> examples_;
};

/// Throws Error (usage) unless the name is one that a chain or a list can have. `what`: "kernel", "reduction".
void check_own_name(std::string_view what, std::string_view name);

/// Throws Error (usage) for a descriptor that no chain could be checked against: names that are wrong or twice there,
/// choices that are missing, a default that is not in its range.
void check_descriptor(const KernelDescriptor& descriptor);

}  // namespace pixmill::pipeline
