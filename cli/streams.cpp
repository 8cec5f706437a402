#include "cli/streams.hpp"

#include <pixmill/error.hpp>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

namespace pixmill::cli {
namespace {

[[noreturn]] void throw_stdout_error(int error) {
  throw Error(ErrorCode::machine,
              "standard output: " + std::generic_category().message(error) + "; what was printed is not complete");
}

/// Writes all of it; the errno that stopped it, or 0.
int write_all(int fd, std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      // A descriptor shared with a program that made it non-blocking: wait for room as a blocking one would.
      pollfd waiting{fd, POLLOUT, 0};
      poll(&waiting, 1, -1);
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

}  // namespace

void fill_missing_streams() {
  // Each is opened the wrong way round, so that using it still fails instead of losing data without a word.
  const int modes[] = {O_WRONLY, O_RDONLY, O_RDWR};
  for (int fd = 0; fd <= 2; ++fd) {
    if (fcntl(fd, F_GETFD) == -1 && errno == EBADF) {
      const int opened = open("/dev/null", modes[fd]);
      if (opened > 2) close(opened);
    }
  }
}

void write_stdout(std::string_view text) {
  if (const int error = write_all(STDOUT_FILENO, text); error != 0) throw_stdout_error(error);
}

void close_stdout() {
  if (close(STDOUT_FILENO) != 0 && errno != EBADF && errno != EINTR) throw_stdout_error(errno);
}

void write_stderr(std::string_view text) noexcept { write_all(STDERR_FILENO, text); }

}  // namespace pixmill::cli
