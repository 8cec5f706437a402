#include "pipeline/frame_runner.hpp"
#include "pipeline/own/registry.hpp"
#include "pipeline/plan/chain.hpp"

#include <pixmill/error.hpp>
#include <pixmill/plan.hpp>

#include <fmt/format.h>

#include <utility>

namespace pixmill {

Argument::Argument(std::string_view name, double number) : Argument(name, fmt::format("{}", number)) {}

Plan::Plan() : Plan(std::make_shared<const pipeline::Chain>()) {}
Plan::Plan(std::shared_ptr<const pipeline::Chain> chain)
    : chain_(std::move(chain)), runner_(std::make_shared<pipeline::FrameRunner>()) {}

Plan Plan::parse(std::string_view chain) {
  return Plan(std::make_shared<const pipeline::Chain>(pipeline::parse_chain(chain)));
}

Plan Plan::then(std::string_view kernel, std::initializer_list<Argument> arguments) const {
  // What a chain could not say, or would say otherwise; the rest parse() judges.
  if (kernel.find_first_not_of(" \t") == std::string_view::npos) {
    throw Error(ErrorCode::usage, "a kernel without a name; kernel_descriptors() has all names");
  }
  const auto plain = [&](std::string_view word, std::string_view reserved) {
    if (word.find_first_of(reserved) == std::string_view::npos) return word;
    throw Error(ErrorCode::usage,
                fmt::format("{}: '{}' may not hold any of '{}'; give one kernel and its arguments one "
                            "by one, or use Plan::parse",
                            kernel, word, reserved));
  };
  std::string step(plain(kernel, ",:="));
  char separator = '=';
  for (const Argument& argument : arguments) {
    step += fmt::format("{}{}={}", separator, plain(argument.name(), ",:="), plain(argument.text(), ",:"));
    separator = ':';
  }
  return parse(empty() ? step : text() + ',' + step);
}

ImageResult Plan::apply(const cv::Mat& image) const {
  ImageResult result;
  apply(image, result);
  return result;
}

void Plan::apply(const cv::Mat& image, ImageResult& result) const { runner_->run(chain_, image, result); }

const std::string& Plan::text() const { return chain_->text; }
bool Plan::empty() const { return chain_->steps.empty(); }

namespace pipeline {
const Chain& chain_of(const Plan& plan) { return *plan.chain_; }
}  // namespace pipeline

std::vector<const KernelDescriptor*> kernel_descriptors() {
  std::vector<const KernelDescriptor*> descriptors;
  for (const kernels::Kernel* kernel : pipeline::every_kernel()) descriptors.push_back(kernel->descriptor);
  return descriptors;
}

std::vector<const ReductionDescriptor*> reduction_descriptors() {
  std::vector<const ReductionDescriptor*> descriptors;
  for (const kernels::Reduction* reduction : pipeline::every_reduction()) descriptors.push_back(reduction->descriptor);
  return descriptors;
}

}  // namespace pixmill
