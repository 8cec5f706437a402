#pragma once

#include "pipeline/inputs/input_list.hpp"
#include "tests/support/scratch_folder.hpp"

#include <pixmill/error.hpp>

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pixmill::pipeline {

/// The working folder while this lives, with files for lists of inputs in it. Paths are relative to it.
class InputFolder : public tests::WorkingFolder {
 public:
  /// Makes the file, and the folders on the way.
  void write(const std::string& name, std::string_view content) const;
  /// A file that begins like a PNG, 68 bytes long.
  void write_image(const std::string& name) const;
  void make_folder(const std::string& name) const;
  void link(const std::string& target, const std::string& name) const;
};

/// While this lives, the process has no more rights than anybody, even where tests run as root.
class Unprivileged {
 public:
  Unprivileged();
  Unprivileged(const Unprivileged&) = delete;
  Unprivileged& operator=(const Unprivileged&) = delete;
  ~Unprivileged();

 private:
  uid_t before_;
};

/// What write_image() writes.
[[nodiscard]] std::string image_bytes();

[[nodiscard]] std::vector<std::string> paths_of(const InputList& inputs);
[[nodiscard]] std::vector<std::string> kept_paths_of(const InputList& inputs);

/// The error that `action` throws, or nothing.
[[nodiscard]] std::optional<Error> error_of(const std::function<void()>& action);

}  // namespace pixmill::pipeline
