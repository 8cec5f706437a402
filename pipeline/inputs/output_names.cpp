#include "pipeline/inputs/file_identity.hpp"
#include "pipeline/inputs/input_list.hpp"
#include "pipeline/inputs/kept_path.hpp"
#include "pipeline/inputs/path_error.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

namespace pixmill::pipeline {
namespace {

/// Where the last extension of a file's name begins, dot included; its end if there is none. Dots at the beginning
/// make a file hidden and begin no extension.
std::size_t extension_begin(std::string_view name) {
  const std::size_t first = std::min(name.find_first_not_of('.'), name.size());
  const std::size_t dot = name.rfind('.');
  return dot == std::string_view::npos || dot < first ? name.size() : dot;
}

/// The path below DIR.
std::string relative_output(std::string_view kept, const OutputNaming& naming) {
  std::string out(kept);
  if (naming.extension.empty()) return out;
  if (!naming.keep_ext) {
    const std::size_t name = kept.size() - file_name(kept).size();
    out.resize(name + extension_begin(kept.substr(name)));
  }
  return out.append(".").append(naming.extension);
}

std::string join(std::string_view directory, std::string_view relative) {
  while (directory.size() > 1 && directory.ends_with('/')) directory.remove_suffix(1);
  std::string out(directory);
  if (!out.empty() && !out.ends_with('/')) out += '/';
  return out.append(relative);
}

std::string named(std::string_view path) { return path == "-" ? "standard input (-)" : shown(path); }

struct Tag {
  std::uint64_t hash = 0;
  std::uint64_t index = 0;
  bool operator<(const Tag& other) const { return hash != other.hash ? hash < other.hash : index < other.index; }
};

void sort_unique(std::vector<Tag>& tags) {
  std::sort(tags.begin(), tags.end());
  const auto same = [](const Tag& a, const Tag& b) { return a.hash == b.hash; };
  tags.erase(std::unique(tags.begin(), tags.end(), same), tags.end());
}

/// Those of `sorted` with this hash.
std::pair<std::vector<Tag>::const_iterator, std::vector<Tag>::const_iterator> find_all(const std::vector<Tag>& sorted,
                                                                                       std::uint64_t hash) {
  return {std::lower_bound(sorted.begin(), sorted.end(), Tag{hash, 0}),
          std::upper_bound(sorted.begin(), sorted.end(), Tag{hash, UINT64_MAX})};
}

std::uint64_t hash_of(const struct stat& status) {
  const std::array<std::uint64_t, 2> id{status.st_dev, status.st_ino};
  return XXH3_64bits(id.data(), sizeof id);
}

class OutputCheck {
 public:
  OutputCheck(const InputList& inputs, const OutputNaming& naming) : inputs_(inputs), naming_(naming) {}

  void run() {
    outputs_.reserve(inputs_.size());
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      const std::string relative = relative_output(inputs_.kept_path(i), naming_);
      const std::string output = join(naming_.directory, relative);
      check_name(i, relative, output);
      add_folders(i, relative);
      outputs_.push_back({places_.hash(output), i});
      look_for(i, output);
    }
    std::sort(outputs_.begin(), outputs_.end());
    check_collisions();
    check_folders();
    check_input_places();
    check_input_files();
  }

 private:
  void check_name(std::size_t index, std::string_view relative, const std::string& output) const {
    const std::string_view name = file_name(relative);
    if (name.size() > NAME_MAX || output.size() >= PATH_MAX) {
      throw Error(
          ErrorCode::usage,
          fmt::format("{}: the name of its output {} would be too long ({} bytes, of which {} are possible); "
                      "rename the input",
                      named(inputs_.path(index)), shown(output), name.size() > NAME_MAX ? name.size() : output.size(),
                      name.size() > NAME_MAX ? NAME_MAX : PATH_MAX - 1));
    }
    const bool journal = relative.starts_with("pixmill.") && relative.ends_with(".jsonl") &&
                         relative.find('/') == std::string_view::npos;
    if (journal || relative.starts_with(".pixmill-") || relative.find("/.pixmill-") != std::string_view::npos) {
      throw Error(ErrorCode::usage,
                  fmt::format("{}: its output would be {}, a name that pixmill keeps for its own files; "
                              "rename the input",
                              named(inputs_.path(index)), shown(output)));
    }
  }

  /// Notes the folders below DIR that the output needs, once for those that follow each other.
  void add_folders(std::size_t index, std::string_view relative) {
    const std::string_view parent = relative.substr(0, relative.size() - file_name(relative).size());
    if (parent == last_parent_) return;
    last_parent_ = parent;
    for (std::size_t slash = parent.find('/'); slash != std::string_view::npos; slash = parent.find('/', slash + 1)) {
      folders_.push_back({places_.hash(join(naming_.directory, parent.substr(0, slash))), index});
    }
    // A list in wild order names folders again and again.
    if (folders_.size() > most_folders_) {
      sort_unique(folders_);
      most_folders_ = std::max(most_folders_, 2 * folders_.size());
    }
  }

  /// Notes the output's file if there is one already.
  void look_for(std::size_t index, const std::string& output) {
    if (!places_.folder_exists(output)) {
      check_way(index, output);
      return;
    }
    struct stat status {};
    if (::stat(output.c_str(), &status) != 0) return;
    if (S_ISDIR(status.st_mode)) {
      throw Error(ErrorCode::usage, fmt::format("{}: its output would be {}, but that is a folder; name another output "
                                                "folder",
                                                named(inputs_.path(index)), shown(output)));
    }
    existing_.push_back({hash_of(status), index});
  }

