#include "pipeline/files/whole_file.hpp"

#include "ipc/unique_fd.hpp"
#include "pipeline/files/system_error.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

namespace pixmill::pipeline {
namespace {

constexpr std::size_t kFirstRead = std::size_t{64} << 10;
constexpr std::size_t kSmall = std::size_t{1} << 20;

CodecStatus unreadable(std::string detail) { return {Verdict::unreadable, std::move(detail)}; }

CodecStatus beyond_limit(std::uint64_t limit_bytes) {
  return {Verdict::too_large, fmt::format("the file alone is larger than --max-memory ({} bytes)", limit_bytes)};
}

const char* kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

// Standard input may be a pipe on which nothing comes for long: the wait is cut into pieces to look for `stop`.
bool wait_for_input(const std::stop_token& stop) {
  constexpr int kPieceMs = 100;
  pollfd input{STDIN_FILENO, POLLIN, 0};
  while (!stop.stop_requested()) {
    if (::poll(&input, 1, kPieceMs) != 0) return true;  // readable, at its end, or an error that read() will tell
  }
  return false;
}

// One byte more than is expected is asked for, so that a file that has grown is noticed.
CodecStatus read_to_end(int fd, std::string_view path, std::uint64_t expected, std::uint64_t limit, FileBuffer& buffer,
                        const std::stop_token& stop) {
  std::size_t size = 0;
  buffer.reserve(static_cast<std::size_t>(expected) + 1);
  for (;;) {
    if (size == buffer.capacity()) {
      buffer.resize(size);
      buffer.reserve(std::max(size * 2, kFirstRead));
      buffer.resize(0);  // what fails later leaves nothing
    }
    if (fd == STDIN_FILENO && !wait_for_input(stop)) return {Verdict::cancelled, "interrupted while it was read"};
    const ssize_t got = ::read(fd, buffer.data() + size, buffer.capacity() - size);
    if (got == 0) break;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return unreadable(failed_call("read", path, errno));
    size += static_cast<std::size_t>(got);
    if (size > limit) return beyond_limit(limit);
  }
  buffer.resize(size);
  return {};
}

}  // namespace

void FileBuffer::reserve(std::size_t bytes) {
  if (bytes <= capacity_) return;
  // Few sizes, so that buffers soon fit whatever small file comes next: a new one costs a page fault a page.
  const std::size_t rounded = bytes <= kSmall ? std::bit_ceil(std::max(bytes, kFirstRead)) : bytes;
  auto larger = std::make_unique_for_overwrite<std::byte[]>(rounded);
  if (size_ > 0) std::memcpy(larger.get(), memory_.get(), size_);
  memory_ = std::move(larger);
  capacity_ = rounded;
}

CodecStatus read_whole_file(std::string_view path, std::uint64_t limit_bytes, FileBuffer& buffer,
                            const std::stop_token& stop) {
  buffer.resize(0);
  if (path == "-") return read_to_end(STDIN_FILENO, "standard input", kFirstRead, limit_bytes, buffer, stop);
  const std::string name(path);
  ipc::UniqueFd fd;
  do {
    fd.reset(::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  } while (!fd && errno == EINTR);
  if (!fd) return unreadable(failed_call("open", path, errno));
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return unreadable(failed_call("fstat", path, errno));
  if (!S_ISREG(status.st_mode)) {
    return unreadable(fmt::format("it is {}, not a regular file", kind_of(status.st_mode)));
  }
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size > limit_bytes) return beyond_limit(limit_bytes);
  return read_to_end(fd.get(), path, size, limit_bytes, buffer, stop);
}

std::uint64_t content_hash(Bytes bytes) { return XXH64(bytes.data(), bytes.size(), 0); }

}  // namespace pixmill::pipeline
