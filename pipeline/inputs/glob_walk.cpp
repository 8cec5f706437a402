#include "pipeline/inputs/glob_walk.hpp"

#include "pipeline/inputs/glob.hpp"
#include "pipeline/inputs/path_error.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdint>
#include <utility>
#include <vector>

namespace pixmill::pipeline {
namespace {

constexpr std::size_t kMostComponents = 60;

/// A pattern taken apart. While walking, a set of bits says which components may come next: bit i is component i, the
/// bit behind the last one that the path is a match. So a path is found once, however many readings `**` gives it.
class Pattern {
 public:
  using States = std::uint64_t;

  explicit Pattern(std::string_view text) {
    std::size_t begin = 0;
    while (begin < text.size()) {
      const std::size_t end = std::min(text.find('/', begin), text.size());
      const std::string_view component = text.substr(begin, end - begin);
      const std::size_t next = std::min(end + 1, text.size());
      if (components_.empty() && !has_wildcards(component)) {
        base_ += without_escapes(text.substr(begin, next - begin));
      } else {
        add(text, component);
      }
      begin = next;
    }
    folders_only_ = text.ends_with('/');
    if (!components_.empty() && components_.back() == "**") components_.emplace_back("*");
    if (components_.size() > kMostComponents) {
      throw Error(ErrorCode::usage, fmt::format("{}: a pattern may have at most {} components; shorten it or name the "
                                                "files with --files-from",
                                                shown(text), kMostComponents));
    }
  }

  /// What stands before the first component with a wildcard, as given: empty or with its slash.
  [[nodiscard]] const std::string& base() const { return base_; }
  [[nodiscard]] bool folders_only() const { return folders_only_; }
  [[nodiscard]] bool has_deep_wildcard() const { return deep_; }
  [[nodiscard]] States start() const { return with_empty_readings(1); }
  [[nodiscard]] bool is_match(States states) const { return (states & final_state()) != 0; }
  [[nodiscard]] bool goes_on(States states) const { return (states & ~final_state()) != 0; }

  /// The states behind `name` when it is entered as a folder, `deep` if a `**` may do so, or is taken as a match.
  [[nodiscard]] States step(States states, std::string_view name, bool hidden, bool deep) const {
    States next = 0;
    const bool plain = hidden || name[0] != '.';
    for (std::size_t i = 0; i < components_.size(); ++i) {
      const States bit = States{1} << i;
      if ((states & bit) == 0) continue;
      const std::string& component = components_[i];
      if (component == "**") {
        if (deep && plain) next |= bit;
      } else if ((plain || begins_with_dot(component)) && glob_match(component, name)) {
        next |= bit << 1U;
      }
    }
    return with_empty_readings(next);
  }

 private:
  void add(std::string_view text, std::string_view component) {
    if (component.empty() || component == ".") return;
    if (component == "..") {
      throw Error(
          ErrorCode::usage,
          fmt::format("{}: '..' behind a wildcard is not understood; write the pattern without it", shown(text)));
    }
    if (component == "**") {
      deep_ = true;
      if (!components_.empty() && components_.back() == "**") return;
    }
    components_.emplace_back(component);
  }

  static bool begins_with_dot(std::string_view component) {
    return component.starts_with('.') || component.starts_with("\\.");
  }

  [[nodiscard]] States final_state() const { return States{1} << components_.size(); }

  [[nodiscard]] States with_empty_readings(States states) const {
    for (std::size_t i = 0; i < components_.size(); ++i) {
      const States bit = States{1} << i;
      if ((states & bit) != 0 && components_[i] == "**") states |= bit << 1U;
    }
    return states;
  }

  std::string base_;
  std::vector<std::string> components_;
  bool folders_only_ = false;
  bool deep_ = false;
};

class GlobWalk {
 public:
  GlobWalk(const Pattern& pattern, const GlobOptions& options, const FoundMatch& found)
      : pattern_(pattern), options_(options), found_(found) {}

  void run() {
    path_ = pattern_.base();
    if (!path_.empty() && !find_folder(path_)) return;
    read(path_.empty() ? "." : path_, Folder::Reached::named, pattern_.start());
    while (!levels_.empty()) {
      Level& level = levels_.back();
      if (level.folders.empty()) {
        levels_.pop_back();
        continue;
      }
      const Pending pending = std::move(level.folders.back());
      level.folders.pop_back();
      path_.resize(level.path_length);
      path_ += pending.name;
      read(path_, pending.reached, pending.states);
    }
  }

 private:
  struct Pending {
    std::string name;
    Pattern::States states;
    Folder::Reached reached;
  };
  struct Level {
    std::size_t path_length;
    std::vector<Pending> folders;
  };

  void read(const std::string& path, Folder::Reached reached, Pattern::States states) {
    std::optional<Folder> folder = Folder::open(path, reached);
    if (!folder || (reached != Folder::Reached::named && folder->id() == options_.left_out)) return;
    if (!path_.empty() && !path_.ends_with('/')) path_ += '/';
    Level level{path_.size(), {}};
    while (const char* name = folder->next()) {
      if (pattern_.step(states, name, options_.hidden, true) != 0) take(*folder, name, states, level.folders);
    }
    if (!level.folders.empty()) levels_.push_back(std::move(level));
  }

  void take(const Folder& folder, const char* name, Pattern::States states, std::vector<Pending>& folders) {
    const EntryKind kind = folder.kind();
    if (kind == EntryKind::gone) return;
    const bool is_folder = kind == EntryKind::folder;
    const bool leads_on = is_folder || kind == EntryKind::folder_link;
    const Pattern::States next = pattern_.step(states, name, options_.hidden, is_folder);
    if (pattern_.is_match(next) && (leads_on ? !pattern_.has_deep_wildcard() : !pattern_.folders_only())) {
      report(name, kind, leads_on);
    }
    if (leads_on && pattern_.goes_on(next)) {
      folders.push_back({name, next, is_folder ? Folder::Reached::found : Folder::Reached::found_link});
    }
  }

  void report(const char* name, EntryKind kind, bool leads_on) {
    const std::string match = path_ + name;
    if (leads_on && options_.left_out && find_folder(match) == options_.left_out) return;
    found_(match, kind);
  }

  const Pattern& pattern_;
  const GlobOptions& options_;
  const FoundMatch& found_;
  std::string path_;
  std::vector<Level> levels_;
};

}  // namespace

void walk_glob(std::string_view pattern, const GlobOptions& options, const FoundMatch& found) {
  const Pattern parsed(pattern);
  GlobWalk(parsed, options, found).run();
}

}  // namespace pixmill::pipeline
