#include "pipeline/own/registry.hpp"

#include <pixmill/error.hpp>
#include <pixmill/kernel.hpp>
#include <pixmill/reduction.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <mutex>
#include <string>
#include <utility>

namespace pixmill::pipeline {
namespace {

struct Registry {
  std::mutex mutex;
  std::vector<std::unique_ptr<UserKernel>> kernels;
  std::vector<std::unique_ptr<UserReduction>> reductions;
};

// Never destroyed: plans of static storage duration may outlive what is.
Registry& registry() {
  static auto& the_one = *new Registry;
  return the_one;
}

template <typename Rows>
auto* find_own(const Rows& rows, std::string_view name) {
  const auto found =
      std::find_if(rows.begin(), rows.end(), [name](const auto& own) { return own->row().descriptor->name == name; });
  return found == rows.end() ? nullptr : &(*found)->row();
}

[[noreturn]] void refuse_taken(std::string_view what, std::string_view name, std::string_view whose) {
  throw Error(ErrorCode::usage, fmt::format("own {} '{}': there is a {} of that name already, {}; choose another name",
                                            what, name, what, whose));
}

// `ours`: finds those of pixmill.
template <typename Rows, typename Ours>
void check_free(std::string_view what, const Rows& all, const Rows& more, Ours ours) {
  for (auto own = more.begin(); own != more.end(); ++own) {
    const std::string_view name = (*own)->row().descriptor->name;
    if (ours(name) != nullptr) refuse_taken(what, name, "which is pixmill's");
    const bool twice =
        std::any_of(more.begin(), own, [name](const auto& other) { return other->row().descriptor->name == name; });
    if (twice || find_own(all, name) != nullptr) refuse_taken(what, name, "which is registered");
  }
}

template <typename Rows>
void move_behind(Rows& all, Rows& more) {
  std::move(more.begin(), more.end(), std::back_inserter(all));
}

}  // namespace

const kernels::Kernel* find_any_kernel(std::string_view name) {
  if (const kernels::Kernel* kernel = kernels::find_kernel(name)) return kernel;
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  return find_own(all.kernels, name);
}

std::vector<const kernels::Kernel*> every_kernel() {
  std::vector<const kernels::Kernel*> every;
  for (const kernels::Kernel& kernel : kernels::all_kernels()) every.push_back(&kernel);
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  for (const auto& kernel : all.kernels) every.push_back(&kernel->row());
  return every;
}

std::vector<const kernels::Reduction*> every_reduction() {
  std::vector<const kernels::Reduction*> every;
  for (const kernels::Reduction& reduction : kernels::all_reductions()) every.push_back(&reduction);
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  for (const auto& reduction : all.reductions) every.push_back(&reduction->row());
  return every;
}

void register_own(OwnCode code) {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  check_free("kernel", all.kernels, code.kernels, kernels::find_kernel);
  check_free("reduction", all.reductions, code.reductions, kernels::find_reduction);
  all.kernels.reserve(all.kernels.size() + code.kernels.size());
  all.reductions.reserve(all.reductions.size() + code.reductions.size());
  move_behind(all.kernels, code.kernels);
  move_behind(all.reductions, code.reductions);
}

}  // namespace pixmill::pipeline

namespace pixmill {

void register_kernel(const KernelDefinition& definition) {
  pipeline::OwnCode code;
  code.kernels.push_back(std::make_unique<pipeline::UserKernel>(definition));
  pipeline::register_own(std::move(code));
}

void register_reduction(const ReductionDefinition& definition) {
  pipeline::OwnCode code;
  code.reductions.push_back(std::make_unique<pipeline::UserReduction>(definition));
  pipeline::register_own(std::move(code));
}

}  // namespace pixmill
