#include "pipeline/batch_setup.hpp"
#include "pipeline/files/output_file.hpp"
#include "pipeline/journal/journal.hpp"
#include "pipeline/sink.hpp"
#include "pipeline/source.hpp"

#include <pixmill/batch.hpp>
#include <pixmill/error.hpp>

#include <fmt/format.h>

#include <chrono>
#include <exception>
#include <filesystem>
#include <span>
#include <utility>

namespace pixmill {
namespace {

using pipeline::BatchSetup;
using pipeline::InputList;
using pipeline::Journal;
using pipeline::Sink;
using pipeline::Source;

Journal::Settings journal_settings(const BatchOptions& options, const BatchSetup& setup) {
  Journal::Settings settings;
  settings.directory = setup.naming.directory;
  settings.manifest = setup.manifest;
  if (options.output) {
    settings.overwrite = options.output->overwrite;
    settings.resume = options.output->resume;
    settings.durable = options.output->fsync;
    settings.with_partials = setup.program.reduce;
  } else {
    settings.overwrite = options.overwrite_manifest;
  }
  settings.plan = setup.plan_hash;
  return settings;
}

Source::Settings source_settings(const BatchSetup& setup) {
  return {setup.program.limits.max_memory, setup.program.write, setup.program.reduce, setup.program.reduce_histogram,
          setup.naming};
}

Sink::Settings sink_settings(const BatchOptions& options, const BatchSetup& setup) {
  Sink::Settings settings;
  settings.naming = setup.naming;
  settings.write = setup.program.write;
  settings.durable = options.output && options.output->fsync;
  settings.stop_on_error = options.stop_on_error;
  settings.reduce = setup.program.reduce;
  settings.reduce_histogram = setup.program.reduce_histogram;
  settings.per_image = setup.report.per_image;
  settings.on_outcome = options.on_outcome;
  return settings;
}

std::string why_cancelled(const BatchOptions& options, const Sink::Tally& tally) {
  if (tally.no_room) return "there was no more room to write; make room, then use --resume";
  if (!tally.trouble.empty()) return tally.trouble;
  if (tally.stopped_on_error) return "stopped after the first failure (--on-error stop)";
  if (options.stop.stop_requested()) return "interrupted before it was begun; --resume goes on";
  return "the run ended early";
}

void write_reductions(const BatchOptions& options, BatchReport& report, const std::string& id) {
  if (!report.reductions || !options.reduce_out) return;
  const bool csv = options.reduce_out->ends_with(".csv");
  const std::string text = csv ? report.reductions->csv() : report.reductions->json();
  const auto status = pipeline::write_report(*options.reduce_out, std::as_bytes(std::span(text)),
                                             id.empty() ? "report" : id, options.output && options.output->fsync);
  if (status.ok) return;
  report.trouble = status.detail;
  report.no_room = status.no_room;
}

/// The parts of a batch at work, in the order in which they are made.
class Batch {
 public:
  Batch(const BatchOptions& options, const BatchSetup& setup, const InputList& inputs)
      : options_(options),
        setup_(setup),
        inputs_(inputs),
        journal_(journal_settings(options, setup), inputs, setup.naming),
        program_(options.plan, setup.program),
        source_(inputs, journal_.prior(), source_settings(setup), stop_.get_token()),
        sink_(inputs, journal_, sink_settings(options, setup), stop_) {}

  BatchReport run() {
    const auto begin = std::chrono::steady_clock::now();
    if (options_.on_listed) options_.on_listed(inputs_.size(), inputs_.total_bytes());
    const std::exception_ptr failure = run_backend();
    sink_.cancel_rest(failure ? "the backend failed" : why_cancelled(options_, sink_.tally()));
    BatchReport report = summary();
    report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (!failure) reduce(report);
    const pipeline::WriteStatus status = journal_.finish(report);
    if (failure) std::rethrow_exception(failure);
    if (!status.ok && report.trouble.empty()) {
      report.trouble = status.detail;
      report.no_room = status.no_room;
    }
    return report;
  }

