#pragma once

#include "bench/child_run.hpp"
#include "bench/report.hpp"

#include <pixmill/batch.hpp>

#include <string>

namespace pixmill::bench {

/// A folder of its own in the temporary folder, removed with all that is in it when this goes.
class ScratchFolder {
 public:
  /// Throws Error (machine).
  ScratchFolder();
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  /// A folder in it that does not exist; what the last one held is removed.
  [[nodiscard]] std::string fresh();
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
  int used_ = 0;
};

/// Runs the whole batch at `point`, from the files to files in `output`, which must not exist. Throws as run_batch()
/// does, and Error (machine) where the run could not go on. With `breakdown` it says where the time went.
[[nodiscard]] RunFigures run_on_files(const BatchOptions& batch, const Point& point, const std::string& output,
                                      Breakdown* breakdown = nullptr);

}  // namespace pixmill::bench
