#include "pipeline/sink.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace pixmill::pipeline {
namespace {

// The content was read, and is the reason: reading it again gives the same verdict.
bool is_of_content(Verdict verdict) {
  return verdict == Verdict::unsupported || verdict == Verdict::corrupt || verdict == Verdict::truncated ||
         verdict == Verdict::kernel_failed;
}

}  // namespace

Sink::Sink(const InputList& inputs, Journal& journal, PixelFold* pixels, Settings settings, std::stop_source stop)
    : inputs_(inputs),
      journal_(journal),
      pixels_(pixels),
      settings_(std::move(settings)),
      stop_(std::move(stop)),
      folders_(settings_.naming.directory),
      accumulator_(settings_.reduce_histogram),
      done_(inputs.size()) {
  if (settings_.own != nullptr) own_.emplace(*settings_.own);
}

ImageOutcome Sink::blank_outcome(std::uint64_t index) const {
  ImageOutcome outcome;
  outcome.index = index;
  outcome.input = inputs_.path(index);
  return outcome;
}

void Sink::deliver(const Task& task, ProgramResult result, Bytes encoded) {
  ImageOutcome outcome = blank_outcome(task.index);
  outcome.bytes_in = task.file.bytes().size();
  outcome.input_xxh64 = task.input_xxh64;
  outcome.width = result.width;
  outcome.height = result.height;
  outcome.ms = result.ms;
  if (task.partial) result.partial = task.partial;
  if (task.finished) {
    deliver_finished(std::move(outcome), task, result);
    return;
  }
  outcome.verdict = result.verdict;
  outcome.detail = std::move(result.detail);
  outcome.attempts = outcome.verdict == Verdict::cancelled ? 0 : result.attempts;
  if (is_well(outcome.verdict) && settings_.write) write_output(outcome, result.partial, encoded);
  if (is_well(outcome.verdict)) {
    fold_pixels(task, result);
  } else {
    result.partial.reset();
    if (settings_.write) settle_old_output(outcome);
  }
  finish(outcome, result.partial);
}

// Its output stands. What it adds to the reductions is kept for the next time if it had to be found out again.
void Sink::deliver_finished(ImageOutcome outcome, const Task& task, const ProgramResult& result) {
  carry_over(outcome);
  // If it cannot be folded again it is no success: the reductions would lack it.
  const bool folded = (!settings_.reduce || result.partial) && (pixels_ == nullptr || !result.frame.empty());
  outcome.verdict = folded ? Verdict::skipped : result.verdict;
  outcome.detail = folded ? journal_.prior().detail(task.index) : result.detail;
  if (result.partial && !task.partial) {
    const std::lock_guard lock(mutex_);
    if (const WriteStatus status = journal_.keep(outcome, *result.partial); !status.ok) give_up(status);
  }
  if (folded) fold_pixels(task, result);
  finish(outcome, folded ? result.partial : std::nullopt);
}

// What an earlier run has finished stays on record under any verdict that does not undo it; and that an output there is
// a run's own, finished or not, so that the next --resume may replace it.
void Sink::carry_over(ImageOutcome& outcome) const {
  const PriorRun::Image prior = journal_.prior().image(outcome.index);
  const std::string path = output_path(inputs_, outcome.index, settings_.naming);
  if (prior.output_xxh64 == 0) {
    struct stat status {};
    const bool ours = prior.known || journal_.replaces();
    // One that cannot be looked for may be there.
    const bool absent = ::lstat(path.c_str(), &status) != 0 && (errno == ENOENT || errno == ENOTDIR);
    if (settings_.write && ours && !absent) outcome.output = path;
    return;
  }
  outcome.output = path;
  outcome.output_xxh64 = prior.output_xxh64;
  outcome.bytes_out = prior.output_bytes;
  outcome.input_xxh64 = prior.input_xxh64;
  outcome.width = prior.width;
  outcome.height = prior.height;
}

