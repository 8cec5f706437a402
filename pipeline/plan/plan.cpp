#include "kernels/reduction.hpp"
#include "pipeline/plan/chain.hpp"

#include <pixmill/plan.hpp>

#include <utility>

namespace pixmill {

Plan::Plan() : chain_(std::make_shared<const pipeline::Chain>()) {}
Plan::Plan(std::shared_ptr<const pipeline::Chain> chain) : chain_(std::move(chain)) {}

Plan Plan::parse(std::string_view chain) {
  return Plan(std::make_shared<const pipeline::Chain>(pipeline::parse_chain(chain)));
}

const std::string& Plan::text() const { return chain_->text; }
bool Plan::empty() const { return chain_->steps.empty(); }

namespace pipeline {
const Chain& chain_of(const Plan& plan) { return *plan.chain_; }
}  // namespace pipeline

const std::vector<const KernelDescriptor*>& kernel_descriptors() {
  static const std::vector<const KernelDescriptor*> descriptors = [] {
    std::vector<const KernelDescriptor*> all;
    for (const kernels::Kernel& kernel : kernels::all_kernels()) all.push_back(kernel.descriptor);
    return all;
  }();
  return descriptors;
}

const std::vector<const ReductionDescriptor*>& reduction_descriptors() {
  static const std::vector<const ReductionDescriptor*> descriptors = [] {
    std::vector<const ReductionDescriptor*> all;
    for (const kernels::Reduction& reduction : kernels::all_reductions()) all.push_back(reduction.descriptor);
    return all;
  }();
  return descriptors;
}

}  // namespace pixmill
