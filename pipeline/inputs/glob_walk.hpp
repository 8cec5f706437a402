#pragma once

#include "pipeline/inputs/folder.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace pixmill::pipeline {

struct GlobOptions {
  bool hidden = false;  ///< `*`, `?` and sets match a dot at the beginning too, and `**` enters such folders.
  std::optional<FolderId> left_out;  ///< The output folder: not matched, not entered.
};

using FoundMatch = std::function<void(const std::string& path, EntryKind kind)>;

/// Calls `found` once with each path that matches `pattern`, in no order: files and, unless the pattern has a `**`,
/// folders and links to folders. Components as glob_match(); a component `**` stands for any number of folders, links
/// not followed, and at the end for every file below. A dot at the beginning of a name is matched by a dot at the
/// beginning of the component alone. A pattern that ends with '/' matches folders only.
/// Throws Error for a folder on the way that cannot be read, for more than 60 components and for ".." behind a
/// wildcard.
void walk_glob(std::string_view pattern, const GlobOptions& options, const FoundMatch& found);

}  // namespace pixmill::pipeline