// An output of an earlier run beside a verdict on the content would pass for its result, so it goes, if it is sure to
// be ours. If the input was not even read (an unmounted disk, another limit), what was made of it stays.
void Sink::settle_old_output(ImageOutcome& outcome) const {
  const std::string path = output_path(inputs_, outcome.index, settings_.naming);
  if (!is_of_content(outcome.verdict)) {
    carry_over(outcome);
    return;
  }
  const PriorRun::Image prior = journal_.prior().image(outcome.index);
  FileBuffer old;
  const bool ours = prior.output_xxh64 != 0 && read_whole_file(path, prior.output_bytes, old).usable() &&
                    content_hash(old.bytes()) == prior.output_xxh64;
  struct stat status {};
  if (ours || journal_.replaces()) {
    ::unlink(path.c_str());
  } else if (prior.known && ::lstat(path.c_str(), &status) == 0) {
    outcome.output = path;
  }
}

void Sink::write_output(ImageOutcome& outcome, const std::optional<kernels::Partial>& partial, Bytes encoded) {
  outcome.output = output_path(inputs_, outcome.index, settings_.naming);
  outcome.output_xxh64 = content_hash(encoded);
  outcome.bytes_out = encoded.size();
  WriteStatus status = folders_.make_parents(outcome.output);
  if (status.ok) {
    const std::lock_guard lock(mutex_);
    status = journal_.announce(outcome, partial ? &*partial : nullptr);
  }
  if (status.ok) status = replace_file(outcome.output, encoded, journal_.id(), settings_.durable);
  if (status.ok) return;
  outcome.verdict = Verdict::write_failed;
  outcome.detail = status.detail;
  outcome.output.clear();
  outcome.output_xxh64 = 0;
  outcome.bytes_out = 0;
  if (status.no_room) {
    const std::lock_guard lock(mutex_);
    give_up(status);
  }
}

void Sink::give_up(const WriteStatus& status) {
  tally_.no_room = tally_.no_room || status.no_room;
  if (tally_.trouble.empty()) tally_.trouble = status.detail;
  stop_.request_stop();
}

// An image whose output could not be written never gets here: it would be counted though it failed.
void Sink::fold_pixels(const Task& task, const ProgramResult& result) {
  if (pixels_ == nullptr || pixels_->add(task.index, result.frame) != PixelFold::Added::no_memory) return;
  const std::lock_guard lock(mutex_);
  give_up({.ok = false, .detail = pixels_->trouble(inputs_)});
}

void Sink::fold(std::uint64_t index, const kernels::Partial& partial) {
  accumulator_.add(partial);
  if (own_) own_->add(partial.own);
  if (!settings_.per_image) return;
  kernels::Accumulator alone(false);
  alone.add(partial);
  auto& [at, result] = per_image_.emplace_back(index, alone.finish());
  if (own_) result.own = own_->of_one(partial.own);
}

void Sink::finish(const ImageOutcome& outcome, const std::optional<kernels::Partial>& partial) {
  const std::lock_guard lock(mutex_);
  // First, and counted afterwards: without memory for a row it throws, and the image is still one of the rest.
  if (const WriteStatus status = journal_.record(outcome); !status.ok) give_up(status);
  done_[outcome.index] = true;
  ++tally_.counts[static_cast<std::size_t>(outcome.verdict)];
  if (partial && settings_.reduce) fold(outcome.index, *partial);
  if (settings_.stop_on_error && !is_well(outcome.verdict) && !stop_.stop_requested()) {
    tally_.stopped_on_error = true;
    stop_.request_stop();
  }
  if (settings_.on_outcome) settings_.on_outcome(outcome);
}

void Sink::cancel_rest(const std::string& why) {
  for (std::uint64_t i = 0; i < inputs_.size(); ++i) {
    if (done_[i]) continue;
    ImageOutcome outcome = blank_outcome(i);
    outcome.verdict = Verdict::cancelled;
    outcome.detail = why;
    carry_over(outcome);  // the next --resume must still know what earlier runs have finished
    finish(outcome, std::nullopt);
  }
}

}  // namespace pixmill::pipeline
