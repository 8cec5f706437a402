#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pixmill::pipeline {

/// `path` from '/' on, made from the working folder `base` if it is relative; without ".", "..", doubled and trailing
/// slashes. By its text alone: links are not looked at.
[[nodiscard]] std::string absolute_path(std::string_view path, std::string_view base);

/// What is behind the last slash of `path`.
[[nodiscard]] std::string_view file_name(std::string_view path);

/// Decides which end of an input's path its output keeps. Not thread-safe.
class KeptPaths {
 public:
  /// `root` as in InputOptions. Throws Error (usage) if it is no folder, (machine) if the working folder is gone.
  explicit KeptPaths(const std::optional<std::string>& root);

  /// `tail`, an end of `path`, or with a root the path below that: read as text first, then, if that fails, with links
  /// resolved. Relative, never empty, without "." and "..", so that DIR joined with it is in DIR. Valid until the next
  /// call, or as long as `path`. Throws Error (usage) if `path` is not below the root.
  [[nodiscard]] std::string_view of(std::string_view path, std::string_view tail);

 private:
  [[nodiscard]] std::string_view below_root(std::string_view path);
  [[nodiscard]] std::optional<std::string> below_real_root(std::string_view path) const;

  std::string working_folder_;
  std::optional<std::string> root_;  ///< As given.
  std::string absolute_root_;        ///< With a slash at the end.
  std::string real_root_;            ///< Likewise, links resolved.
  std::string kept_;
};

}  // namespace pixmill::pipeline
