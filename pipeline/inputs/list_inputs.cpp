#include "pipeline/inputs/file_identity.hpp"
#include "pipeline/inputs/folder.hpp"
#include "pipeline/inputs/glob.hpp"
#include "pipeline/inputs/glob_walk.hpp"
#include "pipeline/inputs/input_list.hpp"
#include "pipeline/inputs/kept_path.hpp"
#include "pipeline/inputs/list_file.hpp"
#include "pipeline/inputs/natural_order.hpp"
#include "pipeline/inputs/path_error.hpp"
#include "pipeline/inputs/walk.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>

namespace pixmill::pipeline {

class InputLister {
 public:
  InputLister(const InputOptions& options, std::string_view output_directory) : options_(options), kept_(options.root) {
    walk_.recursive = options.recursive;
    walk_.hidden = options.hidden;
    if (!output_directory.empty()) walk_.left_out = find_folder(std::string(output_directory));
  }

  InputList run() {
    check_usage();
    for (const std::string& path : options_.paths) add_named(path);
    const auto by_path = [](const InputList::Entry& a, const InputList::Entry& b) {
      return natural_compare(InputList::path_of(a), InputList::path_of(b)) < 0;
    };
    if (!std::is_sorted(list_.entries_.begin(), list_.entries_.end(), by_path)) {
      std::sort(list_.entries_.begin(), list_.entries_.end(), by_path);
    }
    if (options_.files_from) add_list(*options_.files_from);
    if (list_.empty() && !options_.paths.empty()) throw nothing_found();
    check_twice();
    list_.passed_over_ = counts_.passed_over;
    return std::move(list_);
  }

 private:
  void check_usage() const {
    if (options_.paths.empty() && !options_.files_from) {
      throw Error(ErrorCode::usage,
                  "no input was named; name files, folders or quoted globs, '-' for standard input, or --files-from");
    }
    if (options_.files_from == "-" && std::count(options_.paths.begin(), options_.paths.end(), "-") > 0) {
      throw Error(ErrorCode::usage,
                  "standard input was named as image (-) and as list (--files-from -), but it can be only one of them");
    }
    if (std::count(options_.paths.begin(), options_.paths.end(), "-") > 1) {
      throw Error(ErrorCode::usage, "standard input (-) was named twice; it is one image, so name it once");
    }
  }

  void add_named(const std::string& path) {
    if (path == "-") {
      list_.append("-", std::string_view("stdin"), InputList::kUnknownSize);
      return;
    }
    if (path.empty()) {
      throw Error(ErrorCode::usage,
                  "an input is an empty word; perhaps a variable that the shell replaced was not set");
    }
    if (path.find('\0') != std::string::npos) {
      throw Error(ErrorCode::usage, fmt::format("{}: a path has no NUL in it; name one file at a time", shown(path)));
    }
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0) {
      add_existing(path, status, false);
    } else if (const int error_number = errno; has_wildcards(path)) {
      add_glob(path);
    } else {
      throw not_there(path, error_number);
    }
  }

  [[nodiscard]] static Error not_there(const std::string& path, int error_number) {
    struct stat status {};
    if (error_number == ENOENT && ::lstat(path.c_str(), &status) == 0) {
      return path_error(error_number, path, "stat", "it is a link to nothing");
    }
    return path_error(error_number, path, "stat", error_number == ENOENT ? "check the spelling" : "check the path");
  }

  void add_existing(const std::string& path, const struct stat& status, bool matched) {
    if (S_ISDIR(status.st_mode)) {
      add_folder(path, {status.st_dev, status.st_ino}, matched);
    } else {
      const std::uint64_t size =
          S_ISREG(status.st_mode) ? static_cast<std::uint64_t>(status.st_size) : InputList::kUnknownSize;
      append(path, file_name(path), size);
    }
  }

  void add_folder(const std::string& path, const FolderId& id, bool matched) {
    if (id == walk_.left_out) {
      if (matched) return;
      throw Error(
          ErrorCode::usage,
          fmt::format("{}: this input folder is the output folder too, so that outputs would be taken for inputs "
                      "next time; name another output folder",
                      shown(path)));
    }
    std::string folder = path;
    while (folder.size() > 1 && folder.ends_with('/')) folder.pop_back();
    const std::size_t below = folder.ends_with('/') ? folder.size() : folder.size() + 1;
    walk_folder(folder, walk_, counts_,
                [&](std::string_view file, std::uint64_t size) { append(file, file.substr(below), size); });
  }

