#pragma once

#include "bench/report.hpp"

#include <string>

namespace pixmill::bench {

/// The part of the page that is about one mode: its charts, and a table for each.
[[nodiscard]] std::string mode_section(const Report& report, const Workload& work);

}  // namespace pixmill::bench
