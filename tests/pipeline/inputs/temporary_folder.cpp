#include "tests/pipeline/inputs/temporary_folder.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace pixmill::pipeline {

namespace fs = std::filesystem;

TemporaryFolder::TemporaryFolder() : before_(fs::current_path().string()) {
  std::string pattern = (fs::temp_directory_path() / "pixmill-inputs-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp " + pattern);
  path_ = fs::canonical(pattern).string();
  fs::permissions(path_, fs::perms::owner_all | fs::perms::group_exec | fs::perms::group_read | fs::perms::others_exec |
                             fs::perms::others_read);
  fs::current_path(path_);
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::current_path(before_, ignored);
  fs::remove_all(path_, ignored);
}

void TemporaryFolder::write(const std::string& path, std::string_view content) const {
  const fs::path file = fs::path(path_) / path;
  fs::create_directories(file.parent_path());
  std::ofstream out(file, std::ios::binary);
  out.write(content.data(), static_cast<std::streamsize>(content.size()));
  if (!out.flush()) throw std::runtime_error("write " + file.string());
}

void TemporaryFolder::write_image(const std::string& path) const { write(path, image_bytes()); }

void TemporaryFolder::make_folder(const std::string& path) const { fs::create_directories(fs::path(path_) / path); }

void TemporaryFolder::link(const std::string& target, const std::string& path) const {
  fs::create_symlink(target, fs::path(path_) / path);
}

Unprivileged::Unprivileged() : before_(::geteuid()) {
  constexpr uid_t kNobody = 65534;
  if (before_ == 0 && ::seteuid(kNobody) != 0) throw std::runtime_error("seteuid");
}

Unprivileged::~Unprivileged() {
  if (before_ == 0 && ::seteuid(before_) != 0) std::abort();
}

std::string image_bytes() {
  using namespace std::string_literals;
  return "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\0\0\0\0"s + std::string(39, 'x');
}

std::vector<std::string> paths_of(const InputList& inputs) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < inputs.size(); ++i) out.emplace_back(inputs.path(i));
  return out;
}

std::vector<std::string> kept_paths_of(const InputList& inputs) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < inputs.size(); ++i) out.emplace_back(inputs.kept_path(i));
  return out;
}

std::optional<Error> error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error;
  }
  return std::nullopt;
}

}  // namespace pixmill::pipeline
