#include "pipeline/inputs/sniff.hpp"

#include "pipeline/codecs/codec.hpp"
#include "pipeline/inputs/path_error.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace pixmill::pipeline {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  [[nodiscard]] int value() const { return value_; }

 private:
  int value_;
};

int open_to_look(int folder, const char* name) {
  constexpr int kFlags = O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
  const int descriptor = ::openat(folder, name, kFlags | O_NOATIME);
  // O_NOATIME is for the owner alone.
  return descriptor < 0 && errno == EPERM ? ::openat(folder, name, kFlags) : descriptor;
}

/// The number of bytes read, fewer only at the end of the file; negative if it cannot be read.
ssize_t read_head(int descriptor, std::array<std::byte, kSniffBytes>& head) {
  std::size_t have = 0;
  while (have < head.size()) {
    const ssize_t got = ::pread(descriptor, head.data() + have, head.size() - have, static_cast<off_t>(have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  return static_cast<ssize_t>(have);
}

}  // namespace

Sniffed sniff_file(int folder, const char* name) {
  using Content = Sniffed::Content;
  const Descriptor file(open_to_look(folder, name));
  if (file.value() < 0) {
    if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) {
      throw path_error(errno, name, "open", "raise the limit (ulimit -n) or end other programs");
    }
    return {errno == ENOENT ? Content::gone : Content::unreadable, 0};
  }
  struct stat status {};
  if (::fstat(file.value(), &status) != 0) return {Content::unreadable, 0};
  if (!S_ISREG(status.st_mode)) return {};
  std::array<std::byte, kSniffBytes> head{};
  const ssize_t length = read_head(file.value(), head);
  if (length < 0) return {Content::unreadable, 0};
  if (recognise(Bytes(head.data(), static_cast<std::size_t>(length))) == nullptr) return {};
  return {Content::image, static_cast<std::uint64_t>(status.st_size)};
}

}  // namespace pixmill::pipeline
