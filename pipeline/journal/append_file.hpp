#pragma once

#include "ipc/unique_fd.hpp"
#include "pipeline/files/output_file.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace pixmill::pipeline {

/// A file of lines that grows at its end. A line stands in it whole or not at all, unless this process dies in the
/// middle of the call; readers tolerate a last line that is cut short. Not thread-safe.
class AppendFile {
 public:
  AppendFile() = default;
  /// Takes over a file open for writing, to be continued at its end. A torn last line is closed with a newline first.
  AppendFile(ipc::UniqueFd fd, std::string path);

  /// Writes one line (with its newline). On failure what was written of it is taken back.
  WriteStatus append(std::string_view line);
  /// Asks the file system to keep room for so many bytes more, without changing the length of the file, so that lines
  /// can be written when the disk is full. False: there is no such room. Where this is not supported: true.
  [[nodiscard]] bool reserve(std::uint64_t bytes);
  /// Gives back what was reserved and not used.
  void release_reserve();
  /// Empties it.
  WriteStatus clear();
  WriteStatus sync();

  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] explicit operator bool() const { return static_cast<bool>(fd_); }
  void close() { fd_.reset(); }

 private:
  ipc::UniqueFd fd_;
  std::string path_;
  std::uint64_t size_ = 0;
};

/// Opens a file for reading and appending, making it where it is missing, and locks it for this process alone (flock).
/// Waits for up to a second for a process that is just dying. Throws Error: (usage) if another one holds the lock,
/// naming it; (machine) if it cannot be opened.
[[nodiscard]] ipc::UniqueFd open_locked(const std::string& path);

/// Whether a living process holds a lock on the file. True where that cannot be told: the answer decides what is
/// removed. Throws Error (machine) if the file can be opened, but not looked at.
[[nodiscard]] bool is_locked(const std::string& path);

/// Reads a file line by line without holding it in memory. Lines longer than `kLongestLine` are skipped.
class LineReader {
 public:
  static constexpr std::size_t kLongestLine = std::size_t{1} << 20;
  /// Reads from the beginning of an open file; does not own it and does not move its offset.
  explicit LineReader(int fd) : fd_(fd) {}
  /// The next line without its newline, valid until the next call, and where it begins. False at the end. A last line
  /// without newline counts as a line. Throws Error (machine) when reading fails.
  bool next(std::string_view& line, std::uint64_t& offset);

 private:
  void fill();
  int fd_;
  std::string buffer_;
  std::size_t begin_ = 0;
  std::uint64_t buffer_offset_ = 0;  // where buffer_[0] stands in the file
  bool at_end_ = false;
  bool skipping_ = false;  // inside a line that is too long
};

}  // namespace pixmill::pipeline
