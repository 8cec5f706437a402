#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace pixmill::pipeline {

/// Reads the list of paths at `source` ("-": standard input, else any file, FIFO too) to its end and appends it to
/// `text` as it is. Throws Error (usage) if it cannot be read.
void read_list(const std::string& source, std::string& text);

using FoundLine = std::function<void(std::string_view path)>;

/// Calls `found` with each path in `text`, in order; it is a part of `text`. One path a line: an LF ends it or a CR LF,
/// lines with nothing are passed over, blanks belong to the path, and so does every byte else; a UTF-8 byte order mark
/// at the beginning does not. With `nul_separated`, NUL ends a path and everything else belongs to it. Throws Error
/// (usage), naming `source`, if the list is of the other kind.
void split_list(const std::string& source, std::string_view text, bool nul_separated, const FoundLine& found);

}  // namespace pixmill::pipeline
