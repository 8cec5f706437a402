#include "pipeline/journal/append_file.hpp"

#include "pipeline/files/system_error.hpp"

#include <pixmill/error.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <thread>
#include <utility>

namespace pixmill::pipeline {
namespace {

constexpr std::size_t kReadStep = std::size_t{256} << 10;

WriteStatus failure(std::string_view call, const std::string& path, int error) {
  return {false, is_no_room(error), failed_call(call, path, error)};
}

// "pixmill (process 4711)" from /proc/locks, or words that do without it.
std::string lock_holder(int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return "another process";
  const std::string place = fmt::format(":{}", status.st_ino);
  std::ifstream locks("/proc/locks");
  for (std::string number, type, mode, access, pid, file, rest;
       locks >> number >> type >> mode >> access >> pid >> file && std::getline(locks, rest);) {
    if (type != "FLOCK" || !file.ends_with(place) || pid == "-1") continue;
    std::ifstream comm("/proc/" + pid + "/comm");
    std::string name;
    std::getline(comm, name);
    return fmt::format("{} (process {})", name.empty() ? "a process" : name, pid);
  }
  return "another process";
}

int cut(int fd, std::uint64_t size) {
  int result = 0;
  do {
    result = ::ftruncate(fd, static_cast<off_t>(size));
  } while (result != 0 && errno == EINTR);
  return result;
}

// Whether the open file has that name still. Throws if that cannot be told.
bool same_file(int fd, const std::string& path) {
  struct stat open_file {};
  struct stat named {};
  if (::fstat(fd, &open_file) != 0) throw Error(ErrorCode::machine, failed_call("fstat", path, errno));
  if (::stat(path.c_str(), &named) != 0) {
    if (errno == ENOENT) return false;
    throw Error(ErrorCode::machine, failed_call("stat", path, errno));
  }
  return open_file.st_ino == named.st_ino && open_file.st_dev == named.st_dev;
}

}  // namespace

AppendFile::AppendFile(ipc::UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {
  const off_t end = ::lseek(fd_.get(), 0, SEEK_END);
  size_ = end > 0 ? static_cast<std::uint64_t>(end) : 0;
  char last = '\n';
  if (size_ > 0 && ::pread(fd_.get(), &last, 1, end - 1) == 1 && last != '\n') append("\n");
}

WriteStatus AppendFile::append(std::string_view line) {
  std::size_t done = 0;
  while (done < line.size()) {
    const ssize_t written =
        ::pwrite(fd_.get(), line.data() + done, line.size() - done, static_cast<off_t>(size_ + done));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      const int error = errno;
      if (done > 0 && cut(fd_.get(), size_) != 0) return failure("ftruncate", path_, errno);
      return failure("write", path_, error);
    }
    done += static_cast<std::size_t>(written);
  }
  size_ += line.size();
  return {};
}

bool AppendFile::reserve(std::uint64_t bytes) {
  if (bytes == 0) return true;
  while (::fallocate(fd_.get(), FALLOC_FL_KEEP_SIZE, static_cast<off_t>(size_), static_cast<off_t>(bytes)) != 0) {
    if (errno != EINTR) return !is_no_room(errno);
  }
  return true;
}

void AppendFile::release_reserve() {
  if (fd_ && cut(fd_.get(), size_) != 0) return;  // only room is at stake
}

WriteStatus AppendFile::clear() {
  if (cut(fd_.get(), 0) != 0) return failure("ftruncate", path_, errno);
  size_ = 0;
  return {};
}

WriteStatus AppendFile::sync() {
  while (::fsync(fd_.get()) != 0) {
    if (errno != EINTR) return failure("fsync", path_, errno);
  }
  return {};
}

ipc::UniqueFd open_locked(const std::string& path) {
  constexpr auto kPatience = std::chrono::seconds(1);
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  for (;;) {
    ipc::UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
    if (!fd && errno == EINTR) continue;
    if (!fd) throw Error(ErrorCode::machine, failed_call("open", path, errno) + "; it must be possible to write it");
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EINTR) continue;
      if (errno == EWOULDBLOCK && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        continue;
      }
      if (errno == EWOULDBLOCK) {
        throw Error(ErrorCode::usage,
                    fmt::format("{} is held by {}: another run works there; wait for it, or choose another folder",
                                path, lock_holder(fd.get())));
      }
      throw Error(ErrorCode::machine, failed_call("flock", path, errno) + "; choose a file system that can lock files");
    }
    // The run that held it may have put a new file in its place at its end: the lock must be on the file of that name.
    if (same_file(fd.get(), path)) return fd;
  }
}

bool is_locked(const std::string& path) {
  for (;;) {
    const ipc::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));
    if (!fd && errno == EINTR) continue;
    if (!fd) return errno != ENOENT;
    if (::flock(fd.get(), LOCK_SH | LOCK_NB) != 0) {
      if (errno == EINTR) continue;
      return true;
    }
    if (same_file(fd.get(), path)) return false;  // else its owner has just put a new one in its place
  }
}

void LineReader::fill() {
  buffer_offset_ += begin_;
  buffer_.erase(0, begin_);
  begin_ = 0;
  const std::size_t kept = buffer_.size();
  buffer_.resize(kept + kReadStep);
  ssize_t got = 0;
  do {
    got = ::pread(fd_, buffer_.data() + kept, kReadStep, static_cast<off_t>(buffer_offset_ + kept));
  } while (got < 0 && errno == EINTR);
  if (got < 0) throw Error(ErrorCode::machine, failed_call("read", "manifest", errno));
  buffer_.resize(kept + static_cast<std::size_t>(got));
  at_end_ = got == 0;
}

bool LineReader::next(std::string_view& line, std::uint64_t& offset) {
  std::size_t searched = begin_;
  for (;;) {
    const auto newline = buffer_.find('\n', searched);
    if (newline == std::string::npos && !at_end_) {
      if (buffer_.size() - begin_ > kLongestLine) {
        begin_ = buffer_.size();
        skipping_ = true;
      }
      searched = buffer_.size() - begin_;  // fill() moves begin_ to the front
      fill();
      continue;
    }
    if (begin_ == buffer_.size()) return false;
    const std::size_t end = newline == std::string::npos ? buffer_.size() : newline;
    line = std::string_view(buffer_).substr(begin_, end - begin_);
    offset = buffer_offset_ + begin_;
    begin_ = std::min(end + 1, buffer_.size());
    if (!std::exchange(skipping_, false)) return true;
    searched = begin_;
  }
}

}  // namespace pixmill::pipeline
