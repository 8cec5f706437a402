#pragma once

#include "bench/report.hpp"
#include "bench/report_json.hpp"

#include <string>
#include <vector>

namespace pixmill::bench {

/// A point that both reports have.
struct Change {
  Point point;
  double old_seconds = 0;  ///< Medians.
  double new_seconds = 0;
  Comparison comparison;  ///< New over old.
};

struct Changes {
  std::vector<Change> all;           ///< In the order of the new report.
  std::vector<std::string> remarks;  ///< What to think of before believing them.
  [[nodiscard]] bool regressed() const;
};

/// What became faster or slower beyond the noise of either report, and never less than kTolerance. Throws Error (usage)
/// if they are not of the same job: another chain, other images, or no point in common.
[[nodiscard]] Changes changes_since(const OldReport& old, const Report& report);

/// Of changes_since() what can be told before anything is measured. Throws as that does.
void check_comparable(const OldReport& old, const std::string& chain);

}  // namespace pixmill::bench
