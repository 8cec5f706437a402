#include "pipeline/inputs/path_error.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <system_error>

namespace pixmill::pipeline {
namespace {

constexpr std::size_t kMostShown = 1000;

std::string escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out;
}

bool is_want_of_resources(int error_number) {
  switch (error_number) {
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EIO:
    case EINTR:
    case ENOBUFS:
    case ENOSPC:
    case ESTALE:
      return true;
    default:
      return false;
  }
}

}  // namespace

std::string shown(std::string_view path) {
  if (path.size() <= kMostShown) return escaped(path);
  return escaped(path.substr(0, kMostShown / 2)) + "…" + escaped(path.substr(path.size() - kMostShown / 2));
}

Error path_error(int error_number, std::string_view path, std::string_view call, std::string_view advice) {
  const ErrorCode code = is_want_of_resources(error_number) ? ErrorCode::machine : ErrorCode::usage;
  return {code,
          fmt::format("{}: {} ({}); {}", shown(path), std::generic_category().message(error_number), call, advice)};
}

}  // namespace pixmill::pipeline