 private:
  // What was begun is accounted for even when the backend itself fails.
  std::exception_ptr run_backend() {
    const std::stop_callback outer(options_.stop, [this] { stop_.request_stop(); });
    try {
      setup_.backend->run({source_, program_, sink_, setup_.jobs});
      return nullptr;
    } catch (...) {
      return std::current_exception();
    }
  }

  // While the journal still says that this run lives, and so owns its temporary files.
  void reduce(BatchReport& report) {
    const bool whole = report.count(Verdict::cancelled) == 0;
    if (!setup_.program.reduce || !whole || !report.trouble.empty()) return;
    report.reductions =
        make_reduction_report(setup_.report, sink_.accumulator(), std::move(sink_.per_image()), inputs_);
    write_reductions(options_, report, journal_.id());
  }

  [[nodiscard]] BatchReport summary() const {
    const Sink::Tally& tally = sink_.tally();
    BatchReport report;
    report.images = inputs_.size();
    report.counts = tally.counts;
    report.backend = setup_.backend->descriptor.name;
    report.jobs = setup_.jobs;
    report.plan = setup_.plan;
    report.passed_over = inputs_.passed_over();
    report.interrupted = options_.stop.stop_requested();
    report.trouble = tally.trouble;
    report.no_room = tally.no_room;
    return report;
  }

  const BatchOptions& options_;
  const BatchSetup& setup_;
  const InputList& inputs_;
  std::stop_source stop_;
  Journal journal_;
  pipeline::Program program_;
  Source source_;
  Sink sink_;
};

InputList listed(const BatchOptions& options, const BatchSetup& setup) {
  InputList inputs = pipeline::list_inputs(options.inputs, setup.naming.directory);
  if (setup.program.write) pipeline::check_output_names(inputs, setup.naming);
  pipeline::check_own_files(options, setup, inputs);
  return inputs;
}

}  // namespace

bool BatchReport::all_well() const {
  for (const Verdict verdict : all_verdicts()) {
    if (!is_well(verdict) && count(verdict) > 0) return false;
  }
  return true;
}

BatchReport run_batch(const BatchOptions& options) {
  const BatchSetup setup = pipeline::check_options(options);
  const InputList inputs = listed(options, setup);
  if (options.stop.stop_requested()) {  // interrupted while it looked for inputs: nothing was written yet
    BatchReport report;
    report.interrupted = true;
    return report;
  }
  return Batch(options, setup, inputs).run();
}

std::vector<PlannedImage> preview_batch(const BatchOptions& options) {
  const BatchSetup setup = pipeline::check_options(options);
  const InputList inputs = listed(options, setup);
  const pipeline::PriorRun prior = Journal::check(journal_settings(options, setup), inputs, setup.naming);
  std::vector<PlannedImage> images;
  images.reserve(inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    PlannedImage& image = images.emplace_back();
    image.input = inputs.path(i);
    if (!setup.program.write) continue;
    image.output = pipeline::output_path(inputs, i, setup.naming);
    image.finished = prior.image(i).output_xxh64 != 0 && std::filesystem::exists(image.output);
  }
  return images;
}

void remove_temporary_files() noexcept { pipeline::unlink_temporary_files(); }

const std::vector<BackendDescriptor>& backends() {
  static const std::vector<BackendDescriptor> descriptors = [] {
    std::vector<BackendDescriptor> all;
    for (const pipeline::Backend& backend : pipeline::all_backends()) all.push_back(backend.descriptor);
    return all;
  }();
  return descriptors;
}

std::string_view default_backend() { return pipeline::all_backends().front().descriptor.name; }

const std::vector<std::string_view>& output_formats() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> all;
    for (const pipeline::Codec& codec : pipeline::all_codecs()) {
      if (codec.make_encoder != nullptr) all.push_back(codec.name);
    }
    all.emplace_back("same");
    return all;
  }();
  return names;
}

}  // namespace pixmill
