#include "pipeline/survey.hpp"

#include "pipeline/outcomes.hpp"

#include <pixmill/error.hpp>

#include <fmt/format.h>

#include <mutex>
#include <utility>

namespace pixmill::pipeline {
namespace {

/// Counts the levels of a batch.
class LevelCount final : public Outcomes {
 public:
  explicit LevelCount(const BatchOptions& options) : options_(options) {}

  void deliver(const Task& task, ProgramResult result, Bytes /*encoded*/) override {
    const std::lock_guard lock(mutex_);
    if (result.partial && is_well(result.verdict)) accumulator_.add(*result.partial);
    if (options_.on_surveyed) options_.on_surveyed(task.file.bytes().size(), result.verdict);
  }

  [[nodiscard]] kernels::Accumulator::Result finish() const { return accumulator_.finish(); }

 private:
  const BatchOptions& options_;
  std::mutex mutex_;
  kernels::Accumulator accumulator_{true};
};

Program::Options pass_options(const BatchSetup& setup) {
  Program::Options options = setup.program;
  options.write = false;
  options.reduce = true;
  options.reduce_histogram = true;
  options.own = nullptr;
  options.until_undecided = true;
  return options;
}

void refuse_what_is_read_once(const InputList& inputs) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (inputs.path(i) != "-") continue;
    throw Error(ErrorCode::usage,
                "scope=batch reads every image twice, and standard input (-) can be read only once; save it to a file "
                "first, or leave scope=batch out");
  }
}

std::shared_ptr<const kernels::LevelOperation> decide(const kernels::LevelOperation& undecided,
                                                      const kernels::Accumulator::Result& result) {
  try {
    return undecided.decided(result.channels.empty() ? nullptr : result.channels.data());
  } catch (const kernels::KernelFailure& failure) {
    throw Error(ErrorCode::usage, fmt::format("--ops with scope=batch: {} (all images together)", failure.what()));
  }
}

}  // namespace

std::vector<std::shared_ptr<const kernels::LevelOperation>> survey_batch(const BatchOptions& options,
                                                                         const BatchSetup& setup,
                                                                         const InputList& inputs, Probe* probe) {
  const PriorRun no_prior;
  Program::Options program_options = pass_options(setup);
  for (std::uint64_t pass = 1;; ++pass) {
    const Program program(options.plan, program_options);
    if (program.undecided() == nullptr) return program_options.decided;
    if (pass == 1) refuse_what_is_read_once(inputs);
    if (options.on_pass) options.on_pass(pass, inputs.size());
    Source source(inputs, no_prior, {setup.program.limits.max_memory, false, true, true, false, setup.naming},
                  options.stop);
    LevelCount count(options);
    Job job{source, program, count, setup.jobs, setup.supervision};
    job.probe = probe;
    setup.backend->run(job);
    if (options.stop.stop_requested()) return program_options.decided;
    program_options.decided.push_back(decide(*program.undecided(), count.finish()));
  }
}

}  // namespace pixmill::pipeline
