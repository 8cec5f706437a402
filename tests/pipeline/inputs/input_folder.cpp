#include "tests/pipeline/inputs/input_folder.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

namespace pixmill::pipeline {

namespace fs = std::filesystem;

void InputFolder::write(const std::string& name, std::string_view content) const {
  tests::write_file(*this / name, content);
}

void InputFolder::write_image(const std::string& name) const { write(name, image_bytes()); }

void InputFolder::make_folder(const std::string& name) const { fs::create_directories(*this / name); }

void InputFolder::link(const std::string& target, const std::string& name) const {
  fs::create_symlink(target, *this / name);
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
