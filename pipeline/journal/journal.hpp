#pragma once

#include "pipeline/journal/append_file.hpp"
#include "pipeline/journal/partial_text.hpp"
#include "pipeline/journal/prior_run.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

namespace pixmill::pipeline {

/// What a run writes about itself: the manifest, the state of the reductions, and while it runs a journal of the
/// outputs that it is about to give their names (`.pixmill-<id>.journal`).
///
/// For each image the order is: its partial, the journal's line, the rename of its output, the manifest's row. So after
/// a death at any moment an output under a final name has a row or a journal line with its hash, and nothing is folded
/// twice. Not thread-safe: the sink's lock guards it.
class Journal {
 public:
  struct Settings {
    std::string directory;  ///< Of the outputs; empty: none are written.
    std::string manifest;   ///< Empty: none.
    bool overwrite = false;
    bool resume = false;
    bool durable = false;
    bool with_partials = false;
    std::uint64_t plan = 0;
  };

  /// Checks that nothing is in the way, then takes hold of everything: makes the folder, locks the manifest, learns
  /// what earlier runs did, removes what dead ones left. Throws Error: (usage) with nothing written, or (machine).
  Journal(Settings settings, const InputList& inputs, const OutputNaming& naming);

  /// The checks of the constructor that need neither lock nor writing. Throws Error (usage). What earlier runs did.
  static PriorRun check(const Settings& settings, const InputList& inputs, const OutputNaming& naming);

  [[nodiscard]] const PriorRun& prior() const { return prior_; }
  /// Whether whatever stands under the name of an output was given up (--overwrite, or going on with such a run).
  [[nodiscard]] bool replaces() const { return all_known_; }
  /// Marks this run's temporary files.
  [[nodiscard]] const std::string& id() const { return id_; }

  /// Before an output gets its name.
  WriteStatus announce(const ImageOutcome& outcome, const kernels::Partial* partial);
  /// What an image adds that an earlier run has finished without writing that down.
  WriteStatus keep(const ImageOutcome& outcome, const kernels::Partial& partial);
  /// An image is done.
  WriteStatus record(const ImageOutcome& outcome);
  /// All images are done: writes the summary, leaves one line for each input, and removes the journal.
  WriteStatus finish(const BatchReport& report);

 private:
  void lock_manifest();
  void shorten_journal();
  void open_files(const InputList& inputs);
  void reserve_rows(const InputList& inputs);
  void open_journal();
  WriteStatus compact(const BatchReport& report);

  Settings settings_;
  std::string id_;
  PriorRun prior_;
  AppendFile manifest_;
  AppendFile journal_;
  std::unordered_map<std::uint64_t, std::string> announced_;  // lines of the journal that have no row yet
  AppendFile partials_;
  std::uint64_t first_row_ = 0;  // where this run's rows begin
  std::string inherited_;        // the journal's lines by a run that was killed
  bool rows_lost_ = false;
  bool all_known_ = false;  // --overwrite, or going on with a run that had it
};

/// /// Removes the temporary files below an output folder that no living run owns. A run owns those with its id in its
/// own output folder, which may lie deeper, and lives as long as its journal is locked. Never throws; what cannot be
/// removed stays.
void remove_stale_temporaries(const std::string& directory);

}  // namespace pixmill::pipeline
