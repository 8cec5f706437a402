// Preloaded: write() to files named .pixmill-* fails with ENOSPC once NO_ROOM_AFTER bytes were written to them, the
// last one short, as a full disk does it.

#include <dlfcn.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

bool is_temporary(int fd) {
  char link[64];
  char target[4096];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t length = ::readlink(link, target, sizeof target - 1);
  if (length <= 0) return false;
  target[length] = '\0';
  return std::strstr(target, "/.pixmill-") != nullptr && std::strstr(target, ".journal") == nullptr;
}

}  // namespace

extern "C" ssize_t write(int fd, const void* bytes, size_t count) {
  using Write = ssize_t (*)(int, const void*, size_t);
  static const auto real = reinterpret_cast<Write>(::dlsym(RTLD_NEXT, "write"));
  static const char* after = std::getenv("NO_ROOM_AFTER");
  static std::atomic<long> left{after != nullptr ? std::atol(after) : 0};
  // Eight bytes are a worker's bell, and workers may not make the calls of is_temporary().
  if (after == nullptr || count == sizeof(std::uint64_t) || !is_temporary(fd)) return real(fd, bytes, count);
  const long room = left.fetch_sub(static_cast<long>(count));
  if (room <= 0) {
    errno = ENOSPC;
    return -1;
  }
  return real(fd, bytes, room < static_cast<long>(count) ? static_cast<size_t>(room) : count);
}
