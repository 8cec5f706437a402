#include "pipeline/inputs/file_identity.hpp"

#include <sys/stat.h>
#include <xxhash.h>

#include <array>
#include <climits>
#include <vector>

namespace pixmill::pipeline {
namespace {

/// About 15 MB with paths of 100 bytes.
constexpr std::size_t kMostFolders = 65536;

struct Split {
  std::string_view folder;  ///< Empty: the working folder.
  std::string_view name;    ///< Empty: the path is a folder's.
};

Split split(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  const std::size_t slash = path.rfind('/');
  const std::string_view name = path.substr(slash + 1);  // npos + 1 is 0
  if (name.empty() || name == "." || name == "..") return {path, {}};
  if (slash == std::string_view::npos) return {{}, name};
  return {path.substr(0, slash == 0 ? 1 : slash), name};
}

bool find(const std::string& folder, Place& place) {
  struct stat status {};
  if (::stat(folder.empty() ? "." : folder.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) return false;
  place.device = status.st_dev;
  place.inode = status.st_ino;
  return true;
}

Place look_up(std::string_view folder) {
  Place place;
  // Longer ones no call takes, so they are no more than their text.
  if (folder.size() >= PATH_MAX) {
    place.rest = folder;
    return place;
  }
  std::string head(folder);
  std::vector<std::string> missing;  // the last first
  while (!find(head, place)) {
    if (head.empty() || head == "/") break;  // not even that can be reached: its text must do
    const std::size_t slash = head.rfind('/');
    missing.push_back(head.substr(slash + 1));
    head.resize(slash == std::string::npos ? 0 : slash == 0 ? 1 : slash);
  }
  std::vector<std::string> rest;
  for (auto name = missing.rbegin(); name != missing.rend(); ++name) {
    if (name->empty() || *name == ".") continue;
    if (*name == ".." && !rest.empty()) {
      rest.pop_back();
    } else {
      rest.push_back(*name);
    }
  }
  for (const std::string& name : rest) place.rest.append("/").append(name);
  return place;
}

std::uint64_t hash_of(const Place& folder, std::string_view name) {
  const std::array<std::uint64_t, 2> id{folder.device, folder.inode};
  std::string rest = folder.rest;
  if (!name.empty()) rest.append("/").append(name);
  return XXH3_64bits_withSeed(rest.data(), rest.size(), XXH3_64bits(id.data(), sizeof id));
}

}  // namespace

std::optional<Place> PlaceFinder::below_missing(std::string_view folder) const {
  const auto [parent, name] = split(folder);
  const auto known = name.empty() ? folders_.end() : folders_.find(parent);
  if (known == folders_.end() || known->second.rest.empty()) return std::nullopt;
  Place place = known->second;
  place.rest.append("/").append(name);
  return place;
}

const Place& PlaceFinder::folder_place(std::string_view folder) {
  if (last_ != nullptr && last_->first == folder) return last_->second;
  auto found = folders_.find(folder);
  if (found == folders_.end()) {
    if (folders_.size() >= kMostFolders) folders_.clear();
    std::optional<Place> place = below_missing(folder);
    found = folders_.emplace(std::string(folder), place ? *std::move(place) : look_up(folder)).first;
  }
  last_ = &*found;
  return found->second;
}

Place PlaceFinder::place(std::string_view path) {
  const auto [folder, name] = split(path);
  Place place = folder_place(folder);
  if (!name.empty()) place.rest.append("/").append(name);
  return place;
}

std::uint64_t PlaceFinder::hash(std::string_view path) {
  const auto [folder, name] = split(path);
  return hash_of(folder_place(folder), name);
}

bool PlaceFinder::folder_exists(std::string_view path) {
  const Place& place = folder_place(split(path).folder);
  return place.rest.empty() && place.inode != 0;
}

}  // namespace pixmill::pipeline
