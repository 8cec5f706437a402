#include "bench/page_cache.hpp"

#include "ipc/unique_fd.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

namespace pixmill::bench {
namespace {

ipc::UniqueFd opened(const pipeline::InputList& inputs, std::size_t index) {
  return ipc::UniqueFd(::open(std::string(inputs.path(index)).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
}

// Of others' files mincore() says that all is there, so as to tell nothing (Linux 5.2).
bool is_told(const struct stat& status, const std::string& path) {
  const uid_t user = ::geteuid();
  return user == 0 || status.st_uid == user || ::access(path.c_str(), W_OK) == 0;
}

void look_at_file(int fd, std::uint64_t bytes, CachedPages& seen) {
  constexpr std::uint64_t kAtATime = std::uint64_t{1} << 30U;
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  std::vector<unsigned char> present;
  for (std::uint64_t at = 0; at < bytes; at += kAtATime) {
    const std::uint64_t length = std::min(kAtATime, bytes - at);
    void* const place = ::mmap(nullptr, length, PROT_READ, MAP_SHARED, fd, static_cast<off_t>(at));
    if (place == MAP_FAILED) return;
    present.resize((length + page - 1) / page);
    if (::mincore(place, length, present.data()) == 0) {
      seen.pages += present.size();
      seen.cached += static_cast<std::uint64_t>(
          std::count_if(present.begin(), present.end(), [](unsigned char bits) { return (bits & 1U) != 0; }));
    }
    ::munmap(place, length);
  }
}

}  // namespace

CachedPages look_at_cache(const pipeline::InputList& inputs) {
  CachedPages seen;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const ipc::UniqueFd fd = opened(inputs, i);
    struct stat status {};
    if (!fd || ::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
    if (is_told(status, std::string(inputs.path(i)))) {
      look_at_file(fd.get(), static_cast<std::uint64_t>(status.st_size), seen);
    } else {
      ++seen.untold;
    }
  }
  return seen;
}

void drop_from_cache(const pipeline::InputList& inputs) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const ipc::UniqueFd fd = opened(inputs, i);
    if (fd) ::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_DONTNEED);
  }
}

void read_into_cache(const pipeline::InputList& inputs) {
  std::vector<char> somewhere(std::size_t{1} << 20U);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const ipc::UniqueFd fd = opened(inputs, i);
    struct stat status {};
    if (!fd || ::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
    for (;;) {
      const ssize_t some = ::read(fd.get(), somewhere.data(), somewhere.size());
      if (some == 0 || (some < 0 && errno != EINTR)) break;
    }
  }
}

}  // namespace pixmill::bench
