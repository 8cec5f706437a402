#pragma once

#include "bench/statistics.hpp"

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

/// What the sections of the page are made of. All texts are escaped here, but for `chart`, which is markup.
namespace pixmill::bench {

using Cells = std::vector<std::string>;

/// A table that scrolls within itself where the page is too narrow for it. `words`: the columns that hold sentences,
/// besides the first.
[[nodiscard]] std::string table(const Cells& head, const std::vector<Cells>& rows,
                                std::initializer_list<std::size_t> words = {});
/// A chart with its title above and what it shows below.
[[nodiscard]] std::string figure(const std::string& title, const std::string& chart, const std::string& caption);
/// Two digits, or a dash.
[[nodiscard]] std::string optional_text(const std::optional<double>& value);
/// "1.02 s – 1.10 s".
[[nodiscard]] std::string interval_text(const Interval& interval);

}  // namespace pixmill::bench
