#pragma once

#include <dirent.h>
#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace pixmill::pipeline {

/// Which folder it is, whatever the path that led there.
struct FolderId {
  dev_t device = 0;
  ino_t inode = 0;
  friend bool operator==(const FolderId&, const FolderId&) = default;
};

/// The folder at `path`, links followed; nothing if there is none.
[[nodiscard]] std::optional<FolderId> find_folder(const std::string& path);

enum class EntryKind : unsigned char {
  file,  ///< Or a link to one.
  folder,
  folder_link,
  special,      ///< A FIFO, a socket, a device, or a link to one.
  unreachable,  ///< Exists, but what it is cannot be found out: a link to nowhere, a loop.
  gone,         ///< Was removed since its name was read.
};

/// Whether walks and wildcards see nothing of this name, even with --hidden: "." and "..", and the temporary files of
/// runs, which may be going on.
[[nodiscard]] bool is_never_listed(std::string_view name);

/// An open folder whose entries are read one after the other. Holds one descriptor.
class Folder {
 public:
  enum class Reached {
    named,       ///< By the user: it must be there, and may be a link.
    found,       ///< In another folder: no longer there, or no folder any more, is no error.
    found_link,  ///< As `found`, but may be a link.
  };
  /// Nothing if it is gone (see Reached). Throws Error for a folder that cannot be read: passing over it would lose
  /// images without a word.
  [[nodiscard]] static std::optional<Folder> open(const std::string& path, Reached reached);

  /// The name of the next entry, valid until the following call, or null at the end. Never one of is_never_listed().
  /// Throws Error.
  [[nodiscard]] const char* next();
  /// What the entry just read is. Asks the file system only where the folder itself does not say.
  [[nodiscard]] EntryKind kind() const;
  [[nodiscard]] FolderId id() const { return id_; }
  [[nodiscard]] int descriptor() const { return ::dirfd(stream_.get()); }

 private:
  struct Close {
    void operator()(DIR* stream) const { ::closedir(stream); }
  };
  Folder() = default;
  std::unique_ptr<DIR, Close> stream_;
  FolderId id_;
  std::string path_;
  const dirent* entry_ = nullptr;
};

}  // namespace pixmill::pipeline
