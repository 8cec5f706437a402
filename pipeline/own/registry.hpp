#pragma once

#include "kernels/kernel.hpp"
#include "pipeline/own/own_kernel.hpp"
#include "pipeline/own/own_reduction.hpp"

#include <memory>
#include <string_view>
#include <vector>

/// Every kernel and reduction there is: pixmill's own, and those that the library's user has registered. What is
/// registered stays as long as the process. Any thread.
namespace pixmill::pipeline {

/// The kernel of that name, or null.
[[nodiscard]] const kernels::Kernel* find_any_kernel(std::string_view name);
/// All at this moment: pixmill's in the order of the documentation, then own ones as they came.
[[nodiscard]] std::vector<const kernels::Kernel*> every_kernel();

/// Every reduction at this moment, in the order of reports: pixmill's, then own ones as they came.
[[nodiscard]] std::vector<const kernels::Reduction*> every_reduction();

/// What is to be registered together.
struct OwnCode {
  std::vector<std::unique_ptr<UserKernel>> kernels;
  std::vector<std::unique_ptr<UserReduction>> reductions;
};
/// Registers all of it or, where a name is taken, nothing: throws Error (usage).
void register_own(OwnCode code);

}  // namespace pixmill::pipeline
