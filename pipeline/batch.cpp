#include "pipeline/batch_setup.hpp"
#include "pipeline/files/output_file.hpp"
#include "pipeline/files/whole_file.hpp"
#include "pipeline/journal/journal.hpp"
#include "pipeline/sink.hpp"
#include "pipeline/source.hpp"
#include "pipeline/stage_totals.hpp"
#include "pipeline/survey.hpp"
#include "pipeline/trace_file.hpp"

#include <pixmill/batch.hpp>
#include <pixmill/error.hpp>
#include <pixmill/machine.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <utility>

namespace pixmill {
namespace {

using pipeline::BatchSetup;
using pipeline::HeadStart;
using pipeline::InputList;
using pipeline::Journal;
using pipeline::PixelFold;
using pipeline::Probe;
using pipeline::Program;
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
          !setup.images.empty(),           setup.naming,        setup.program.own};
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
  settings.own = setup.program.own;
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
  std::string ending = std::filesystem::path(*options.reduce_out).extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(), [](unsigned char c) { return std::tolower(c); });
  const bool csv = ending == ".csv";
  const std::string text = csv ? report.reductions->csv() : report.reductions->json();
  const auto status =
      pipeline::write_report(*options.reduce_out, std::as_bytes(std::span(text)), id.empty() ? "report" : id,
                             options.output && options.output->fsync, options.stop);
  if (status.ok) return;
  report.trouble = status.detail;
  report.no_room = status.no_room;
}

// Whether the images of the reductions will fit in memory is asked before any work, of the first input whose header can
// be read: they must all have the size that it ends up with.
void check_pixel_memory(const BatchOptions& options, const BatchSetup& setup, const PixelFold& pixels,
                        const InputList& inputs) {
  constexpr std::size_t kMostTried = 16;
  pipeline::Program::Options reading = setup.program;
  reading.write = false;
  const Program program(options.plan, reading);
  pipeline::WorkerMemory memory;
  for (std::size_t i = 0; i < std::min(inputs.size(), kMostTried); ++i) {
    if (inputs.path(i) == "-") continue;  // it can be read only once
    pipeline::FileBuffer file;
    if (!pipeline::read_whole_file(inputs.path(i), setup.program.limits.max_memory, file).usable()) continue;
    try {
      const auto reckoning = program.reckon(file.bytes(), memory);
      if (!reckoning.status.usable()) continue;
      // Gray may be first and colours come later, unless the chain takes them all away.
      kernels::FrameShape largest = reckoning.header.shape;
      largest.channels = 3;
      kernels::FrameShape result = reckoning.result;
      result.channels = program.result_of(largest).channels;
      if (const std::string why = pixels.refusal(result); !why.empty()) throw Error(ErrorCode::machine, why);
      return;
    } catch (const kernels::KernelFailure&) {
      continue;
    }
  }
}

// Says in `wish` which were made.
void write_images(const BatchOptions& options, BatchReport& report, const PixelFold& pixels, const InputList& inputs,
                  const std::string& id, pipeline::ReportWish& wish) {
  for (auto& row : wish.rows) row.made = false;
  report.reduction_trouble = pixels.trouble(inputs);
  if (!report.reduction_trouble.empty() || pixels.count() == 0) return;
  for (std::size_t i = 0; i < pixels.images().size() && report.trouble.empty(); ++i) {
    std::vector<std::byte> encoded;
    const pipeline::CodecStatus status = pixels.finish(i, encoded);
    const std::string& path = pixels.images()[i].path;
    if (!status.usable()) {
      report.reduction_trouble = fmt::format("{}: {}", path, status.detail);
      return;
    }
    const auto written = pipeline::write_report(path, encoded, id.empty() ? "report" : id,
                                                options.output && options.output->fsync, options.stop);
    if (!written.ok) {
      report.trouble = written.detail;
      report.no_room = written.no_room;
      return;
    }
    for (auto& row : wish.rows) row.made = row.made || row.reduction == pixels.images()[i].reduction;
  }
}

