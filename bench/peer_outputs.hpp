#pragma once

#include "bench/report.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

/// What another program made, held against what pixmill made of the same inputs.
namespace pixmill::bench {

/// Of which of so many inputs there is an output: a file of `folder` that is not empty and whose name begins with the
/// number of the input, as those of the links to the inputs do.
[[nodiscard]] std::vector<bool> outputs_in(const std::string& folder, std::size_t inputs);

/// Of all that begin so.
[[nodiscard]] std::uint64_t bytes_in(const std::string& folder);

/// Fills in `inputs`, `outputs`, `expected`, `lacking`, `beyond`, `differs` and, if its time is to be none, `why_not`:
/// it lacks an output that pixmill made, or it ended badly although all is well. An image on which pixmill failed is
/// one that others may fail on, too, and say so by their exit code.
void hold_against(Peer& peer, int exit_code, const std::vector<bool>& made, const std::vector<bool>& pixmills,
                  const std::function<std::string(std::size_t)>& name_of);

}  // namespace pixmill::bench