  void add_glob(const std::string& pattern) {
    bool any = false;
    walk_glob(pattern, {options_.hidden, walk_.left_out}, [&](const std::string& path, EntryKind) {
      any = true;
      struct stat status {};
      if (::stat(path.c_str(), &status) == 0) {
        add_existing(path, status, true);
      } else {
        append(path, file_name(path), InputList::kUnknownSize);
      }
    });
    if (any) return;
    throw Error(ErrorCode::usage,
                fmt::format("{}: no such file, and as a glob it matches nothing; check the spelling{}", shown(pattern),
                            options_.hidden ? "" : " (names that begin with a dot need --hidden)"));
  }

  void append(std::string_view path, std::string_view tail, std::uint64_t size) {
    if (path == "-") {
      append("./-", "-", size);
      return;
    }
    list_.append(path, kept_.of(path, tail), size);
  }

  void add_list(const std::string& source) {
    auto text = std::make_unique<std::string>();
    read_list(source, *text);
    const char separator = options_.nul_separated ? '\0' : '\n';
    list_.entries_.reserve(list_.size() + 1 +
                           static_cast<std::size_t>(std::count(text->begin(), text->end(), separator)));
    list_.list_text_ = std::move(text);
    split_list(source, *list_.list_text_, options_.nul_separated, [this](std::string_view path) { add_listed(path); });
  }

  /// `path` stands in the text of the list, and stays there unless what is kept of it is not its end.
  void add_listed(std::string_view path) {
    if (path == "-") {
      append("./-", "-", InputList::kUnknownSize);
      return;
    }
    InputList::check_length(path.size());
    const std::string_view kept = kept_.of(path, file_name(path));
    if (!path.ends_with(kept)) {
      list_.append(path, kept, InputList::kUnknownSize);
      return;
    }
    InputList::Entry entry;
    entry.text = path.data();
    entry.length = static_cast<std::uint32_t>(path.size());
    entry.kept_length = static_cast<std::uint32_t>(kept.size()) & 0x7fffffffU;
    list_.add_entry(entry, InputList::kUnknownSize);
  }

  [[nodiscard]] Error nothing_found() const {
    std::string hints;
    if (counts_.passed_over > 0) hints += fmt::format("; files that are no images: {}", counts_.passed_over);
    if (counts_.not_entered > 0) hints += fmt::format("; sub-folders, which -r descends into: {}", counts_.not_entered);
    if (counts_.hidden > 0) hints += fmt::format("; hidden names, which --hidden includes: {}", counts_.hidden);
    if (hints.empty()) hints = "; name files, or a folder that holds some";
    const std::string& first = options_.paths.front();
    return {
        ErrorCode::usage,
        fmt::format("{}{}: no image was found{}", shown(first),
                    options_.paths.size() > 1 ? fmt::format(" and {} more", options_.paths.size() - 1) : "", hints)};
  }

  void check_twice() const {
    struct Tag {
      std::uint64_t hash;
      std::uint64_t index;
      bool operator<(const Tag& other) const { return hash != other.hash ? hash < other.hash : index < other.index; }
    };
    PlaceFinder places;
    std::vector<Tag> tags;
    tags.reserve(list_.size());
    for (std::size_t i = 0; i < list_.size(); ++i) {
      if (list_.path(i) != "-") tags.push_back({places.hash(list_.path(i)), i});
    }
    std::sort(tags.begin(), tags.end());
    for (std::size_t i = 0; i + 1 < tags.size(); ++i) {
      for (std::size_t j = i + 1; j < tags.size() && tags[j].hash == tags[i].hash; ++j) {
        const std::string_view a = list_.path(tags[i].index);
        const std::string_view b = list_.path(tags[j].index);
        if (places.place(a) == places.place(b)) throw named_twice(a, b);
      }
    }
  }

  [[nodiscard]] static Error named_twice(std::string_view a, std::string_view b) {
    if (a == b) return {ErrorCode::usage, fmt::format("{}: named twice; name each file once", shown(a))};
    return {ErrorCode::usage, fmt::format("{} and {}: the same file twice; name each file once", shown(a), shown(b))};
  }

  const InputOptions& options_;
  KeptPaths kept_;
  WalkOptions walk_;
  WalkCounts counts_;
  InputList list_;
};

InputList list_inputs(const InputOptions& options, std::string_view output_directory) {
  return InputLister(options, output_directory).run();
}

}  // namespace pixmill::pipeline
