#pragma once

#include "pipeline/codecs/codec.hpp"

#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <unordered_set>

namespace pixmill::pipeline {

/// Outcome of a write: ok, or what failed.
struct WriteStatus {
  bool ok = true;
  bool no_room = false;
  std::string detail;
};

/// Temporary files are named `.pixmill-<id>-<process>-<number>`, in the folder of the file they will become.
inline constexpr std::string_view kTemporaryPrefix = ".pixmill-";

/// Writes `bytes` under a temporary name in the same folder and renames it to `path`: it appears whole or not at all,
/// whatever dies. With `durable` it is on disk before it has its name, and its name before this returns. `id` tells
/// which run a left-over belongs to. Nothing is left behind on failure; what was at `path` before may be gone if its
/// folder could not be brought to disk. Any thread.
[[nodiscard]] WriteStatus replace_file(const std::string& path, Bytes bytes, std::string_view id, bool durable);

/// Writes `bytes` to what `path` is if that is a device or a pipe, else as replace_file() does. Waits for somebody to
/// read a named pipe, until `stop` is requested.
[[nodiscard]] WriteStatus write_report(const std::string& path, Bytes bytes, std::string_view id, bool durable,
                                       const std::stop_token& stop = {});

/// Makes the folders above output files, each once. Any thread.
class FolderMaker {
 public:
  explicit FolderMaker(std::string root) { made_.insert(std::move(root)); }
  /// Makes every missing folder above `path`.
  [[nodiscard]] WriteStatus make_parents(const std::string& path);

 private:
  std::mutex mutex_;
  std::unordered_set<std::string> made_;
};

/// Unlinks every temporary file that replace_file() is writing at this moment in this process.
void unlink_temporary_files() noexcept;

}  // namespace pixmill::pipeline
