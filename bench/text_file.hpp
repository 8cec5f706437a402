#pragma once

#include <string>

namespace pixmill::bench {

/// The content of a small file. Throws Error (usage) if it cannot be read.
[[nodiscard]] std::string read_text(const std::string& path);
/// Throws Error (usage) if no file can be made where `path` is to be: asked before long work.
void check_writable(const std::string& path);
/// Writes it, whole or not at all, replacing what is there. Throws Error (machine).
void write_text(const std::string& path, const std::string& text);

}  // namespace pixmill::bench
