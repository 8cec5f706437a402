#include "bench/text_file.hpp"

#include "pipeline/files/output_file.hpp"
#include "pipeline/files/whole_file.hpp"

#include <pixmill/error.hpp>

#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <span>
#include <system_error>

namespace pixmill::bench {

std::string read_text(const std::string& path) {
  constexpr std::uint64_t kMostBytes = std::uint64_t{64} << 20U;
  pipeline::FileBuffer file;
  const auto status = pipeline::read_whole_file(path, kMostBytes, file);
  if (!status.usable()) throw Error(ErrorCode::usage, path + ": " + status.detail);
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

void check_writable(const std::string& path) {
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  const std::string folder = parent.empty() ? "." : parent.string();
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) throw Error(ErrorCode::usage, path + " is a folder; name a file");
  if (::access(folder.c_str(), W_OK | X_OK) == 0) return;
  throw Error(ErrorCode::usage,
              path + ": no file can be made in " + folder + ": " + std::generic_category().message(errno));
}

void write_text(const std::string& path, const std::string& text) {
  const auto status = pipeline::write_report(path, std::as_bytes(std::span(text)), "bench", false);
  if (!status.ok) throw Error(ErrorCode::machine, status.detail);
}

}  // namespace pixmill::bench
