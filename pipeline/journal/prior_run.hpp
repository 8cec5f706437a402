#pragma once

#include "ipc/unique_fd.hpp"
#include "kernels/accumulator.hpp"
#include "pipeline/inputs/input_list.hpp"
#include "pipeline/journal/row.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace pixmill::pipeline {

/// What earlier runs left behind about the inputs of this one: read once, before work starts, from the manifest, from
/// the journal of a run that was killed, and from the state of the reductions. About 70 bytes an input. Afterwards
/// immutable: any thread.
class PriorRun {
 public:
  struct Image {
    std::uint64_t input_xxh64 = 0;
    std::uint64_t output_xxh64 = 0;  ///< 0: there is no finished output of this plan.
    std::uint64_t output_bytes = 0;
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    /// An earlier run wrote, or was about to write, the output that this input has now; so it may be replaced.
    bool known = false;
  };

  /// Knows nothing: a fresh start.
  PriorRun() = default;
  /// For an input list, where each has its output (see OutputNaming), and the plan of this run.
  PriorRun(const InputList& inputs, const OutputNaming& naming, std::uint64_t plan);

  /// Takes in the lines of a manifest or of a journal; of several lines of one input the last counts. Throws Error
  /// (machine) when reading fails; whatever the lines say, it is no error.
  void read_rows(int fd);
  /// Takes in where the lines of the state of the reductions stand. Keeps the file open.
  void read_partials(ipc::UniqueFd fd);

  [[nodiscard]] Image image(std::uint64_t index) const { return images_.empty() ? Image{} : images_[index]; }
  [[nodiscard]] std::string detail(std::uint64_t index) const;
  /// What this image added to the reductions, if it is on record for this very content and plan.
  [[nodiscard]] std::optional<kernels::Partial> partial(std::uint64_t index, std::uint64_t input_xxh64,
                                                        bool with_histogram) const;

 private:
  [[nodiscard]] std::optional<std::size_t> index_of(std::string_view input) const;

  const InputList* inputs_ = nullptr;
  OutputNaming naming_;
  std::uint64_t plan_ = 0;
  std::vector<Image> images_;
  std::string here_;                                              // the current folder, which relative paths begin at
  std::vector<std::pair<std::uint64_t, std::uint32_t>> by_hash_;  // of the input's absolute path, sorted
  std::unordered_map<std::uint64_t, std::string> details_;
  ipc::UniqueFd partials_;
  struct Place {
    std::uint64_t offset = 0;
    std::uint32_t length = 0;
  };
  std::vector<Place> partial_at_;
};

/// Whether a file may be a manifest: it is empty, or has a row or a summary, or nothing but a first line that a crash
/// cut short. Reads up to the first whole one. Throws Error (machine) when reading fails.
[[nodiscard]] bool may_be_manifest(int fd);

}  // namespace pixmill::pipeline
