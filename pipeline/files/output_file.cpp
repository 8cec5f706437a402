#include "pipeline/files/output_file.hpp"

#include "ipc/unique_fd.hpp"
#include "pipeline/files/system_error.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <list>
#include <thread>

namespace pixmill::pipeline {
namespace {

// Names of the temporary files that exist at this moment, so that a program that leaves at once can remove them.
class Register {
 public:
  using Entry = std::list<std::string>::iterator;
  Entry enter(std::string path) {
    const std::lock_guard lock(mutex_);
    return paths_.insert(paths_.end(), std::move(path));
  }
  void leave(Entry entry) {
    const std::lock_guard lock(mutex_);
    paths_.erase(entry);
  }
  void unlink_all() {
    const std::lock_guard lock(mutex_);
    for (const std::string& path : paths_) ::unlink(path.c_str());
  }

 private:
  std::mutex mutex_;
  std::list<std::string> paths_;
};

Register& temporaries() {
  static Register instance;
  return instance;
}

// A file that vanishes again unless it was renamed.
class Temporary {
 public:
  explicit Temporary(const std::string& path) : path_(path), entry_(temporaries().enter(path)) {}
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  ~Temporary() {
    if (!path_.empty()) ::unlink(path_.c_str());
    temporaries().leave(entry_);
  }
  void renamed() { path_.clear(); }

 private:
  std::string path_;
  Register::Entry entry_;
};

WriteStatus failure(std::string_view call, std::string_view path, int error) {
  return {false, is_no_room(error), failed_call(call, path, error)};
}

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

WriteStatus write_all(int fd, const std::string& path, Bytes bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return failure("write", path, errno);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

// The error, or 0.
int sync(int fd) {
  while (::fsync(fd) != 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

// A device or a pipe. Opening a pipe that nobody reads would sleep, and no stop would end that. On failure: errno.
ipc::UniqueFd open_special(const std::string& path, const std::stop_token& stop) {
  constexpr std::chrono::milliseconds kLook{20};
  struct stat status {};
  const bool is_pipe = ::stat(path.c_str(), &status) == 0 && S_ISFIFO(status.st_mode);
  for (;;) {
    ipc::UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NONBLOCK));
    if (fd) {
      if (::fcntl(fd.get(), F_SETFL, O_WRONLY) == 0) return fd;
      return {};
    }
    if (errno != ENXIO || !is_pipe) return {};
    if (stop.stop_requested()) {
      errno = EINTR;
      return {};
    }
    std::this_thread::sleep_for(kLook);
  }
}

}  // namespace

WriteStatus replace_file(const std::string& path, Bytes bytes, std::string_view id, bool durable) {
  static std::atomic<std::uint64_t> next{0};
  const std::string folder = folder_of(path);
  std::string name;
  ipc::UniqueFd fd;
  ipc::UniqueFd parent;
  if (durable) {  // before there is anything that would have to be taken back
    parent.reset(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!parent) return failure("open", folder, errno);
  }
  do {
    name = fmt::format("{}/{}{}-{}-{}", folder, kTemporaryPrefix, id, ::getpid(), next.fetch_add(1));
    fd.reset(::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  } while (!fd && (errno == EEXIST || errno == EINTR));  // a dead process may have had this one's number
  if (!fd) return failure("open", name, errno);
  Temporary temporary(name);
  WriteStatus status = write_all(fd.get(), path, bytes);
  if (!status.ok) return status;
  if (const int error = durable ? sync(fd.get()) : 0; error != 0) return failure("fsync", path, error);
  // Some file systems (NFS, quotas) say only now that there was no room.
  if (::close(fd.release()) != 0) return failure("close", path, errno);
  if (::rename(name.c_str(), path.c_str()) != 0) return failure("rename", path, errno);
  temporary.renamed();
  const int error = durable ? sync(parent.get()) : 0;
  // Some file systems have no such thing for folders.
  if (error == 0 || error == EINVAL || error == ENOTSUP) return {};
  ::unlink(path.c_str());
  return failure("fsync", folder, error);
}

WriteStatus write_report(const std::string& path, Bytes bytes, std::string_view id, bool durable,
                         const std::stop_token& stop) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0 || S_ISREG(status.st_mode)) return replace_file(path, bytes, id, durable);
  // A link is followed; what it leads to through /dev and /proc (/dev/stdout) has no name that could be replaced.
  std::error_code error;
  const std::string link = std::filesystem::read_symlink(path, error).string();
  const bool is_special = path.starts_with("/dev/") || path.starts_with("/proc/") || link.starts_with("/proc/") ||
                          link.starts_with("/dev/");
  const std::string target = std::filesystem::weakly_canonical(path, error).string();
  if (!is_special && (::stat(target.c_str(), &status) != 0 || S_ISREG(status.st_mode))) {
    return replace_file(target, bytes, id, durable);
  }
  const ipc::UniqueFd fd = open_special(path, stop);
  return fd ? write_all(fd.get(), path, bytes) : failure("open", path, errno);
}

WriteStatus FolderMaker::make_parents(const std::string& path) {
  const std::string folder = folder_of(path);
  {
    const std::lock_guard lock(mutex_);
    if (made_.contains(folder)) return {};
  }
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return failure("mkdir", folder, error.value());
  const std::lock_guard lock(mutex_);
  made_.insert(folder);
  return {};
}

void unlink_temporary_files() noexcept {
  try {
    temporaries().unlink_all();
  } catch (...) {  // A mutex that cannot be locked: the files are found by the next --resume.
    return;
  }
}

}  // namespace pixmill::pipeline
