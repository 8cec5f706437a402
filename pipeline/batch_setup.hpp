#pragma once

#include "kernels/accumulator.hpp"
#include "pipeline/backends/backend.hpp"
#include "pipeline/inputs/input_list.hpp"
#include "pipeline/pixel_fold.hpp"
#include "pipeline/program.hpp"
#include "pipeline/reduction_report.hpp"

#include <pixmill/batch.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pixmill::pipeline {

/// Whether what is written as that format ("same" included) depends on OutputOptions::quality or compression.
[[nodiscard]] bool heeds_quality(std::string_view format);
[[nodiscard]] bool heeds_compression(std::string_view format);

/// BatchOptions, checked and turned into what the parts want. Everything that can be refused without looking at a file.
struct BatchSetup {
  const Backend* backend = nullptr;
  int jobs = 1;
  Supervision supervision;
  Program::Options program;
  OutputNaming naming;   ///< Its directory is empty where no image is written.
  std::string manifest;  ///< Empty: none.
  ReportWish report;
  std::vector<ReductionImage> images;  ///< That reductions make.
  std::string plan;                    ///< For people, and what plan_hash is of.
  std::uint64_t plan_hash = 0;
};

/// Throws Error (usage) naming the option, what was expected and the nearest right value.
[[nodiscard]] BatchSetup check_options(const BatchOptions& options);

/// Throws Error (usage) when one of the files that a run writes about itself (manifest, report, state) would
/// replace an input (through links too), an output, the list of inputs or another of them, or has no folder that can be
/// written.
void check_own_files(const BatchOptions& options, const BatchSetup& setup, const InputList& inputs);

}  // namespace pixmill::pipeline
