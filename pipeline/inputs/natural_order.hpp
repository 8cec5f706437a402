#pragma once

#include <string_view>

namespace pixmill::pipeline {

/// The order of inputs: negative, zero or positive as `a` comes before, is, or comes after `b`.
///
/// Bytes by value (no locale, so every machine agrees), but '/' before every other byte, so that what lies in a folder
/// stays together; and runs of ASCII digits, of any length, by the number that they write: page2 before page10. Where
/// nothing else differs, fewer leading zeros come first: a1, a01, a001. A total order: zero only for equal bytes.
/// Allocates nothing.
[[nodiscard]] int natural_compare(std::string_view a, std::string_view b);

}  // namespace pixmill::pipeline