  /// The folder does not exist; whether it could, or a file stands where it should be.
  void check_way(std::size_t index, const std::string& output) {
    Place missing = places_.place(output);
    missing.rest.resize(std::min(missing.rest.find('/', 1), missing.rest.size()));
    if (missing == last_missing_) return;
    last_missing_ = std::move(missing);
    struct stat status {};
    if (::stat(output.c_str(), &status) == 0 || errno != ENOTDIR) return;
    throw Error(ErrorCode::usage, fmt::format("{}: its output would be {}, but a file stands where one of the folders "
                                              "should be; name another output folder",
                                              named(inputs_.path(index)), shown(output)));
  }

  void check_collisions() {
    for (std::size_t i = 0; i + 1 < outputs_.size(); ++i) {
      for (std::size_t j = i + 1; j < outputs_.size() && outputs_[j].hash == outputs_[i].hash; ++j) {
        const std::uint64_t a = outputs_[i].index;
        const std::uint64_t b = outputs_[j].index;
        if (places_.place(output(a)) == places_.place(output(b))) throw collision(a, b);
      }
    }
  }

  [[nodiscard]] Error collision(std::uint64_t a, std::uint64_t b) const {
    const std::string_view path_a = inputs_.path(a);
    const std::string_view path_b = inputs_.path(b);
    const std::string_view folder_a = path_a.substr(0, path_a.size() - file_name(path_a).size());
    const std::string_view folder_b = path_b.substr(0, path_b.size() - file_name(path_b).size());
    const bool names_differ = inputs_.kept_path(a) != inputs_.kept_path(b);
    const bool keep_ext_helps = names_differ && !naming_.keep_ext && !naming_.extension.empty();
    const bool root_helps = folder_a != folder_b && path_a != "-" && path_b != "-";
    std::string_view advice = "run them separately, each with an output folder of its own";
    if (keep_ext_helps && root_helps) {
      advice = "--keep-ext keeps their extensions apart, --root FOLDER the folders below FOLDER";
    } else if (keep_ext_helps) {
      advice = "--keep-ext keeps the extension of each";
    } else if (root_helps) {
      advice = "--root FOLDER keeps the folders below FOLDER";
    }
    return {ErrorCode::usage, fmt::format("{} and {}: both outputs would be {}; {}", named(path_a), named(path_b),
                                          shown(output(a)), advice)};
  }

  void check_folders() {
    sort_unique(folders_);
    for (const Tag& folder : folders_) {
      const auto [begin, end] = find_all(outputs_, folder.hash);
      for (auto file = begin; file != end; ++file) {
        const std::string name = output(file->index);
        if (!needs_folder(folder.index, places_.place(name))) continue;
        throw Error(
            ErrorCode::usage,
            fmt::format("{} and {}: {} would be the output of the first and a folder of the second's; --keep-ext "
                        "or another --root keeps them apart",
                        named(inputs_.path(file->index)), named(inputs_.path(folder.index)), shown(name)));
      }
    }
  }

  [[nodiscard]] bool needs_folder(std::uint64_t index, const Place& place) {
    const std::string relative = relative_output(inputs_.kept_path(index), naming_);
    for (std::size_t slash = relative.find('/'); slash != std::string::npos; slash = relative.find('/', slash + 1)) {
      if (places_.place(join(naming_.directory, relative.substr(0, slash))) == place) return true;
    }
    return false;
  }

  /// Inputs whose place an output would take, whether they exist or not.
  void check_input_places() {
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      const std::string_view path = inputs_.path(i);
      if (path == "-") continue;
      const auto [begin, end] = find_all(outputs_, places_.hash(path));
      for (auto file = begin; file != end; ++file) {
        if (places_.place(output(file->index)) == places_.place(path)) throw overwritten(file->index, i);
      }
    }
  }

  /// Inputs that an output's name leads to through a link of either kind.
  void check_input_files() {
    if (existing_.empty()) return;
    std::sort(existing_.begin(), existing_.end());
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      const std::string path(inputs_.path(i));
      struct stat input {};
      if (path == "-" || ::stat(path.c_str(), &input) != 0) continue;
      const auto [begin, end] = find_all(existing_, hash_of(input));
      for (auto file = begin; file != end; ++file) {
        struct stat status {};
        if (::stat(output(file->index).c_str(), &status) != 0) continue;
        if (status.st_dev == input.st_dev && status.st_ino == input.st_ino) throw overwritten(file->index, i);
      }
    }
  }

  [[nodiscard]] Error overwritten(std::uint64_t writer, std::uint64_t victim) const {
    const std::string name = output(writer);
    if (writer == victim) {
      return {ErrorCode::usage, fmt::format("{}: its output {} would be the input itself; name another output folder",
                                            named(inputs_.path(writer)), shown(name))};
    }
    return {ErrorCode::usage, fmt::format("{}: its output {} would be the input {}; name another output folder",
                                          named(inputs_.path(writer)), shown(name), named(inputs_.path(victim)))};
  }

  [[nodiscard]] std::string output(std::uint64_t index) const { return output_path(inputs_, index, naming_); }

  const InputList& inputs_;
  const OutputNaming& naming_;
  PlaceFinder places_;
  std::vector<Tag> outputs_;   ///< By place.
  std::vector<Tag> folders_;   ///< By place; one output that needs it.
  std::vector<Tag> existing_;  ///< By device and inode.
  std::size_t most_folders_ = 65536;
  std::string last_parent_;
  Place last_missing_;  ///< The topmost folder that was missing.
};

}  // namespace

std::string output_path(const InputList& inputs, std::size_t index, const OutputNaming& naming) {
  return join(naming.directory, relative_output(inputs.kept_path(index), naming));
}

void check_output_names(const InputList& inputs, const OutputNaming& naming) { OutputCheck(inputs, naming).run(); }

}  // namespace pixmill::pipeline
