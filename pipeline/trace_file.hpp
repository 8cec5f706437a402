#pragma once

#include "ipc/unique_fd.hpp"
#include "pipeline/files/output_file.hpp"
#include "pipeline/probe.hpp"

#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace pixmill::pipeline {

class InputList;

/// A trace in Chrome's format, which Perfetto reads: a row a worker and a thread, a span a stage. Written as it comes,
/// so it takes no memory however many images there are. A regular file is whole JSON after every write, so that a run
/// that is killed leaves a trace as well; a pipe is closed by finish().
///
/// Format: "Trace Event Format", Google, 2016: events of phase X, M and i in a JSON object.
class TraceFile final : public Probe {
 public:
  struct Legend {
    std::string title;  ///< Of all rows.
    std::string plan;
    std::vector<std::string> stages;  ///< Names, by number; see stage_names().
  };
  /// Opens `path`, which is replaced, and locks it. Keeps a reference to the inputs. Throws Error: (usage) if another
  /// run writes it or it is none that can be written; (machine) if the machine fails.
  TraceFile(std::string path, const Legend& legend, const InputList& inputs);
  /// Finishes it, if that was not done.
  ~TraceFile() override;
  TraceFile(const TraceFile&) = delete;
  TraceFile& operator=(const TraceFile&) = delete;

  void add(const RowWork& work) noexcept override;
  /// Writes what is left; nothing may be added any more. What failed first, if anything did: nothing was written after
  /// it.
  [[nodiscard]] WriteStatus finish();

 private:
  void describe_row(Row row);
  void describe_image(const RowWork& work, std::string& text) const;
  [[nodiscard]] std::string input_text(std::uint64_t image) const;
  [[nodiscard]] std::string span_text(int track, std::uint64_t begin_ns, std::uint64_t end_ns) const;
  void flush(bool last);
  void fail(int error);

  const std::string path_;
  const InputList& inputs_;
  const int process_;
  const std::uint64_t origin_ns_;
  std::vector<std::string> stages_;  // as JSON
  std::mutex mutex_;                 // guards what follows
  ipc::UniqueFd fd_;
  bool regular_ = false;
  std::uint64_t size_ = 0;  // of what stands in the file, without its end
  std::string buffer_;
  std::set<int> tracks_;  // that have a name already
  WriteStatus status_;
};

}  // namespace pixmill::pipeline
