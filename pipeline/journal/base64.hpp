#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pixmill::pipeline {

/// RFC 4648 base64 with padding.
[[nodiscard]] std::string base64(std::string_view bytes);
/// The bytes of a base64 text with padding; nothing if it is none.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

}  // namespace pixmill::pipeline
