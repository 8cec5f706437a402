#pragma once

#include "pipeline/probe.hpp"

#include <pixmill/batch.hpp>

#include <cstdint>
#include <mutex>
#include <vector>

namespace pixmill::pipeline {

/// Adds up where the time of each row goes, in a few bytes a row.
class StageTotals final : public Probe {
 public:
  /// Time counts from now on. `stages`: as many as there are numbers.
  explicit StageTotals(std::uint32_t stages) : stages_(stages), begin_ns_(monotonic_ns()) {}

  void add(const RowWork& work) noexcept override;
  /// The rows, workers first, as of now; call it when nothing is added any more.
  [[nodiscard]] std::vector<RowTimes> rows() const;

 private:
  struct Total {
    Row row;
    std::uint64_t first_ns = UINT64_MAX;
    std::uint64_t last_ns = 0;
    std::vector<std::uint64_t> stage_ns;
  };
  [[nodiscard]] Total& total_of(Row row);

  const std::uint32_t stages_;
  const std::uint64_t begin_ns_;
  std::mutex mutex_;  // guards what follows
  std::vector<Total> totals_;
  bool whole_ = true;  // nothing was left out for want of memory
};

}  // namespace pixmill::pipeline
