#pragma once

#include "bench/changes.hpp"
#include "bench/report.hpp"

#include <string>

namespace pixmill::bench {

/// The report in GitHub's Markdown: what the page has, without its charts. `changes` may be null.
[[nodiscard]] std::string markdown_of(const Report& report, const Changes* changes);

/// What may stand in a cell of a table: no bars, no line ends, no markup.
[[nodiscard]] std::string escape_cell(const std::string& text);

}  // namespace pixmill::bench
