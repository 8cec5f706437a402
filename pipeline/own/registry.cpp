#include "pipeline/own/registry.hpp"

#include <pixmill/error.hpp>
#include <pixmill/kernel.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <string>
#include <utility>

namespace pixmill::pipeline {
namespace {

struct Registry {
  std::mutex mutex;
  std::vector<std::unique_ptr<UserKernel>> kernels;
};

// Never destroyed: plans of static storage duration may outlive what is.
Registry& registry() {
  static auto& the_one = *new Registry;
  return the_one;
}

const kernels::Kernel* find_own(const Registry& all, std::string_view name) {
  for (const auto& kernel : all.kernels) {
    if (kernel->row().descriptor->name == name) return &kernel->row();
  }
  return nullptr;
}

[[noreturn]] void refuse_taken(std::string_view what, std::string_view name, std::string_view whose) {
  throw Error(ErrorCode::usage, fmt::format("own {} '{}': there is a {} of that name already, {}; choose another name",
                                            what, name, what, whose));
}

void check_free(const Registry& all, const OwnCode& code) {
  for (auto kernel = code.kernels.begin(); kernel != code.kernels.end(); ++kernel) {
    const std::string_view name = (*kernel)->row().descriptor->name;
    if (kernels::find_kernel(name) != nullptr) refuse_taken("kernel", name, "which is pixmill's");
    const bool twice = std::any_of(code.kernels.begin(), kernel,
                                   [name](const auto& other) { return other->row().descriptor->name == name; });
    if (twice || find_own(all, name) != nullptr) refuse_taken("kernel", name, "which is registered");
  }
}

}  // namespace

const kernels::Kernel* find_any_kernel(std::string_view name) {
  if (const kernels::Kernel* kernel = kernels::find_kernel(name)) return kernel;
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  return find_own(all, name);
}

std::vector<const kernels::Kernel*> every_kernel() {
  std::vector<const kernels::Kernel*> every;
  for (const kernels::Kernel& kernel : kernels::all_kernels()) every.push_back(&kernel);
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  for (const auto& kernel : all.kernels) every.push_back(&kernel->row());
  return every;
}

void register_own(OwnCode code) {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  check_free(all, code);
  all.kernels.reserve(all.kernels.size() + code.kernels.size());
  for (auto& kernel : code.kernels) all.kernels.push_back(std::move(kernel));
}

}  // namespace pixmill::pipeline

namespace pixmill {

void register_kernel(const KernelDefinition& definition) {
  pipeline::OwnCode code;
  code.kernels.push_back(std::make_unique<pipeline::UserKernel>(definition));
  pipeline::register_own(std::move(code));
}

}  // namespace pixmill
