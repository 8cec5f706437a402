#pragma once

#include <pixmill/batch.hpp>

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace pixmill::pipeline {

/// The inputs of a batch, in order, packed: about 24 bytes and its path an input. Immutable once made; any thread.
class InputList {
 public:
  InputList() = default;
  InputList(InputList&&) = default;
  InputList& operator=(InputList&&) = default;
  InputList(const InputList&) = delete;
  InputList& operator=(const InputList&) = delete;
  ~InputList() = default;

  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  [[nodiscard]] bool empty() const { return entries_.empty(); }
  /// The path as given or found; what open() gets, and the manifest's `input`. "-" is standard input.
  [[nodiscard]] std::string_view path(std::size_t index) const;
  /// The end of path() that its output keeps: the file's name, with the folders below a `-r` folder or `--root`.
  /// "stdin" for standard input.
  [[nodiscard]] std::string_view kept_path(std::size_t index) const;
  /// Its size in bytes when it was listed; 0 if unknown.
  [[nodiscard]] std::uint64_t bytes(std::size_t index) const;
  /// The sum of all sizes; 0 if any is unknown.
  [[nodiscard]] std::uint64_t total_bytes() const { return has_unknown_sizes_ ? 0 : total_bytes_; }
  /// Files met in folders that are no images.
  [[nodiscard]] std::uint64_t passed_over() const { return passed_over_; }

  /// What append() takes for a size that nobody asked for.
  static constexpr std::uint64_t kUnknownSize = std::numeric_limits<std::uint64_t>::max();
  /// `kept_length`: of the end of `path` that is kept. Throws Error (usage) for a path of 2 GiB or more.
  void append(std::string_view path, std::size_t kept_length, std::uint64_t size_bytes);
  /// With a kept path that is not the end of `path`, which costs its length once more. Must not be empty.
  void append(std::string_view path, std::string_view kept, std::uint64_t size_bytes);

 private:
  friend class InputLister;
  struct Entry {
    const char* text = nullptr;
    std::uint32_t length = 0;
    std::uint32_t kept_length : 31 = 0;
    std::uint32_t kept_apart : 1 = 0;  // the kept path stands behind the path and not at its end
    std::uint64_t size_bytes = 0;
  };
  [[nodiscard]] static std::string_view path_of(const Entry& entry) { return {entry.text, entry.length}; }
  static void check_length(std::size_t length);
  void add_entry(const Entry& entry, std::uint64_t size_bytes);
  [[nodiscard]] const char* store(std::string_view path, std::string_view behind);

  // Blocks, because one text would be copied whole, and twice as much memory needed, each time that it grows.
  std::vector<std::vector<char>> blocks_;
  std::unique_ptr<const std::string> list_text_;  // of --files-from, as it was read; entries point into it
  std::vector<Entry> entries_;
  std::uint64_t total_bytes_ = 0;
  std::uint64_t passed_over_ = 0;
  bool has_unknown_sizes_ = false;
};

/// Finds the inputs. Paths, folders and globs in natural order of their paths (bytes, digits by value; no locale), a
/// list in its own order, read to its end first. `output_directory` (may be empty) below an input folder is not walked.
///
/// Where CONTRACT.md is silent: paths and a list may both be given, the paths come first. A path that exists is taken
/// as it is, else as a glob (glob_walk.hpp); what a glob matches counts as named, folders too. A folder in a list is an
/// input
/// (`unreadable` later), "-" in a list a file of that name, its path "./-". Sizes are known for what was found or
/// named, not for what a list holds, whose files are not touched. docs/inputs.md tells users.
///
/// Throws Error (usage) for: a named path that does not exist, the same file twice, nothing named, no image among what
/// was named (an empty list is no error), a list that cannot be read, `--root` that is not above an input, a glob that
/// matches nothing, an input folder that is the output folder, a folder at any depth that cannot be read. Throws Error
/// (machine) when descriptors or memory run out or a disk fails.
[[nodiscard]] InputList list_inputs(const InputOptions& options, std::string_view output_directory);

/// How outputs are named.
struct OutputNaming {
  std::string directory;  ///< As given; a trailing slash is dropped.
  std::string extension;  ///< Without the dot. Empty: the input's own is kept (`--format same`).
  bool keep_ext = false;
};

/// DIR joined with the kept path whose last extension is replaced (or to which one is added with keep_ext).
[[nodiscard]] std::string output_path(const InputList& inputs, std::size_t index, const OutputNaming& naming);

/// Throws Error (usage), naming both files and the way out, when two inputs would get one output name (also where a
/// name is needed both as file and as folder), when an output would be one of the inputs (through links too), or one of
/// pixmill's own files in DIR. Costs one stat an output; about 40 bytes an input while it runs.
void check_output_names(const InputList& inputs, const OutputNaming& naming);

}  // namespace pixmill::pipeline
