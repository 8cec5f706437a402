#include "bench/text_file.hpp"

#include "pipeline/files/output_file.hpp"
#include "pipeline/files/whole_file.hpp"
#include "pipeline/own_files.hpp"

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

namespace {

void check_folder(const std::string& path) {
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  const std::string folder = parent.empty() ? "." : parent.string();
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) throw Error(ErrorCode::usage, path + " is a folder; name a file");
  if (::access(folder.c_str(), W_OK | X_OK) == 0) return;
  throw Error(ErrorCode::usage,
              path + ": no file can be made in " + folder + ": " + std::generic_category().message(errno));
}

}  // namespace

void check_writable(const std::vector<Written>& files, const InputOptions& options) {
  std::vector<pipeline::OwnFile> own;
  for (const Written& file : files) {
    check_folder(file.path);
    own.push_back({file.option, file.path});
  }
  // A list on standard input can be read but once, and is refused for that later.
  const bool any_inputs = (!options.paths.empty() || options.files_from) && options.files_from != "-";
  if (own.empty()) return;
  pipeline::check_apart(own, options, any_inputs ? pipeline::list_inputs(options, "") : pipeline::InputList());
}

void write_text(const std::string& path, const std::string& text, const std::stop_token& stop) {
  const auto status = pipeline::write_report(path, std::as_bytes(std::span(text)), "bench", false, stop);
  if (!status.ok) throw Error(ErrorCode::machine, status.detail);
}

}  // namespace pixmill::bench
