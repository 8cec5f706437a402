#pragma once

#include "kernels/accumulator.hpp"
#include "pipeline/files/output_file.hpp"
#include "pipeline/journal/journal.hpp"
#include "pipeline/outcomes.hpp"
#include "pipeline/pixel_fold.hpp"

#include <pixmill/batch.hpp>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace pixmill::pipeline {

/// Where outcomes go: outputs get their names, rows their place in the manifest, partials are folded. Any thread may
/// deliver; outputs are written side by side, all else one at a time, in any order.
class Sink final : public Outcomes {
 public:
  struct Settings {
    OutputNaming naming;
    bool write = false;
    bool durable = false;
    bool stop_on_error = false;
    bool reduce = false;
    bool reduce_histogram = false;
    bool per_image = false;
    std::shared_ptr<const OwnReductions> own = nullptr;
    std::function<void(const ImageOutcome&)> on_outcome;
  };
  /// Keeps references. `pixels` may be null: no reduction makes an image. Asks `stop` to stop when no more work makes
  /// sense (first failure, no room).
  Sink(const InputList& inputs, Journal& journal, PixelFold* pixels, Settings settings, std::stop_source stop);

  void deliver(const Task& task, ProgramResult result, Bytes encoded) override;
  /// Gives every input that has no verdict yet the verdict `cancelled`. Call when nothing is delivered any more.
  void cancel_rest(const std::string& why);

  struct Tally {
    std::array<std::uint64_t, kVerdictCount> counts{};
    bool no_room = false;
    std::string trouble;  ///< Why the run itself could not go on, if so.
    bool stopped_on_error = false;
  };
  /// After the last delivery.
  [[nodiscard]] const Tally& tally() const { return tally_; }
  [[nodiscard]] const kernels::Accumulator& accumulator() const { return accumulator_; }
  /// Of own reductions; null where none is asked for.
  [[nodiscard]] OwnFold* own() { return own_ ? &*own_ : nullptr; }
  /// What each image adds by itself (without histograms), with `per_image`; in order of completion.
  [[nodiscard]] std::vector<std::pair<std::uint64_t, kernels::Accumulator::Result>>& per_image() { return per_image_; }

 private:
  void deliver_finished(ImageOutcome outcome, const Task& task, const ProgramResult& result);
  void carry_over(ImageOutcome& outcome) const;
  void settle_old_output(ImageOutcome& outcome) const;
  void write_output(ImageOutcome& outcome, const std::optional<kernels::Partial>& partial, Bytes encoded);
  void finish(const ImageOutcome& outcome, const std::optional<kernels::Partial>& partial);
  void fold_pixels(const Task& task, const ProgramResult& result);
  void fold(std::uint64_t index, const kernels::Partial& partial);
  void give_up(const WriteStatus& status);
  [[nodiscard]] ImageOutcome blank_outcome(std::uint64_t index) const;

  const InputList& inputs_;
  Journal& journal_;
  PixelFold* pixels_;
  Settings settings_;
  std::stop_source stop_;
  FolderMaker folders_;
  std::mutex mutex_;  // guards everything below, and the journal
  Tally tally_;
  kernels::Accumulator accumulator_;
  std::optional<OwnFold> own_;
  std::vector<bool> done_;
  std::vector<std::pair<std::uint64_t, kernels::Accumulator::Result>> per_image_;
};

}  // namespace pixmill::pipeline
