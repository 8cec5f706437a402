#include "pipeline/inputs/walk.hpp"

#include "pipeline/inputs/input_list.hpp"
#include "pipeline/inputs/sniff.hpp"

#include <pixmill/error.hpp>

#include <vector>

namespace pixmill::pipeline {
namespace {

class Walk {
 public:
  Walk(const WalkOptions& options, WalkCounts& counts, const FoundFile& found)
      : options_(options), counts_(counts), found_(found) {}

  void run(const std::string& folder) {
    path_ = folder;
    read(Folder::Reached::named);
    while (!levels_.empty()) {
      Level& level = levels_.back();
      if (level.names.empty()) {
        levels_.pop_back();
        continue;
      }
      path_.resize(level.path_length);
      const std::size_t name = level.names.rfind('\0', level.names.size() - 2) + 1;  // npos + 1 is 0
      path_.append(level.names, name, level.names.size() - 1 - name);
      level.names.resize(name);
      read(Folder::Reached::found);
    }
  }

 private:
  /// The sub-folders of one folder that are still to be read, each name ended by a NUL: a million of them cost little
  /// more than their letters, and none holds a descriptor.
  struct Level {
    std::size_t path_length;  ///< Of the folder's path with the slash.
    std::string names;
  };

  void read(Folder::Reached reached) {
    std::optional<Folder> folder = open(reached);
    if (!folder || folder->id() == options_.left_out) return;
    if (!path_.ends_with('/')) path_ += '/';
    Level level{path_.size(), {}};
    while (const char* name = folder->next()) {
      if (name[0] == '.' && !options_.hidden) {
        ++counts_.hidden;
        continue;
      }
      take(*folder, name, level.names);
    }
    if (!level.names.empty()) levels_.push_back(std::move(level));
  }

  std::optional<Folder> open(Folder::Reached reached) {
    try {
      return Folder::open(path_, reached);
    } catch (const Error&) {
      // Every ext4 has one at its top that only root may read, and it holds nobody's scans.
      if (reached == Folder::Reached::found && path_.ends_with("/lost+found")) return std::nullopt;
      throw;
    }
  }

  void take(const Folder& folder, const char* name, std::string& folders) {
    switch (folder.kind()) {
      case EntryKind::file:
        look(folder, name);
        break;
      case EntryKind::folder:
        if (options_.recursive) {
          folders.append(name).push_back('\0');
        } else {
          ++counts_.not_entered;
        }
        break;
      case EntryKind::special:
        ++counts_.passed_over;
        break;
      case EntryKind::unreachable:
        yield(name, InputList::kUnknownSize);
        break;
      case EntryKind::folder_link:
      case EntryKind::gone:
        break;
    }
  }

  void look(const Folder& folder, const char* name) {
    const Sniffed sniffed = sniff_file(folder.descriptor(), name);
    switch (sniffed.content) {
      case Sniffed::Content::image:
        yield(name, sniffed.size_bytes);
        break;
      case Sniffed::Content::other:
        ++counts_.passed_over;
        break;
      case Sniffed::Content::unreadable:
        yield(name, InputList::kUnknownSize);
        break;
      case Sniffed::Content::gone:
        break;
    }
  }

  void yield(const char* name, std::uint64_t size_bytes) {
    const std::size_t length = path_.size();
    path_ += name;
    found_(path_, size_bytes);
    path_.resize(length);
  }

  const WalkOptions& options_;
  WalkCounts& counts_;
  const FoundFile& found_;
  std::string path_;
  std::vector<Level> levels_;
};

}  // namespace

void walk_folder(const std::string& folder, const WalkOptions& options, WalkCounts& counts, const FoundFile& found) {
  Walk(options, counts, found).run(folder);
}

}  // namespace pixmill::pipeline
