#pragma once

#include <string>
#include <string_view>

namespace pixmill::pipeline {

/// Whether `text` holds a `*`, `?` or `[` that no backslash escapes.
[[nodiscard]] bool has_wildcards(std::string_view text);

/// Whether `name`, one component of a path, matches `pattern`: `*` any characters, `?` one, `[a-z]` one of a set,
/// `[!a-z]` or `[^a-z]` one that is not, a backslash takes the next character as it is. A character is a UTF-8 sequence
/// or, where that is broken, a byte; sets compare code points. No locale, no case folding. A `[` that nothing closes is
/// itself. Dots at the beginning are not special here. Linear but for `*`, quadratic at worst.
[[nodiscard]] bool glob_match(std::string_view pattern, std::string_view name);

/// `text` without its escaping backslashes.
[[nodiscard]] std::string without_escapes(std::string_view text);

}  // namespace pixmill::pipeline
