#pragma once

#include "kernels/reduction.hpp"
#include "pipeline/inputs/input_list.hpp"

#include <pixmill/batch.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace pixmill::pipeline {

/// What the report is to hold.
struct ReportWish {
  struct Row {
    const kernels::Reduction* reduction = nullptr;
    std::string path;  ///< Of the image that it makes, empty where it makes none.
    bool made = true;  ///< Otherwise the image is null in the report.
  };
  std::vector<Row> rows;  ///< In the order of the table.
  bool per_image = false;
  std::vector<std::vector<double>> own = {};  ///< What own reductions report, in the order of their rows; empty: null.
};

/// Finishes the reductions of a batch. `per_image` may be in any order.
[[nodiscard]] std::shared_ptr<const ReductionReport> make_reduction_report(
    const ReportWish& wish, const kernels::Accumulator& accumulator,
    std::vector<std::pair<std::uint64_t, kernels::Accumulator::Result>> per_image, const InputList& inputs);

}  // namespace pixmill::pipeline
