#pragma once

#include <string_view>

namespace pixmill::bench {

/// The style sheet of the page: light and dark, narrow and wide, on paper. Charts have their colours from it; see
/// svg_chart.hpp for the classes.
extern const std::string_view kPageStyle;

}  // namespace pixmill::bench
