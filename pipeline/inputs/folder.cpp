#include "pipeline/inputs/folder.hpp"

#include "pipeline/inputs/path_error.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace pixmill::pipeline {
namespace {

constexpr std::string_view kAdvice =
    "make the folder readable, or name the files that are wanted, for instance with --files-from";

bool has_vanished(int error_number) {
  return error_number == ENOENT || error_number == ENOTDIR || error_number == ELOOP;
}

EntryKind kind_of_target(int folder, const char* name) {
  struct stat status {};
  if (::fstatat(folder, name, &status, 0) != 0) return EntryKind::unreachable;
  if (S_ISREG(status.st_mode)) return EntryKind::file;
  return S_ISDIR(status.st_mode) ? EntryKind::folder_link : EntryKind::special;
}

EntryKind kind_by_stat(int folder, const char* name) {
  struct stat status {};
  if (::fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
    return errno == ENOENT ? EntryKind::gone : EntryKind::unreachable;
  }
  if (S_ISREG(status.st_mode)) return EntryKind::file;
  if (S_ISDIR(status.st_mode)) return EntryKind::folder;
  return S_ISLNK(status.st_mode) ? kind_of_target(folder, name) : EntryKind::special;
}

}  // namespace

std::optional<FolderId> find_folder(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) return std::nullopt;
  return FolderId{status.st_dev, status.st_ino};
}

bool is_never_listed(std::string_view name) { return name == "." || name == ".." || name.starts_with(".pixmill-"); }

std::optional<Folder> Folder::open(const std::string& path, Reached reached) {
  const int no_follow = reached == Reached::found ? O_NOFOLLOW : 0;
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | no_follow);
  if (descriptor < 0) {
    if (reached != Reached::named && has_vanished(errno)) return std::nullopt;
    throw path_error(errno, path, "open folder", kAdvice);
  }
  Folder folder;
  folder.path_ = path;
  folder.stream_.reset(::fdopendir(descriptor));
  if (!folder.stream_) {
    const int error_number = errno;
    ::close(descriptor);
    throw path_error(error_number, path, "fdopendir", kAdvice);
  }
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) throw path_error(errno, path, "fstat", kAdvice);
  folder.id_ = {status.st_dev, status.st_ino};
  return folder;
}

const char* Folder::next() {
  do {
    errno = 0;
    entry_ = ::readdir(stream_.get());
    if (entry_ == nullptr) {
      if (errno != 0) throw path_error(errno, path_, "readdir", "the folder cannot be read to its end");
      return nullptr;
    }
  } while (is_never_listed(entry_->d_name));
  return entry_->d_name;
}

EntryKind Folder::kind() const {
  switch (entry_->d_type) {
    case DT_REG:
      return EntryKind::file;
    case DT_DIR:
      return EntryKind::folder;
    case DT_LNK:
      return kind_of_target(descriptor(), entry_->d_name);
    case DT_UNKNOWN:
      return kind_by_stat(descriptor(), entry_->d_name);
    default:
      return EntryKind::special;
  }
}

}  // namespace pixmill::pipeline
