#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace pixmill::pipeline {

/// Where a path leads: the device and inode of the deepest folder on it that exists, and the names from there on. Two
/// spellings of one place are equal, whatever links, "." or ".." they go through; two names of one file (hard links,
/// links in the last component) are not. What a place holds is not looked at, so what does not exist yet has one too.
struct Place {
  dev_t device = 0;
  ino_t inode = 0;
  std::string rest;  ///< "/name", "/folder/name", …
  friend bool operator==(const Place&, const Place&) = default;
};

/// Finds the places of paths; remembers those of folders. Costs one stat a folder that
/// exists. Not thread-safe.
class PlaceFinder {
 public:
  [[nodiscard]] Place place(std::string_view path);
  /// 64 bits of place(); equal places have equal hashes.
  [[nodiscard]] std::uint64_t hash(std::string_view path);
  /// Whether the folder that `path` lies in exists.
  [[nodiscard]] bool folder_exists(std::string_view path);

 private:
  struct TextHash {
    using is_transparent = void;  // NOLINT(readability-identifier-naming): the library looks for this name
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  using Folders = std::unordered_map<std::string, Place, TextHash, std::equal_to<>>;

  const Place& folder_place(std::string_view folder);
  /// The place of a folder whose parent is known not to exist, without asking the file system.
  [[nodiscard]] std::optional<Place> below_missing(std::string_view folder) const;

  Folders folders_;
  const Folders::value_type* last_ = nullptr;  ///< Most paths lie in the folder of the one before.
};

}  // namespace pixmill::pipeline
