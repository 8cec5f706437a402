#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

/// What stands between a text and a person's screen.
namespace pixmill::cli {

/// Whether the file descriptor is a terminal.
[[nodiscard]] bool is_terminal(int fd);
/// Whether the terminal at `fd` can move its cursor: a terminal, and TERM is set and not "dumb".
[[nodiscard]] bool can_animate(int fd);
/// can_animate(), and NO_COLOR is not set.
[[nodiscard]] bool can_colour(int fd);
/// Columns of the terminal at `fd`, asked anew at each call; `otherwise` when it is none or does not say.
[[nodiscard]] std::size_t terminal_width(int fd, std::size_t otherwise);

enum class Colour { none, red, yellow, green, faint };
/// `text` in that colour, or as it is unless `enabled`.
[[nodiscard]] std::string coloured(std::string_view text, Colour colour, bool enabled);

/// `text` with all that could steer a terminal or deceive a reader written out: control characters (C0, DEL, C1),
/// marks that turn the direction of writing, and bytes that are no UTF-8. What remains is valid UTF-8 on one line.
[[nodiscard]] std::string escape_for_terminal(std::string_view text);

/// Characters of valid UTF-8, one column each.
[[nodiscard]] std::size_t columns(std::string_view text);

/// `text` broken at spaces into lines of at most `width` columns; a longer word has a line of its own. At least one
/// line.
[[nodiscard]] std::vector<std::string> wrap(std::string_view text, std::size_t width);

/// A row of two columns: `left` indented by `indent`, `right` wrapped at `column` and below itself. A `left` that is
/// too long has a line of its own. Ends with a newline.
[[nodiscard]] std::string two_columns(std::string_view left, std::string_view right, std::size_t indent,
                                      std::size_t column, std::size_t width);

}  // namespace pixmill::cli
