#pragma once

#include "pipeline/inputs/folder.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace pixmill::pipeline {

struct WalkOptions {
  bool recursive = false;
  bool hidden = false;               ///< Names that begin with a dot count as well.
  std::optional<FolderId> left_out;  ///< The output folder: neither it nor anything below it is looked at.
};

/// What a walk did not yield.
struct WalkCounts {
  std::uint64_t passed_over = 0;  ///< Files that are no images, FIFOs, sockets, devices.
  std::uint64_t hidden = 0;       ///< Files and folders.
  std::uint64_t not_entered = 0;  ///< Folders, for want of -r.
};

/// The size is InputList::kUnknownSize if the file could not be looked at.
using FoundFile = std::function<void(std::string_view path, std::uint64_t size_bytes)>;

/// Calls `found` with each image in `folder` (path: `folder`, one slash, the way below it), in no order. Links to files
/// are followed, links to folders are not. A file that cannot be looked at is yielded too, its size unknown: it may be
/// an image. Adds to `counts`. One descriptor for the folder and one for a file at a time, however deep the tree.
/// Throws Error for a folder, at any depth, that cannot be read.
void walk_folder(const std::string& folder, const WalkOptions& options, WalkCounts& counts, const FoundFile& found);

}  // namespace pixmill::pipeline
