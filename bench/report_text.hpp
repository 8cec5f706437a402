#pragma once

#include "bench/changes.hpp"
#include "bench/report_words.hpp"

#include <string>

namespace pixmill::bench {

/// The report for a terminal of 80 columns: a table for each mode, how the backends stand beside each other, what fits
/// say, how quiet the machine was.
[[nodiscard]] std::string text_of(const Report& report);

/// The queues, a line each.
[[nodiscard]] std::string text_of(const std::vector<QueueResult>& queues);

/// The other programs, a line each.
[[nodiscard]] std::string text_of(const std::vector<Peer>& peers);
/// What each backend lost, a line each.
[[nodiscard]] std::string text_of(const std::vector<FaultResult>& faults);
/// What changed, a line a point, and a sentence for what did not.
[[nodiscard]] std::string text_of(const Changes& changes);

}  // namespace pixmill::bench
