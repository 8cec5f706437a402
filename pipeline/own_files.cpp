#include "pipeline/own_files.hpp"

#include "pipeline/batch_setup.hpp"
#include "pipeline/files/output_file.hpp"
#include "pipeline/inputs/path_error.hpp"

#include <pixmill/error.hpp>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace pixmill::pipeline {
namespace {

namespace fs = std::filesystem;

struct FileIdentity {
  bool exists = false;
  dev_t device = 0;
  ino_t inode = 0;
  friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
};

FileIdentity identity_of(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return {};
  return {true, status.st_dev, status.st_ino};
}

[[noreturn]] void refuse(const OwnFile& file, std::string_view why) {
  throw Error(ErrorCode::usage, fmt::format("{} {} {}; choose another name", file.what, file.path, why));
}

// The one spelling of a file that need not exist. Throws if the machine fails; where a folder may not be searched,
// making the file will say so.
fs::path place_of(const std::string& path) {
  std::error_code error;
  const fs::path whole = fs::absolute(path, error);
  if (error) throw path_error(error.value(), path, "getcwd", "go to a folder that exists");
  const fs::path folder = fs::weakly_canonical(whole.parent_path(), error);
  if (!error) return folder / whole.filename();
  const Error trouble = path_error(error.value(), whole.parent_path().string(), "realpath", "choose another name");
  if (trouble.code() == ErrorCode::machine) throw Error(trouble);
  return whole.lexically_normal();
}

std::vector<OwnFile> own_files(const BatchOptions& options, const BatchSetup& setup) {
  std::vector<OwnFile> files;
  if (!setup.manifest.empty()) files.push_back({"the manifest", setup.manifest});
  for (const ReductionImage& image : setup.images) files.push_back({image.reduction->descriptor->name, image.path});
  if (options.reduce_out) files.push_back({"--reduce-out", *options.reduce_out});
  if (options.trace) files.push_back({"--trace", *options.trace});
  if (setup.program.write && setup.program.reduce) {
    files.push_back({"the state of the reductions", setup.naming.directory + "/pixmill.state.jsonl"});
  }
  return files;
}

void check_folder(const OwnFile& file, const BatchSetup& setup) {
  const fs::path folder = place_of(file.path).parent_path();
  std::error_code error;
  if (fs::is_directory(file.path, error)) refuse(file, "is a folder");
  if (fs::path(file.path).filename().string().starts_with(kTemporaryPrefix))
    refuse(file, "has the name of a temporary file");
  if (setup.program.write && folder == place_of(setup.naming.directory + "/x").parent_path()) return;  // will be made
  const fs::file_status status = fs::status(folder, error);
  if (!fs::is_directory(status)) {
    if (!fs::status_known(status)) throw path_error(error.value(), folder.string(), "stat", "choose another name");
    throw Error(ErrorCode::usage,
                fmt::format("{} {}: there is no folder {}; make it first", file.what, file.path, folder.string()));
  }
  if (::access(folder.c_str(), W_OK) != 0) {
    throw path_error(errno, folder.string(), "access",
                     fmt::format("{} {} goes there: choose another name", file.what, file.path));
  }
}

void check_each_other(const std::vector<OwnFile>& files) {
  for (std::size_t i = 0; i < files.size(); ++i) {
    for (std::size_t j = i + 1; j < files.size(); ++j) {
      const FileIdentity first = identity_of(files[i].path);
      if (place_of(files[i].path) == place_of(files[j].path) || (first.exists && first == identity_of(files[j].path))) {
        refuse(files[j], fmt::format("is {} as well", files[i].what));
      }
    }
  }
}

void check_inputs(const OwnFile& file, const InputOptions& options, const InputList& inputs) {
  const FileIdentity own = identity_of(file.path);
  if (!own.exists) return;
  if (options.files_from && identity_of(*options.files_from) == own) refuse(file, "is the list of inputs");
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (identity_of(std::string(inputs.path(i))) == own) refuse(file, "is one of the inputs");
  }
}

void check_outputs(const OwnFile& file, const BatchSetup& setup, const InputList& inputs) {
  const std::string place = place_of(file.path).string();
  const std::string folder = place_of(setup.naming.directory + "/x").parent_path().string();
  if (!place.starts_with(folder + "/")) return;
  const std::string_view below = std::string_view(place).substr(folder.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const std::string output = output_path(inputs, i, setup.naming);
    if (std::string_view(output).substr(setup.naming.directory.size()) == below) {
      refuse(file, fmt::format("is the output of {}", inputs.path(i)));
    }
  }
}

}  // namespace

// An image that a reduction makes is an output like any other.
void check_images(const BatchOptions& options, const BatchSetup& setup) {
  const bool replaces =
      options.output ? options.output->overwrite || options.output->resume : options.overwrite_manifest;
  if (replaces) return;
  for (const ReductionImage& image : setup.images) {
    struct stat status {};
    if (::stat(image.path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
    throw Error(ErrorCode::usage, fmt::format("{}={}: that file exists; choose another name, or use --overwrite",
                                              image.reduction->descriptor->name, image.path));
  }
}

void check_apart(const std::vector<OwnFile>& files, const InputOptions& options, const InputList& inputs) {
  for (const OwnFile& file : files) check_inputs(file, options, inputs);
  check_each_other(files);
}

void check_own_files(const BatchOptions& options, const BatchSetup& setup, const InputList& inputs) {
  const std::vector<OwnFile> files = own_files(options, setup);
  for (const OwnFile& file : files) {
    check_folder(file, setup);
    if (setup.program.write) check_outputs(file, setup, inputs);
  }
  check_apart(files, options.inputs, inputs);
  check_images(options, setup);
}

}  // namespace pixmill::pipeline
