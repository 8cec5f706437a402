#pragma once

#include <pixmill/batch.hpp>

#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace pixmill::bench {

/// The content of a small file. Throws Error (usage) if it cannot be read.
[[nodiscard]] std::string read_text(const std::string& path);

/// A file that an option asks for.
struct Written {
  std::string_view option;
  std::string path;
};

/// Throws Error (usage) if one of them cannot be made, or is an input, the list of inputs or another of them.
void check_writable(const std::vector<Written>& files, const InputOptions& options);
/// Writes it, whole or not at all, replacing what is there. Throws Error (machine), also when `stop` ends its waiting
/// for somebody to read a named pipe.
void write_text(const std::string& path, const std::string& text, const std::stop_token& stop);

}  // namespace pixmill::bench
