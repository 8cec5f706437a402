#include "pipeline/worker_program.hpp"

#include <pixmill/error.hpp>

#include <dlfcn.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

namespace pixmill::pipeline {
namespace {

// PIXMILL_WORKER_FROM_LIBRARY leads from the folder of libpixmill.so to the program, so that a tree may be moved.
std::string beside_library() {
  static const char place = 0;  // in this library
  Dl_info found{};
  if (::dladdr(&place, &found) == 0 || found.dli_fname == nullptr) return {};
  const std::string library = found.dli_fname;
  // Relative to where the program or the library was loaded from, which may be another folder than the current one.
  if (!library.starts_with('/')) return {};
  const auto slash = library.rfind('/');
  return slash == std::string::npos ? std::string() : library.substr(0, slash + 1) + PIXMILL_WORKER_FROM_LIBRARY;
}

bool runs(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

}  // namespace

std::string worker_program(const std::string& wish, std::string_view remedy) {
  const char* named = ::secure_getenv("PIXMILL_WORKER");
  std::string path = !wish.empty() ? wish : named != nullptr ? named : "";
  if (path.empty()) {
    path = beside_library();
    if (!runs(path)) path = PIXMILL_WORKER_INSTALLED;
  }
  if (runs(path)) return path;
  throw Error(
      ErrorCode::machine,
      fmt::format("there is no program {}, of which worker processes are made; install pixmill whole, or say where "
                  "it is by {}",
                  path, remedy));
}

}  // namespace pixmill::pipeline
