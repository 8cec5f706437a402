#pragma once

#include <string_view>

/// The three file descriptors that a process starts with.
namespace pixmill::cli {

/// Fills in descriptors 0, 1 and 2 where the caller closed them, so that no file opened later is taken for one of them.
/// Reading from such a standard input or writing to such a standard output fails, as it would have.
void fill_missing_streams();

/// Writes all of `text` to standard output. Throws Error (machine) naming the cause.
void write_stdout(std::string_view text);

/// Closes standard output: some file systems tell only then that what was written is lost. Throws Error (machine).
void close_stdout();

/// Writes to standard error as far as it goes; there is nowhere to complain.
void write_stderr(std::string_view text) noexcept;

}  // namespace pixmill::cli
