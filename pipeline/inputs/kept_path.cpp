#include "pipeline/inputs/kept_path.hpp"

#include "pipeline/inputs/folder.hpp"
#include "pipeline/inputs/path_error.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <memory>

namespace pixmill::pipeline {
namespace {

struct Free {
  void operator()(char* text) const { std::free(text); }  // NOLINT: what realpath() and getcwd() allocate
};
using CString = std::unique_ptr<char, Free>;

void append_component(std::string& path, std::string_view component) {
  if (component.empty() || component == ".") return;
  if (component == "..") {
    path.resize(path.empty() ? 0 : path.rfind('/'));
  } else {
    path.append("/").append(component);
  }
}

void append_components(std::string& path, std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('/'), text.size());
    append_component(path, text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

std::string with_slash(std::string path) {
  if (!path.ends_with('/')) path += '/';
  return path;
}

std::optional<std::string> real_path(const std::string& path) {
  const CString resolved(::realpath(path.c_str(), nullptr));
  if (!resolved) return std::nullopt;
  return std::string(resolved.get());
}

std::string working_folder() {
  const CString folder(::getcwd(nullptr, 0));
  if (!folder) throw path_error(errno, ".", "getcwd", "change to a folder that exists");
  return folder.get();
}

/// Whether joining it to a folder stays there, and needs no change.
bool is_clean(std::string_view tail) {
  if (tail.empty() || tail.ends_with('/')) return false;
  while (!tail.empty()) {
    const std::size_t end = std::min(tail.find('/'), tail.size());
    const std::string_view component = tail.substr(0, end);
    if (component.empty() || component == "." || component == "..") return false;
    tail.remove_prefix(std::min(end + 1, tail.size()));
  }
  return true;
}

}  // namespace

std::string absolute_path(std::string_view path, std::string_view base) {
  std::string out;
  if (!path.starts_with('/')) append_components(out, base);
  append_components(out, path);
  return out.empty() ? "/" : out;
}

std::string_view file_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }  // npos + 1 is 0

KeptPaths::KeptPaths(const std::optional<std::string>& root) : root_(root) {
  if (!root_) return;
  working_folder_ = working_folder();
  const std::optional<std::string> real = real_path(*root_);
  if (!real || !find_folder(*real)) {
    throw path_error(real ? ENOTDIR : errno, *root_, "--root", "name a folder that all inputs lie below");
  }
  real_root_ = with_slash(*real);
  absolute_root_ = with_slash(absolute_path(*root_, working_folder_));
}

std::string_view KeptPaths::of(std::string_view path, std::string_view tail) {
  if (root_) return below_root(path);
  if (is_clean(tail)) return tail;
  // A folder in a list, written with a slash or as "..": it has no output, but a name to be counted by.
  if (working_folder_.empty()) working_folder_ = working_folder();
  kept_ = file_name(absolute_path(tail.empty() ? path : tail, working_folder_));
  if (kept_.empty()) kept_ = "root";
  return kept_;
}

std::string_view KeptPaths::below_root(std::string_view path) {
  const std::string_view root = *root_;
  if (path.size() > root.size() + 1 && path.starts_with(root) && path[root.size()] == '/') {
    const std::string_view tail = path.substr(root.size() + 1);
    if (is_clean(tail)) return tail;
  }
  const std::string absolute = absolute_path(path, working_folder_);
  if (absolute.size() > absolute_root_.size() && absolute.starts_with(absolute_root_)) {
    kept_ = absolute.substr(absolute_root_.size());
    return kept_;
  }
  std::optional<std::string> below = below_real_root(path);
  if (!below) {
    throw Error(ErrorCode::usage, fmt::format("{}: not below --root {}; name a folder that all inputs lie below",
                                              shown(path), shown(*root_)));
  }
  kept_ = *std::move(below);
  return kept_;
}

std::optional<std::string> KeptPaths::below_real_root(std::string_view path) const {
  const std::string_view name = file_name(path);
  if (path.size() >= PATH_MAX || !is_clean(name)) return std::nullopt;
  const std::string_view parent = path.substr(0, path.size() - name.size());
  const std::optional<std::string> real = real_path(parent.empty() ? "." : std::string(parent));
  if (!real) return std::nullopt;
  const std::string folder = with_slash(*real);
  if (!folder.starts_with(real_root_)) return std::nullopt;
  return folder.substr(real_root_.size()).append(name);
}

}  // namespace pixmill::pipeline
