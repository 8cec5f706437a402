#pragma once

#include "bench/changes.hpp"
#include "bench/report.hpp"

#include <string>

namespace pixmill::bench {

/// The report as one HTML file that needs nothing else: no script, no request. Charts with a table below each; light
/// and dark as the reader's system is; narrow and wide; fit to be printed. `changes` may be null.
[[nodiscard]] std::string html_of(const Report& report, const Changes* changes);

}  // namespace pixmill::bench
