#pragma once

#include "kernels/kernel.hpp"
#include "pipeline/own/stored_descriptor.hpp"

#include <pixmill/kernel.hpp>

#include <span>
#include <string>
#include <vector>

namespace pixmill::pipeline {

/// A kernel of the library's user, made into one like ours: what it throws fails the image, what it gives is looked at
/// before it is believed. Immutable; any thread.
class UserKernel final : public kernels::OwnKernel {
 public:
  /// Copies the definition; `plugin` as for plugin(). Throws Error (usage) if it contradicts itself.
  explicit UserKernel(const KernelDefinition& definition, std::string plugin = {});

  [[nodiscard]] const kernels::Kernel& row() const { return row_; }

  [[nodiscard]] kernels::Operation bind(const kernels::Arguments& arguments) const override;
  [[nodiscard]] std::string identity(const kernels::Operation& operation) const override;
  [[nodiscard]] std::span<const int> system_calls() const override { return definition_.system_calls; }
  [[nodiscard]] const std::string& plugin() const override { return plugin_; }

 private:
  StoredKernelDescriptor descriptor_;
  KernelDefinition definition_;
  std::string plugin_;
  kernels::Kernel row_;
};

/// Throws Error (usage) for a number that is no system call. `owner`: who named it.
void check_system_calls(const std::string& owner, const std::vector<int>& calls);

}  // namespace pixmill::pipeline