/// The parts of a batch at work, in the order in which they are made.
class Batch {
 public:
  Batch(const BatchOptions& options, const BatchSetup& setup, const Program& program, HeadStart* head_start,
        const InputList& inputs, PixelFold* pixels, Probe* probe)
      : options_(options),
        setup_(setup),
        inputs_(inputs),
        journal_(journal_settings(options, setup), inputs, setup.naming),
        program_(program),
        head_start_(head_start),
        source_(inputs, journal_.prior(), source_settings(setup), stop_.get_token()),
        sink_(inputs, journal_, pixels, sink_settings(options, setup), stop_),
        pixels_(pixels),
        probe_(probe) {}

  BatchReport run(std::chrono::steady_clock::time_point begin) {
    if (options_.on_listed) options_.on_listed(inputs_.size(), inputs_.total_bytes());
    const std::exception_ptr failure = run_backend();
    sink_.cancel_rest(failure ? "the backend failed" : why_cancelled(options_, sink_.tally()));
    BatchReport report = summary();
    if (!failure) reduce(report);
    report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
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
      pipeline::Job job{source_, program_, sink_, setup_.jobs, setup_.supervision, head_start_};
      job.probe = probe_;
      setup_.backend->run(job);
      return nullptr;
    } catch (...) {
      return std::current_exception();
    }
  }

  // While the journal still says that this run lives, and so owns its temporary files.
  void reduce(BatchReport& report) {
    const bool whole = report.count(Verdict::cancelled) == 0;
    if (!setup_.program.reduce || !whole || !report.trouble.empty()) return;
    pipeline::ReportWish wish = setup_.report;
    if (pixels_ != nullptr) {
      write_images(options_, report, *pixels_, inputs_, journal_.id(), wish);
    }
    if (pipeline::OwnFold* own = sink_.own()) {
      wish.own = own->finish();
      if (!report.reduction_trouble.empty() && !own->trouble().empty()) report.reduction_trouble += "; ";
      report.reduction_trouble += own->trouble();
    }
    report.reductions = make_reduction_report(wish, sink_.accumulator(), std::move(sink_.per_image()), inputs_);
    if (report.trouble.empty()) write_reductions(options_, report, journal_.id());
  }

  [[nodiscard]] BatchReport summary() const {
    const Sink::Tally& tally = sink_.tally();
    BatchReport report;
    report.images = inputs_.size();
    report.counts = tally.counts;
    report.backend = setup_.backend->descriptor.name;
    report.jobs = setup_.jobs;
    report.plan = setup_.plan;
    report.decisions = program_.decisions();
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
  const Program& program_;
  HeadStart* head_start_;
  Source source_;
  Sink sink_;
  PixelFold* pixels_;
  Probe* probe_;
};

/// The probes that were asked for, as one.
class Probes final : public Probe {
 public:
  /// Throws Error as TraceFile does.
  Probes(const BatchOptions& options, const BatchSetup& setup, const InputList& inputs)
      : stages_(pipeline::stage_names(pipeline::chain_of(options.plan))) {
    if (options.trace) {
      const std::string title = fmt::format("pixmill, {}, {} worker{}", setup.backend->descriptor.name, setup.jobs,
                                            setup.jobs == 1 ? "" : "s");
      trace_.emplace(*options.trace, pipeline::TraceFile::Legend{title, setup.plan, stages_}, inputs);
    }
    if (options.time_stages) totals_.emplace(static_cast<std::uint32_t>(stages_.size()));
  }

  void add(const pipeline::RowWork& work) noexcept override {
    if (trace_) trace_->add(work);
    if (totals_) totals_->add(work);
  }

  void finish(BatchReport& report) {
    if (totals_) {
      report.rows = totals_->rows();
      report.stages = stages_;
    }
    if (!trace_) return;
    if (const pipeline::WriteStatus status = trace_->finish(); !status.ok) report.trace_trouble = status.detail;
  }

