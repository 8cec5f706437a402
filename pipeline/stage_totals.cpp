#include "pipeline/stage_totals.hpp"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>

namespace pixmill::pipeline {
namespace {

double seconds(std::uint64_t from_ns, std::uint64_t to_ns) {
  return to_ns > from_ns ? static_cast<double>(to_ns - from_ns) * 1e-9 : 0;
}

}  // namespace

StageTotals::Total& StageTotals::total_of(Row row) {
  for (Total& total : totals_) {
    if (total.row == row) return total;
  }
  Total total;
  total.row = row;
  total.stage_ns.resize(stages_);
  return totals_.emplace_back(std::move(total));
}

void StageTotals::add(const RowWork& work) noexcept {
  if (work.spans.empty()) return;
  const std::lock_guard lock(mutex_);
  try {
    Total& total = total_of(work.row);
    for (const StageSpan& span : work.spans) {
      total.first_ns = std::min(total.first_ns, span.begin_ns);
      total.last_ns = std::max(total.last_ns, span.end_ns);
      total.stage_ns.at(span.stage) += span.end_ns - span.begin_ns;
    }
  } catch (...) {
    whole_ = false;
  }
}

std::vector<RowTimes> StageTotals::rows() const {
  if (!whole_) return {};
  const std::uint64_t end_ns = monotonic_ns();
  std::vector<Total> sorted = totals_;
  std::sort(sorted.begin(), sorted.end(), [](const Total& a, const Total& b) {
    return std::tie(a.row.crew, a.row.place) < std::tie(b.row.crew, b.row.place);
  });
  std::vector<RowTimes> rows;
  for (const Total& total : sorted) {
    RowTimes& row = rows.emplace_back();
    row.name = row_name(total.row);
    for (const std::uint64_t ns : total.stage_ns) row.seconds.push_back(static_cast<double>(ns) * 1e-9);
    const std::uint64_t busy_ns = std::accumulate(total.stage_ns.begin(), total.stage_ns.end(), std::uint64_t{0});
    row.waiting = seconds(busy_ns, total.last_ns - total.first_ns);
    row.idle = seconds(begin_ns_, total.first_ns) + seconds(total.last_ns, end_ns);
  }
  return rows;
}

}  // namespace pixmill::pipeline
