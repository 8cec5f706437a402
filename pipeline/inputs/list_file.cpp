#include "pipeline/inputs/list_file.hpp"

#include "pipeline/inputs/path_error.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

namespace pixmill::pipeline {
namespace {

constexpr std::size_t kReadBytes = std::size_t{64} << 10U;

std::string list_name(const std::string& source) {
  return source == "-" ? "the list on standard input" : shown(source);
}

class OpenList {
 public:
  explicit OpenList(const std::string& source)
      : descriptor_(source == "-" ? STDIN_FILENO : ::open(source.c_str(), O_RDONLY | O_CLOEXEC)),
        owned_(source != "-") {
    if (descriptor_ < 0) throw path_error(errno, source, "open list", "check what --files-from names");
  }
  OpenList(const OpenList&) = delete;
  OpenList& operator=(const OpenList&) = delete;
  ~OpenList() {
    if (owned_) ::close(descriptor_);
  }
  [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
  bool owned_;
};

}  // namespace

void read_list(const std::string& source, std::string& text) {
  const OpenList list(source);
  struct stat status {};
  if (::fstat(list.descriptor(), &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0) {
    text.reserve(text.size() + static_cast<std::size_t>(status.st_size) + kReadBytes);
  }
  for (;;) {
    const std::size_t have = text.size();
    text.resize(have + kReadBytes);
    const ssize_t got = ::read(list.descriptor(), text.data() + have, kReadBytes);
    const int error_number = errno;
    text.resize(have + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got == 0) return;
    if (got < 0 && error_number != EINTR) {
      throw path_error(error_number, list_name(source), "read list", "--files-from takes a file with one path a line");
    }
  }
}

void split_list(const std::string& source, std::string_view text, bool nul_separated, const FoundLine& found) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  const std::size_t nul = text.find('\0');
  if (nul_separated && nul == std::string_view::npos && text.find('\n') != std::string_view::npos) {
    throw Error(ErrorCode::usage,
                fmt::format("{}: -0 was given, but the list has lines and no NUL; leave out -0", list_name(source)));
  }
  if (!nul_separated && nul != std::string_view::npos) {
    const auto line = std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(nul), '\n') + 1;
    throw Error(
        ErrorCode::usage,
        fmt::format("{}: there are NUL bytes in line {}; give -0 if NUL stands between the paths (find -print0), "
                    "or write the list as UTF-8",
                    list_name(source), line));
  }
  if (!nul_separated && text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  const char separator = nul_separated ? '\0' : '\n';
  while (!text.empty()) {
    const std::size_t stop = std::min(text.find(separator), text.size());
    std::string_view path = text.substr(0, stop);
    if (!nul_separated && path.ends_with('\r')) path.remove_suffix(1);
    if (!path.empty()) found(path);
    text.remove_prefix(std::min(stop + 1, text.size()));
  }
}

}  // namespace pixmill::pipeline
