#pragma once

#include "kernels/kernel.hpp"
#include "pipeline/batch_setup.hpp"
#include "pipeline/inputs/input_list.hpp"

#include <pixmill/batch.hpp>

#include <memory>
#include <vector>

namespace pixmill::pipeline {

/// What the kernels of the chain that need the whole batch (`scope=batch`) decide, in the chain's order: for each, one
/// pass over all images on the backend of `setup`, up to that kernel, in which their levels are counted. Images that do
/// not come that far do not count. The same whatever the backend, the number of jobs and the order. Writes nothing.
///
/// `probe` may be null.
///
/// Ends early, with fewer than the chain needs, when options.stop asks. Throws Error (usage) when an input can be read
/// only once, or the method finds no threshold for these images; (machine) as the backend does.
[[nodiscard]] std::vector<std::shared_ptr<const kernels::LevelOperation>> survey_batch(const BatchOptions& options,
                                                                                       const BatchSetup& setup,
                                                                                       const InputList& inputs,
                                                                                       Probe* probe = nullptr);

}  // namespace pixmill::pipeline