 private:
  std::vector<std::string> stages_;
  std::optional<pipeline::TraceFile> trace_;
  std::optional<pipeline::StageTotals> totals_;
};

InputList listed(const BatchOptions& options, const BatchSetup& setup) {
  InputList inputs = pipeline::list_inputs(options.inputs, setup.naming.directory);
  if (setup.program.write) pipeline::check_output_names(inputs, setup.naming);
  pipeline::check_own_files(options, setup, inputs);
  return inputs;
}

// Finds out what kernels want to know of the whole batch. What they decide is part of the plan: with other inputs it
// may come out otherwise, and then outputs of earlier runs are not those of this one. False: interrupted, with nothing
// begun.
bool survey(const BatchOptions& options, BatchSetup& setup, const InputList& inputs, Probe* probe) {
  const Program whole(options.plan, setup.program);
  if (whole.undecided() == nullptr || inputs.size() == 0) return true;
  // What would be refused afterwards is refused before.
  static_cast<void>(Journal::check(journal_settings(options, setup), inputs, setup.naming));
  setup.program.decided = pipeline::survey_batch(options, setup, inputs, probe);
  if (options.stop.stop_requested()) return false;
  for (const auto& operation : setup.program.decided) {
    const std::string seen = fmt::format("{:016x} {}", setup.plan_hash, operation->decision());
    setup.plan_hash = pipeline::content_hash(std::as_bytes(std::span(seen)));
  }
  return true;
}

}  // namespace

bool BatchReport::all_well() const {
  if (!reduction_trouble.empty()) return false;
  for (const Verdict verdict : all_verdicts()) {
    if (!is_well(verdict) && count(verdict) > 0) return false;
  }
  return true;
}

BatchReport run_batch(const BatchOptions& options) {
  BatchSetup setup = pipeline::check_options(options);
  std::optional<Program> program(std::in_place, options.plan, setup.program);
  std::unique_ptr<HeadStart> head_start;
  // What the batch decides is part of the program.
  if (setup.backend->begin != nullptr && program->undecided() == nullptr) {
    head_start = setup.backend->begin(*program, setup.jobs, setup.supervision);
  }
  const InputList inputs = listed(options, setup);
  const auto begin = std::chrono::steady_clock::now();
  if (options.stop.stop_requested()) {  // interrupted while it looked for inputs: nothing was written yet
    BatchReport report;
    report.interrupted = true;
    return report;
  }
  std::optional<PixelFold> pixels;
  if (!setup.images.empty()) {
    pixels.emplace(setup.images, available_memory());
    // Where decoders are locked in, headers are not read out here either: the first answer tells as well.
    if (!setup.backend->descriptor.isolated) check_pixel_memory(options, setup, *pixels, inputs);
  }
  std::optional<Probes> probes;
  if (setup.program.time_stages) {
    // A trace replaces an older one, so what would be refused afterwards is refused before.
    static_cast<void>(Journal::check(journal_settings(options, setup), inputs, setup.naming));
    probes.emplace(options, setup, inputs);
  }
  Probe* const probe = probes ? &*probes : nullptr;
  BatchReport report;
  if (survey(options, setup, inputs, probe)) {
    if (!setup.program.decided.empty()) program.emplace(options.plan, setup.program);
    report = Batch(options, setup, *program, head_start.get(), inputs, pixels ? &*pixels : nullptr, probe).run(begin);
  } else {
    report.interrupted = true;
  }
  if (probes) probes->finish(report);
  return report;
}

std::vector<PlannedImage> preview_batch(const BatchOptions& options) {
  BatchSetup setup = pipeline::check_options(options);
  const InputList inputs = listed(options, setup);
  // Which outputs still are those of this plan depends on what the batch decides.
  if (options.output && options.output->resume) static_cast<void>(survey(options, setup, inputs, nullptr));
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
