#pragma once

#include "pipeline/files/whole_file.hpp"
#include "pipeline/inputs/input_list.hpp"
#include "pipeline/journal/prior_run.hpp"
#include "pipeline/program.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>

namespace pixmill::pipeline {

/// One image to be processed: its bytes, and what is to be done with them.
struct Task {
  std::uint64_t index = 0;
  FileBuffer file;
  CodecStatus read;  ///< Not ok: there are no bytes, and this is the verdict.
  std::uint64_t input_xxh64 = 0;
  /// Its output was finished by an earlier run and has been found whole.
  bool finished = false;
  /// What it adds to the reductions, if an earlier run wrote that down; else it is decoded for that alone.
  std::optional<kernels::Partial> partial;
  Program::Want want;
};

/// Where tasks come from: hands out inputs in order, and reads them. Any thread.
class Source {
 public:
  struct Settings {
    std::uint64_t limit_bytes = 0;  ///< A larger file is `too-large`.
    bool write = false;
    bool reduce = false;
    bool reduce_histogram = false;
    bool pixels = false;  ///< The finished frame is wanted of every image.
    OutputNaming naming;
    std::shared_ptr<const OwnReductions> own = nullptr;
  };
  /// Keeps references. `stop` ends it before the inputs do.
  Source(const InputList& inputs, const PriorRun& prior, Settings settings, std::stop_token stop);
  virtual ~Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  /// The next input, or nothing when there is none or no more work is to be begun. Each index is handed out once.
  [[nodiscard]] std::optional<std::uint64_t> claim();
  /// Whether no more work is to be begun; what is loaded and not begun may be dropped.
  [[nodiscard]] bool stopping() const { return stop_.stop_requested(); }
  /// Reads an input into `task` (whose buffer is used again), and finds out whether it is finished already. May throw
  /// std::bad_alloc.
  virtual void load(std::uint64_t index, Task& task) const;

  /// How large the input is at this moment, 0 if that is not known before it is read. One stat where the list does not
  /// say.
  [[nodiscard]] std::uint64_t expected_bytes(std::uint64_t index) const;
  [[nodiscard]] const InputList& inputs() const { return inputs_; }

 private:
  void look_for_finished(Task& task) const;

  const InputList& inputs_;
  const PriorRun& prior_;
  Settings settings_;
  std::stop_token stop_;
  std::atomic<std::uint64_t> next_{0};
};

}  // namespace pixmill::pipeline
