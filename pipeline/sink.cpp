#include "pipeline/sink.hpp"

#include <fmt/format.h>
#include <unistd.h>

namespace pixmill::pipeline {
namespace {

// An old output beside a verdict that says the image failed would pass for its result.
bool leaves_no_output(Verdict verdict) {
  return !is_well(verdict) && verdict != Verdict::cancelled && verdict != Verdict::write_failed;
}

}  // namespace

Sink::Sink(const InputList& inputs, Journal& journal, Settings settings, std::stop_source stop)
    : inputs_(inputs),
      journal_(journal),
      settings_(std::move(settings)),
      stop_(std::move(stop)),
      folders_(settings_.naming.directory),
      accumulator_(settings_.reduce_histogram),
      done_(inputs.size()) {}

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
  if (task.finished && settings_.reduce && !result.partial) {
    result.partial = journal_.prior().partial(task.index, task.input_xxh64, settings_.reduce_histogram);
  }
  // A finished image that cannot be folded again is no success: the reductions would lack it.
  if (task.finished && (result.partial || !settings_.reduce)) {
    const PriorRun::Image prior = journal_.prior().image(task.index);
    outcome.verdict = Verdict::skipped;
    outcome.detail = journal_.prior().detail(task.index);
    outcome.output = output_path(inputs_, task.index, settings_.naming);
    outcome.output_xxh64 = prior.output_xxh64;
    outcome.bytes_out = task.output_bytes;
    outcome.width = prior.width;
    outcome.height = prior.height;
    finish(outcome, result.partial);
    return;
  }
  outcome.verdict = result.verdict;
  outcome.detail = std::move(result.detail);
  outcome.ms = result.ms;
  outcome.attempts = 1;
  if (is_well(outcome.verdict) && settings_.write) {
    write_output(outcome, result.partial, encoded);
  } else if (settings_.write && leaves_no_output(outcome.verdict)) {
    ::unlink(output_path(inputs_, task.index, settings_.naming).c_str());
  }
  if (!is_well(outcome.verdict)) result.partial.reset();
  finish(outcome, result.partial);
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

void Sink::fold(std::uint64_t index, const kernels::Partial& partial) {
  accumulator_.add(partial);
  if (!settings_.per_image) return;
  kernels::Accumulator alone(false);
  alone.add(partial);
  per_image_.emplace_back(index, alone.finish());
}

void Sink::finish(const ImageOutcome& outcome, const std::optional<kernels::Partial>& partial) {
  const std::lock_guard lock(mutex_);
  done_[outcome.index] = true;
  ++tally_.counts[static_cast<std::size_t>(outcome.verdict)];
  if (const WriteStatus status = journal_.record(outcome); !status.ok) give_up(status);
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
    const PriorRun::Image prior = journal_.prior().image(i);
    if (prior.output_xxh64 != 0) {
      // The next --resume must still know what earlier runs have finished.
      outcome.output = output_path(inputs_, i, settings_.naming);
      outcome.input_xxh64 = prior.input_xxh64;
      outcome.output_xxh64 = prior.output_xxh64;
      outcome.width = prior.width;
      outcome.height = prior.height;
    }
    finish(outcome, std::nullopt);
  }
}

}  // namespace pixmill::pipeline
